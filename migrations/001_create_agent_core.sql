-- The whole of godmode's data. Rules that hold for every table:
--   nothing is deleted (triggers at the end): rows are flagged archived, facts superseded;
--   columns beyond those that other systems fill have a default or may be null;
--   a statement of the program never takes its time from the server; the defaults are for rows made by hand.

CREATE TABLE schema_migrations (
    version     integer PRIMARY KEY CHECK (version > 0),
    name        text NOT NULL,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE agent_controls (
    id                      smallint PRIMARY KEY DEFAULT 1 CONSTRAINT one_row CHECK (id = 1),
    kill_switch             boolean NOT NULL DEFAULT false,
    jobs_enabled            boolean NOT NULL DEFAULT true,
    comms_enabled           boolean NOT NULL DEFAULT true,
    write_enabled           boolean NOT NULL DEFAULT true,
    kill_switch_number      bigint NOT NULL DEFAULT 0,   -- counts the changes; a mirror with a lower one is stale
    kill_switch_reason      text,
    kill_switch_changed_at  timestamptz,
    kill_switch_changed_by  text
);
INSERT INTO agent_controls DEFAULT VALUES;

-- Also a flip made by hand with psql gets a number, so that the mirrors know it is newer than they are.
CREATE FUNCTION number_kill_switch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.kill_switch_number := OLD.kill_switch_number + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER number_kill_switch BEFORE UPDATE ON agent_controls FOR EACH ROW
    WHEN (OLD.kill_switch IS DISTINCT FROM NEW.kill_switch) EXECUTE FUNCTION number_kill_switch();

CREATE TABLE agent_audit_log (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ts           timestamptz NOT NULL DEFAULT now(),
    action       text NOT NULL,
    action_type  text NOT NULL DEFAULT 'job',
    success      boolean,                                -- null: skipped by rule, neither a success nor a failure
    error        text,
    duration_ms  integer CHECK (duration_ms >= 0),
    output_data  jsonb NOT NULL DEFAULT '{}',
    run_id       text,
    slot         text,
    host         text,
    archived     boolean NOT NULL DEFAULT false
);
CREATE INDEX audit_recent ON agent_audit_log (ts DESC, id DESC) WHERE NOT archived;
CREATE INDEX audit_of_action ON agent_audit_log (action, ts DESC) WHERE NOT archived;
CREATE INDEX audit_failures ON agent_audit_log (action, ts DESC) WHERE success = false AND NOT archived;
CREATE INDEX audit_of_run ON agent_audit_log (run_id);

CREATE TABLE job_state (
    job                   text PRIMARY KEY,
    enabled               boolean NOT NULL DEFAULT true,
    version               bigint NOT NULL DEFAULT 0,     -- compare-and-set: every change of a claim adds one
    slot                  text COLLATE "C",              -- a local date, or an interval's start in UTC: sorts as time
    attempt               integer NOT NULL DEFAULT 0,
    state                 text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'running', 'succeeded', 'failed')),
    run_id                text,
    owner_host            text,
    owner_pid             integer,
    owner_started         text,                          -- the process's start, so that a recycled pid fools nobody
    lease_until           timestamptz,
    started_at            timestamptz,
    finished_at           timestamptz,
    retry_at              timestamptz,
    last_success_at       timestamptz,
    consecutive_failures  integer NOT NULL DEFAULT 0,
    alerted               boolean NOT NULL DEFAULT false, -- whether the present streak of failures was told of
    last_error            text,
    last_skip             text,                          -- "slot reason": each is audited once, not at every tick
    recent                jsonb NOT NULL DEFAULT '[]',   -- the last 20 runs, oldest first
    CONSTRAINT running_has_owner CHECK (state <> 'running' OR (run_id IS NOT NULL AND lease_until IS NOT NULL))
);

