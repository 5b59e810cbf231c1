-- When the next call to Segment may leave: by connection and rate limit, in microseconds of the database's clock. All workers
-- take their turns here.
CREATE TABLE turns (
    connection TEXT NOT NULL,
    lane TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    PRIMARY KEY (connection, lane)
);
