-- Who holds the data that a task is about: `connection` (Segment), or `dataset` (an owned database).
ALTER TABLE tasks ADD COLUMN holder TEXT NOT NULL DEFAULT 'connection';