CREATE TABLE agent_actions (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key            text NOT NULL UNIQUE,
    kind           text NOT NULL,
    target         text,
    state          text NOT NULL DEFAULT 'started' CHECK (state IN ('started', 'done', 'failed', 'uncertain')),
    attempts       integer NOT NULL DEFAULT 1,
    job            text,
    run_id         text,
    owner_host     text,
    owner_pid      integer,
    owner_started  text,
    lease_until    timestamptz,
    started_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    provider_id    text,
    error          text,
    history        jsonb NOT NULL DEFAULT '[]',          -- each change of state: the action's whole life
    archived       boolean NOT NULL DEFAULT false,
    CONSTRAINT ended_has_time CHECK (state = 'started' OR finished_at IS NOT NULL)
);
CREATE INDEX actions_under_way ON agent_actions (started_at) WHERE state = 'started';
CREATE INDEX actions_uncertain ON agent_actions (finished_at DESC) WHERE state = 'uncertain' AND NOT archived;

CREATE TABLE retry_jobs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type           text NOT NULL,
    payload        jsonb NOT NULL DEFAULT '{}',
    status         text NOT NULL DEFAULT 'pending'
                   CHECK (status IN ('pending', 'running', 'completed', 'failed', 'dead', 'expired', 'dismissed')),
    attempts       integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    max_attempts   integer NOT NULL DEFAULT 5 CHECK (max_attempts > 0),
    run_at         timestamptz NOT NULL DEFAULT now(),
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz,
    unique_key     text,
    owner_host     text,
    owner_pid      integer,
    owner_started  text,
    lease_until    timestamptz,
    errors         jsonb NOT NULL DEFAULT '[]',
    note           text,
    archived       boolean NOT NULL DEFAULT false
);
CREATE INDEX retry_ready ON retry_jobs (run_at, id) WHERE status IN ('pending', 'running') AND NOT archived;
CREATE INDEX retry_completed ON retry_jobs (updated_at) WHERE status = 'completed' AND NOT archived;
CREATE UNIQUE INDEX retry_one_open ON retry_jobs (unique_key) WHERE status IN ('pending', 'running');

CREATE TABLE dead_letter_jobs (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    retry_job_id  bigint REFERENCES retry_jobs,
    type          text NOT NULL,
    payload       jsonb NOT NULL DEFAULT '{}',
    attempts      integer NOT NULL DEFAULT 0,
    error         text,
    errors        jsonb NOT NULL DEFAULT '[]',
    status        text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'retried', 'dismissed')),
    note          text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    archived      boolean NOT NULL DEFAULT false
);
CREATE INDEX dead_letters_open ON dead_letter_jobs (created_at) WHERE status = 'open' AND NOT archived;

CREATE TABLE incidents (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type                 text NOT NULL,
    severity             text NOT NULL DEFAULT 'WARN' CHECK (severity IN ('SEV0', 'SEV1', 'WARN', 'INFO')),
    title                text NOT NULL,
    status               text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'acknowledged', 'resolved')),
    related_workflow_id  text,
    dedup_key            text,
    occurrences          integer NOT NULL DEFAULT 1 CHECK (occurrences > 0),
    subjects             jsonb NOT NULL DEFAULT '[]',
    evidence             jsonb NOT NULL DEFAULT '{}',
    opened_at            timestamptz NOT NULL DEFAULT now(),
    last_seen_at         timestamptz NOT NULL DEFAULT now(),
    acknowledged_at      timestamptz,
    resolved_at          timestamptz,
    archived             boolean NOT NULL DEFAULT false,
    CONSTRAINT resolved_has_time CHECK (status <> 'resolved' OR resolved_at IS NOT NULL)
);
CREATE INDEX incidents_recent ON incidents (opened_at DESC) WHERE NOT archived;
CREATE INDEX incidents_unresolved ON incidents (severity, opened_at) WHERE status <> 'resolved' AND NOT archived;
CREATE INDEX incidents_resolved ON incidents (resolved_at) WHERE status = 'resolved' AND NOT archived;
CREATE UNIQUE INDEX incidents_one_open ON incidents (dedup_key) WHERE status <> 'resolved' AND NOT archived;

