-- Which run is at a message: only that one begins its next way. Null: nobody is.
ALTER TABLE notifications ADD COLUMN taken_by text;

-- Finished stretches of the audit log, each hashed with the hash of the one before it.
CREATE TABLE audit_seals (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_id   bigint NOT NULL UNIQUE,                    -- a stretch begins after the one before: sealed once
    to_id     bigint NOT NULL CHECK (to_id >= from_id),
    count     bigint NOT NULL CHECK (count >= 0),
    previous  text NOT NULL DEFAULT '',
    hash      text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER refuse_deletion BEFORE DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_deletion();
