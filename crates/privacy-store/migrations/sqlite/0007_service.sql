-- Who may use the service. The secret of a token is with its holder alone.
CREATE TABLE tokens (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,                        -- names, apart by spaces
    hash       BLOB NOT NULL,                        -- SHA-256 of the secret
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    used_at    INTEGER
) STRICT;
-- The log names tokens by their names.
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL;

-- Who is signed in at the dashboard.
CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY,                     -- SHA-256 of the secret in the cookie
    token      TEXT NOT NULL REFERENCES tokens (id),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_token ON sessions (token);

-- Lists of what is open, and of what was called off: few among many.
CREATE INDEX requests_open ON requests (received_at, id) WHERE status NOT IN ('complete', 'denied', 'canceled');
CREATE INDEX requests_called_off ON requests (received_at, id) WHERE status IN ('denied', 'canceled');
-- Pages of all.
DROP INDEX requests_new;
CREATE INDEX requests_new ON requests (received_at, id);

-- Who is told of every change of a status: as the configuration of whoever works says.
CREATE TABLE webhooks (
    key TEXT PRIMARY KEY
) STRICT;

-- What is told, until it was. Written with the change itself: no change is without it.
CREATE TABLE webhook_deliveries (
    id           TEXT PRIMARY KEY,                   -- msg_ and random digits: a receiver knows by it what it has seen
    webhook      TEXT NOT NULL,
    request_id   TEXT NOT NULL,
    action       TEXT NOT NULL,
    status       TEXT NOT NULL,
    at           INTEGER NOT NULL,                   -- the database's time of the change
    next_at      INTEGER,                            -- when to try, by the database's time; null when it is over
    attempts     INTEGER NOT NULL DEFAULT 0,
    delivered_at INTEGER,
    answer       TEXT                                -- what became of the last attempt: a status, or what failed
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_at ON webhook_deliveries (at);
CREATE TRIGGER requests_begin AFTER INSERT ON requests BEGIN
    INSERT INTO webhook_deliveries (id, webhook, request_id, action, status, at, next_at)
    SELECT 'msg_' || lower(hex(randomblob(16))), key, NEW.id, NEW.action, NEW.status,
        CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER), CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) FROM webhooks;
END;
CREATE TRIGGER requests_change AFTER UPDATE OF status ON requests WHEN OLD.status <> NEW.status BEGIN
    INSERT INTO webhook_deliveries (id, webhook, request_id, action, status, at, next_at)
    SELECT 'msg_' || lower(hex(randomblob(16))), key, NEW.id, NEW.action, NEW.status,
        CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER), CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) FROM webhooks;
END;
