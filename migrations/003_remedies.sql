-- What approving a proposal changes, and how it is found and taken back.

-- What it was like right before the effect, noted before it begins, so that a run that dies loses nothing of it.
ALTER TABLE proposals ADD COLUMN before jsonb;
ALTER TABLE proposals ADD COLUMN work bigint REFERENCES retry_jobs;  -- its place in the queue while it is carried out
CREATE INDEX proposals_under_way ON proposals (decided_at DESC)
    WHERE status = 'approved' AND remedy IS NOT NULL AND NOT archived;

ALTER TABLE corrections ADD COLUMN figure jsonb;         -- {"what", "value", "counted", "of"}: as it was when that was applied
CREATE INDEX corrections_of_proposal ON corrections (proposal_id);

-- The operator's file says how often a job runs; a proposal she approved may say otherwise, until it is undone.
ALTER TABLE job_state ADD COLUMN interval_minutes integer CHECK (interval_minutes BETWEEN 1 AND 1440);

-- Superseded by her word: a source that still has the same text does not bring it back.
CREATE INDEX memory_superseded_by_word ON memory_items (key) WHERE supersede_reason = 'proposal';

-- The dead letters of one kind of work, by when they came.
CREATE INDEX dead_letters_of_type ON dead_letter_jobs (type, created_at DESC) WHERE NOT archived;
CREATE INDEX incidents_of_type ON incidents (type, opened_at DESC) WHERE NOT archived;
