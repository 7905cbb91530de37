-- Which run is at a message: only that one begins its next way. Null: nobody is.
ALTER TABLE notifications ADD COLUMN taken_by text;
