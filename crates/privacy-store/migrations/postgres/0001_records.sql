-- The record database. Times are milliseconds since 1970, UTC: the caller's clock, but for lease_until, send_by and
-- absent_at, which are the database's own. Columns named `sealed` are AES-256-GCM under the row's data key.

CREATE TABLE key_ring (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    key_id       TEXT COLLATE "C" NOT NULL,                     -- names the master key
    lookup_key   BYTEA NOT NULL                      -- sealed by the master key, never changed by rotation
);

CREATE TABLE requests (
    id               TEXT COLLATE "C" PRIMARY KEY,
    external_id_hash BYTEA UNIQUE,                   -- keyed hash, unique for ever
    identities_hash  BYTEA NOT NULL,                 -- keyed hash of the whole set
    action           TEXT COLLATE "C" NOT NULL,
    regime           TEXT COLLATE "C" NOT NULL,
    gate             TEXT COLLATE "C" NOT NULL,
    begun            BOOLEAN NOT NULL DEFAULT FALSE,
    status           TEXT COLLATE "C" NOT NULL,                 -- follows from gate, begun and tasks
    received_at      BIGINT NOT NULL,
    due_at           BIGINT NOT NULL,
    extended_at      BIGINT,
    completed_at     BIGINT,
    verified_at      BIGINT,
    denied_reason    TEXT COLLATE "C",
    data_key         BYTEA,                          -- sealed by the master key; gone after the retention
    sealed           BYTEA,                          -- identities, external id
    package          TEXT COLLATE "C",
    next_at          BIGINT,                       -- when a worker may take it up; null when there is nothing to do
    lease_owner      TEXT COLLATE "C",
    lease_until      BIGINT,
    fence            BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX requests_work ON requests (due_at) WHERE next_at IS NOT NULL;
CREATE INDEX requests_same ON requests (identities_hash, action);
CREATE INDEX requests_new ON requests (received_at);

-- One keyed hash per identity: an erasure waits for an earlier access of the same person.
CREATE TABLE request_identities (
    request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
    hash       BYTEA NOT NULL,
    PRIMARY KEY (hash, request_id)
);

CREATE TABLE tasks (
    request_id   TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
    connection   TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    outcome      TEXT COLLATE "C",
    halt_kind    TEXT COLLATE "C",
    halt_message TEXT COLLATE "C",
    halt_resume  TEXT COLLATE "C",
    kind         TEXT COLLATE "C",                              -- what its regulation orders
    sealed       BYTEA,                              -- user ids, profiles, identifiers
    user_ids     BIGINT NOT NULL DEFAULT 0,
    unreachable  BIGINT NOT NULL DEFAULT 0,
    collections  TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    findings     TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    attempts     BIGINT NOT NULL DEFAULT 0,
    max_people   BIGINT,                           -- how many may share its next regulation, after a refusal
    resolved_at  BIGINT,
    verified_at  BIGINT,
    intent       TEXT COLLATE "C",                              -- its regulation, or the last one
    PRIMARY KEY (request_id, connection)
);
CREATE INDEX tasks_backlog ON tasks (connection, kind) WHERE state = 'resolved';
CREATE INDEX tasks_intent ON tasks (intent) WHERE intent IS NOT NULL;

CREATE TABLE regulations (
    intent        TEXT COLLATE "C" PRIMARY KEY,
    connection    TEXT COLLATE "C" NOT NULL,
    kind          TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    regulation_id TEXT COLLATE "C",
    status        TEXT COLLATE "C",
    subject_count BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    send_by       BIGINT NOT NULL,
    absent_at     BIGINT,
    accepted_at   BIGINT,
    finished_at   BIGINT,
    next_at       BIGINT,
    attempts      BIGINT NOT NULL DEFAULT 0,
    looks         BIGINT NOT NULL DEFAULT 0,
    data_key      BYTEA,
    sealed        BYTEA,                             -- the exact user ids
    destinations  BYTEA,                             -- sealed: messages of destinations can name a person
    lease_owner   TEXT COLLATE "C",
    lease_until   BIGINT,
    fence         BIGINT NOT NULL DEFAULT 0,
    UNIQUE (connection, regulation_id)
);
CREATE INDEX regulations_work ON regulations (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX regulations_quota ON regulations (connection, created_at);

-- Every regulation that a task was part of.
CREATE TABLE regulation_members (
    intent     TEXT COLLATE "C" NOT NULL REFERENCES regulations (intent),
    request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
    connection TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (intent, request_id)
);
CREATE INDEX regulation_members_request ON regulation_members (request_id);

CREATE TABLE log (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id TEXT COLLATE "C" NOT NULL REFERENCES requests (id),
    at         BIGINT NOT NULL,
    step       TEXT COLLATE "C" NOT NULL,
    facts      TEXT COLLATE "C" NOT NULL                        -- counts, ids, statuses, codes: nothing that names a person
);
CREATE INDEX log_request ON log (request_id, id);