CREATE TABLE proposals (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type        text NOT NULL DEFAULT 'manual',
    title       text NOT NULL,
    status      text NOT NULL DEFAULT 'open'
                CHECK (status IN ('open', 'approved', 'rejected', 'applied', 'undone', 'expired')),
    confidence  double precision NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
    evidence    jsonb NOT NULL DEFAULT '{}',
    dedup_key   text,
    remedy      jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    decided_at  timestamptz,
    archived    boolean NOT NULL DEFAULT false
);
CREATE INDEX proposals_recent ON proposals (created_at DESC) WHERE NOT archived;
CREATE INDEX proposals_waiting ON proposals (updated_at DESC) WHERE status = 'open' AND NOT archived;
CREATE INDEX proposals_of_key ON proposals (dedup_key, created_at DESC) WHERE NOT archived;
CREATE UNIQUE INDEX proposals_one_open ON proposals (dedup_key) WHERE status = 'open' AND NOT archived;

CREATE TABLE corrections (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    proposal_id  bigint REFERENCES proposals,
    title        text NOT NULL,
    before       jsonb,
    after        jsonb,
    applied_at   timestamptz NOT NULL DEFAULT now(),
    undone_at    timestamptz,
    archived     boolean NOT NULL DEFAULT false
);
CREATE INDEX corrections_recent ON corrections (applied_at DESC) WHERE NOT archived;

CREATE TABLE memory_items (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key               text NOT NULL,
    value             text NOT NULL,
    authority         text NOT NULL DEFAULT 'observed' CHECK (authority IN ('canonical', 'inferred', 'observed')),
    source_type       text NOT NULL DEFAULT 'manual',
    fields            jsonb NOT NULL DEFAULT '{}',
    content_hash      text,
    occurred_at       timestamptz,                       -- when it was said or changed at the source
    created_at        timestamptz NOT NULL DEFAULT now(),
    superseded_by     bigint REFERENCES memory_items,
    superseded_at     timestamptz,
    supersede_reason  text,
    archived          boolean NOT NULL DEFAULT false,
    CONSTRAINT superseded_has_reason CHECK (superseded_at IS NULL OR supersede_reason IS NOT NULL),
    CONSTRAINT superseded_has_time CHECK (superseded_by IS NULL OR superseded_at IS NOT NULL)
);
CREATE UNIQUE INDEX memory_current ON memory_items (key) WHERE superseded_at IS NULL;
CREATE INDEX memory_history ON memory_items (key, id);
CREATE INDEX memory_recent ON memory_items (source_type, occurred_at DESC)
    WHERE superseded_at IS NULL AND NOT archived;

CREATE TABLE data_source_sync (
    source_name             text PRIMARY KEY,
    last_sync_started_at    timestamptz,
    last_sync_completed_at  timestamptz,
    last_sync_success       boolean,
    items_synced            bigint NOT NULL DEFAULT 0,
    last_error              text,
    cursor                  jsonb NOT NULL DEFAULT '{}',
    last_skipped            jsonb NOT NULL DEFAULT '[]', -- what the last sync could not take, and why
    limited                 text,                        -- why the last sync ended well before all was read
    compared_at             timestamptz,                 -- when all ids were last compared with what is stored
    completeness            jsonb NOT NULL DEFAULT '{}'  -- and what came of it: at_source, stored, repaired, gone, at
);

CREATE TABLE workflow_executions (
    execution_id      text PRIMARY KEY,
    workflow_id       text NOT NULL,
    workflow_name     text,
    status            text NOT NULL,
    mode              text,
    started_at        timestamptz,
    stopped_at        timestamptz,
    retry_of          text,
    retry_success_id  text,
    error             text,
    noted_at          timestamptz,                       -- when its present status was read
    gone_at           timestamptz,                       -- when n8n no longer had it
    archived          boolean NOT NULL DEFAULT false
);
CREATE INDEX executions_recent ON workflow_executions (started_at DESC) WHERE NOT archived;
CREATE INDEX executions_of_workflow ON workflow_executions (workflow_id, started_at DESC) WHERE NOT archived;
CREATE INDEX executions_failed ON workflow_executions (noted_at)
    WHERE status IN ('error', 'crashed') AND retry_success_id IS NULL AND NOT archived;
CREATE INDEX executions_unfinished ON workflow_executions (execution_id) WHERE stopped_at IS NULL AND NOT archived;

