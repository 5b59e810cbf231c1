-- When a request ended, for retention; NULL while it is open.
ALTER TABLE requests ADD COLUMN ended_at BIGINT;
-- When its package was deleted; what was in it stays known.
ALTER TABLE requests ADD COLUMN package_deleted_at BIGINT;
UPDATE requests SET ended_at = (SELECT MAX(at) FROM log WHERE request_id = requests.id)
    WHERE status IN ('complete', 'denied', 'canceled', 'error');
CREATE INDEX requests_ended ON requests (ended_at) WHERE ended_at IS NOT NULL;
