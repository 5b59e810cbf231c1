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