CREATE TABLE rate_limit_buckets (
    name           text PRIMARY KEY,
    capacity       double precision NOT NULL CHECK (capacity > 0),
    used           double precision NOT NULL DEFAULT 0 CHECK (used >= 0),
    window_ms      bigint NOT NULL CHECK (window_ms > 0),
    window_start   timestamptz NOT NULL DEFAULT now(),
    next_at        timestamptz,                          -- when there is room for the next call
    blocked_until  timestamptz
);

CREATE TABLE api_usage (
    service      text NOT NULL,
    hour         timestamptz NOT NULL,
    calls        bigint NOT NULL DEFAULT 0,
    errors       bigint NOT NULL DEFAULT 0,
    throttled    bigint NOT NULL DEFAULT 0,
    duration_ms  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (service, hour)
);
CREATE INDEX api_usage_recent ON api_usage (hour DESC);

CREATE TABLE notifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type        text NOT NULL,
    severity    text NOT NULL DEFAULT 'INFO' CHECK (severity IN ('SEV0', 'SEV1', 'WARN', 'INFO')),
    title       text NOT NULL,
    body        text NOT NULL DEFAULT '',
    brief       text NOT NULL DEFAULT '',                -- what an SMS says in place of the body
    dedup_key   text,
    status      text NOT NULL DEFAULT 'pending' CHECK (status IN
                ('pending', 'held', 'sending', 'sent', 'digested', 'suppressed', 'failed', 'uncertain')),
    count       integer NOT NULL DEFAULT 1 CHECK (count > 0),
    via         text[],                                  -- its ways, in order; empty: the digest; null: not yet routed
    due_at      timestamptz,                             -- when a held one goes out; null: with the next digest
    carries     bigint[] NOT NULL DEFAULT '{}',          -- the waiting messages that this one tells of
    buttons     jsonb NOT NULL DEFAULT '[]',             -- [label, data]: what she can press under it
    folded_into bigint REFERENCES notifications,         -- the one message that told of this one
    tries       jsonb NOT NULL DEFAULT '[]',             -- {way, channel, at}: what it took of her attention
    tried_at    timestamptz,                             -- the last of them
    channel     text,
    recipient   text,
    run_id      text,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz,
    archived    boolean NOT NULL DEFAULT false,
    CONSTRAINT sent_has_time CHECK (status <> 'sent' OR sent_at IS NOT NULL)
);
CREATE INDEX notifications_recent ON notifications (created_at DESC) WHERE NOT archived;
CREATE INDEX notifications_waiting ON notifications (created_at)
    WHERE status IN ('pending', 'held', 'sending') AND NOT archived;
CREATE INDEX notifications_folded ON notifications (folded_into) WHERE folded_into IS NOT NULL;
CREATE INDEX notifications_of_type ON notifications (type, created_at DESC) WHERE NOT archived;
CREATE INDEX notifications_tried ON notifications (tried_at) WHERE tried_at IS NOT NULL;
CREATE INDEX notifications_of_key ON notifications (dedup_key, created_at DESC) WHERE NOT archived;

CREATE TABLE communication_allowlist (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address     text NOT NULL,
    name        text,
    purposes    text[] NOT NULL DEFAULT '{call,sms,message}' CHECK (purposes <@ '{call,sms,message}'),
    created_at  timestamptz NOT NULL DEFAULT now(),
    removed_at  timestamptz
);
CREATE UNIQUE INDEX allowlist_address ON communication_allowlist (address) WHERE removed_at IS NULL;

-- Nothing is ever deleted.
CREATE FUNCTION refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'nothing is deleted from %: set archived, or supersede', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'schema_migrations', 'agent_controls', 'agent_audit_log', 'job_state', 'agent_actions', 'retry_jobs',
        'dead_letter_jobs', 'incidents', 'proposals', 'corrections', 'memory_items', 'data_source_sync',
        'workflow_executions', 'rate_limit_buckets', 'api_usage', 'notifications', 'communication_allowlist']
    LOOP
        EXECUTE format('CREATE TRIGGER refuse_deletion BEFORE DELETE OR TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion()', name);
    END LOOP;
END $$;
