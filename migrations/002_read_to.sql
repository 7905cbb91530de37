-- How far a source has been read: "at most 61 min old" has to hold while the next sync is under way, or was killed.

ALTER TABLE data_source_sync
    ADD COLUMN read_to timestamptz;  -- when the last sync that read all began: what changed later is not known
