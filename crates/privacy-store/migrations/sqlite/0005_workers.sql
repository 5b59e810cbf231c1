-- When the next call to Segment may leave: by connection and rate limit, in microseconds of the database's clock. All workers
-- take their turns here.
CREATE TABLE turns (
    connection TEXT NOT NULL,
    lane       TEXT NOT NULL,
    next_at    INTEGER NOT NULL,
    PRIMARY KEY (connection, lane)
) STRICT;

-- How often something was claimed since a step of it was last saved or given back.
ALTER TABLE requests ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE regulations ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;

-- Whether an erasure has to wait is asked at every claim, from the request's side.
CREATE INDEX request_identities_request ON request_identities (request_id);

-- Who is next is read off an index.
DROP INDEX requests_work;
CREATE INDEX requests_work ON requests (due_at, id) WHERE next_at IS NOT NULL;
