-- When the month's quota has room again, as Segment said when it turned the attempt away: for all workers.
ALTER TABLE regulations ADD COLUMN rests_until INTEGER;
CREATE INDEX regulations_rests ON regulations (rests_until) WHERE rests_until IS NOT NULL;
