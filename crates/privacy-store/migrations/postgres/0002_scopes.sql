-- The source that a regulation is for; NULL for the whole workspace.
ALTER TABLE regulations ADD COLUMN source TEXT;
