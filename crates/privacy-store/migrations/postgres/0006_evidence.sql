-- When the month's quota has room again, as Segment said when it turned the attempt away: for all workers.
ALTER TABLE regulations ADD COLUMN rests_until BIGINT;
CREATE INDEX regulations_rests ON regulations (rests_until) WHERE rests_until IS NOT NULL;

-- Logs are chained by hashes. What happens to everybody in a regulation stands once, in the regulation's own log. What was told
-- before has neither number nor hash.
ALTER TABLE log ALTER COLUMN request_id DROP NOT NULL;
ALTER TABLE log ADD COLUMN intent TEXT COLLATE "C" REFERENCES regulations (intent);
ALTER TABLE log ADD COLUMN seq BIGINT;               -- from 1, within the log of the request or the regulation
ALTER TABLE log ADD COLUMN hash BYTEA;
ALTER TABLE log ADD CHECK ((request_id IS NULL) <> (intent IS NULL));
CREATE INDEX log_intent ON log (intent, id) WHERE intent IS NOT NULL;

-- Where each log ends.
ALTER TABLE requests ADD COLUMN log_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN log_hash BYTEA;
ALTER TABLE regulations ADD COLUMN log_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE regulations ADD COLUMN log_hash BYTEA;
