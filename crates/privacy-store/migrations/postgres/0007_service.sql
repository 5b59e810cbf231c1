-- Who may use the service. The secret of a token is with its holder alone.
CREATE TABLE tokens (
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    scopes     TEXT COLLATE "C" NOT NULL,                        -- names, apart by spaces
    hash       BYTEA NOT NULL,                        -- SHA-256 of the secret
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    used_at    BIGINT
);
-- The log names tokens by their names.
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL;

-- Who is signed in at the dashboard.
CREATE TABLE sessions (
    hash       BYTEA PRIMARY KEY,                     -- SHA-256 of the secret in the cookie
    token      TEXT COLLATE "C" NOT NULL REFERENCES tokens (id),
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_token ON sessions (token);

-- Lists of what is open, and of what was called off: few among many.
CREATE INDEX requests_open ON requests (received_at, id) WHERE status NOT IN ('complete', 'denied', 'canceled');
CREATE INDEX requests_called_off ON requests (received_at, id) WHERE status IN ('denied', 'canceled');
-- Pages of all.
DROP INDEX requests_new;
CREATE INDEX requests_new ON requests (received_at, id);

-- Who is told of every change of a status: as the configuration of whoever works says.
CREATE TABLE webhooks (
    key TEXT COLLATE "C" PRIMARY KEY
);

-- What is told, until it was. Written with the change itself: no change is without it.
CREATE TABLE webhook_deliveries (
    id           TEXT COLLATE "C" PRIMARY KEY,                   -- msg_ and random digits: a receiver knows by it what it has seen
    webhook      TEXT COLLATE "C" NOT NULL,
    request_id   TEXT COLLATE "C" NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    status       TEXT COLLATE "C" NOT NULL,
    at           BIGINT NOT NULL,                   -- the database's time of the change
    next_at      BIGINT,                            -- when to try, by the database's time; null when it is over
    attempts     BIGINT NOT NULL DEFAULT 0,
    delivered_at BIGINT,
    answer       TEXT COLLATE "C"                                -- what became of the last attempt: a status, or what failed
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_at ON webhook_deliveries (at);
-- Also where somebody else writes, whose tables of these names may be others.
CREATE FUNCTION tell_webhooks() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    now_ms BIGINT := FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000);
BEGIN
    INSERT INTO webhook_deliveries (id, webhook, request_id, action, status, at, next_at)
    SELECT 'msg_' || replace(gen_random_uuid()::text, '-', ''), key, NEW.id, NEW.action, NEW.status, now_ms, now_ms FROM webhooks;
    RETURN NULL;
END $$;
CREATE TRIGGER requests_begin AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION tell_webhooks();
CREATE TRIGGER requests_change AFTER UPDATE OF status ON requests FOR EACH ROW
    WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION tell_webhooks();
