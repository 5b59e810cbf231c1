-- When the month's quota has room again, as Segment said when it turned the attempt away: for all workers.
ALTER TABLE regulations ADD COLUMN rests_until INTEGER;
CREATE INDEX regulations_rests ON regulations (rests_until) WHERE rests_until IS NOT NULL;

-- Logs are chained by hashes. What happens to everybody in a regulation stands once, in the regulation's own log. What was told
-- before has neither number nor hash.
CREATE TABLE chained_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id TEXT REFERENCES requests (id),
    intent     TEXT REFERENCES regulations (intent),
    seq        INTEGER,                              -- from 1, within the log of the request or the regulation
    at         INTEGER NOT NULL,
    step       TEXT NOT NULL,
    facts      TEXT NOT NULL,                        -- counts, ids, statuses, codes: nothing that names a person
    hash       BLOB,
    CHECK ((request_id IS NULL) <> (intent IS NULL))
) STRICT;
INSERT INTO chained_log (id, request_id, at, step, facts) SELECT id, request_id, at, step, facts FROM log;
DROP TABLE log;
ALTER TABLE chained_log RENAME TO log;
CREATE INDEX log_request ON log (request_id, id) WHERE request_id IS NOT NULL;
CREATE INDEX log_intent ON log (intent, id) WHERE intent IS NOT NULL;

-- Where each log ends.
ALTER TABLE requests ADD COLUMN log_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN log_hash BLOB;
ALTER TABLE regulations ADD COLUMN log_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE regulations ADD COLUMN log_hash BLOB;
