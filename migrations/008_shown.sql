-- What a yes that does not say it is bound to: the proposal as it was shown last.

ALTER TABLE proposals ADD COLUMN last_shown text;
