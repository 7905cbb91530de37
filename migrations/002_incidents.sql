-- Incidents that watchers keep: who looks after them, how they live, how often she was told; and types she muted.

ALTER TABLE incidents
    ADD COLUMN watcher     text,                          -- whose looks resolve it; null: another one's, left alone
    ADD COLUMN reopened    integer NOT NULL DEFAULT 0,    -- how often it came back after it was resolved
    ADD COLUMN flapping    boolean NOT NULL DEFAULT false, -- it comes and goes: said once, then no more
    ADD COLUMN told        integer NOT NULL DEFAULT 0,    -- how often she was told of it since it was last opened
    ADD COLUMN told_at     timestamptz,
    ADD COLUMN life        jsonb NOT NULL DEFAULT '[]';   -- [{at, what, by, why}]: each change of state, oldest first
CREATE INDEX incidents_of_watcher ON incidents (type, opened_at DESC) WHERE watcher IS NOT NULL AND NOT archived;
CREATE INDEX incidents_of_key ON incidents (dedup_key, id) WHERE NOT archived;

CREATE TABLE incident_mutes (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type        text NOT NULL,
    until       timestamptz NOT NULL,
    reason      text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    lifted_at   timestamptz
);
CREATE INDEX mutes_in_force ON incident_mutes (type, until) WHERE lifted_at IS NULL;
CREATE TRIGGER refuse_deletion BEFORE DELETE OR TRUNCATE ON incident_mutes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion();

-- What watchers ask of the audit log is rare in it, so each question has an index of its own.
CREATE INDEX audit_missed ON agent_audit_log (ts DESC) WHERE action_type = 'missed' AND NOT archived;
CREATE INDEX audit_slow ON agent_audit_log (ts DESC) WHERE duration_ms >= 1000 AND NOT archived;
CREATE INDEX audit_failed ON agent_audit_log (ts DESC) WHERE success = false AND NOT archived;
CREATE INDEX audit_database ON agent_audit_log (ts DESC) WHERE action_type = 'database' AND NOT archived;
