-- What the detectors read of weeks: failures by their time, so that a look costs what failed and not what ran.
CREATE INDEX executions_failed_recent ON workflow_executions (started_at DESC)
    WHERE status IN ('error', 'crashed') AND NOT archived;
CREATE INDEX memory_canonical ON memory_items (id DESC)
    WHERE authority = 'canonical' AND superseded_at IS NULL AND NOT archived;
