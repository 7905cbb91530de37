-- What the report asks of weeks that have passed, each answered by an index, so that its cost does not grow with history.

-- "What left the retry queue since then?" Rows that are archived count too.
CREATE INDEX retry_ended ON retry_jobs (updated_at) WHERE status NOT IN ('pending', 'running');

-- "What was given up on since then?"
CREATE INDEX dead_letters_recent ON dead_letter_jobs (created_at DESC) WHERE NOT archived;
