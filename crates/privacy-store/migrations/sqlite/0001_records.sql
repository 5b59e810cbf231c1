-- The record database. Times are milliseconds since 1970, UTC: the caller's clock, but for lease_until, send_by and
-- absent_at, which are the database's own. Columns named `sealed` are AES-256-GCM under the row's data key.

CREATE TABLE key_ring (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    key_id       TEXT NOT NULL,                     -- names the master key
    lookup_key   BLOB NOT NULL                      -- sealed by the master key, never changed by rotation
) STRICT;

CREATE TABLE requests (
    id               TEXT PRIMARY KEY,
    external_id_hash BLOB UNIQUE,                   -- keyed hash, unique for ever
    identities_hash  BLOB NOT NULL,                 -- keyed hash of the whole set
    action           TEXT NOT NULL,
    regime           TEXT NOT NULL,
    gate             TEXT NOT NULL,
    begun            INTEGER NOT NULL DEFAULT 0,
    status           TEXT NOT NULL,                 -- follows from gate, begun and tasks
    received_at      INTEGER NOT NULL,
    due_at           INTEGER NOT NULL,
    extended_at      INTEGER,
    completed_at     INTEGER,
    verified_at      INTEGER,
    denied_reason    TEXT,
    data_key         BLOB,                          -- sealed by the master key; gone after the retention
    sealed           BLOB,                          -- identities, external id
    package          TEXT,
    next_at          INTEGER,                       -- when a worker may take it up; null when there is nothing to do
    lease_owner      TEXT,
    lease_until      INTEGER,
    fence            INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX requests_work ON requests (due_at) WHERE next_at IS NOT NULL;
CREATE INDEX requests_same ON requests (identities_hash, action);
CREATE INDEX requests_new ON requests (received_at);

-- One keyed hash per identity: an erasure waits for an earlier access of the same person.
CREATE TABLE request_identities (
    request_id TEXT NOT NULL REFERENCES requests (id),
    hash       BLOB NOT NULL,
    PRIMARY KEY (hash, request_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
    request_id   TEXT NOT NULL REFERENCES requests (id),
    connection   TEXT NOT NULL,
    state        TEXT NOT NULL,
    outcome      TEXT,
    halt_kind    TEXT,
    halt_message TEXT,
    halt_resume  TEXT,
    kind         TEXT,                              -- what its regulation orders
    sealed       BLOB,                              -- user ids, profiles, identifiers
    user_ids     INTEGER NOT NULL DEFAULT 0,
    unreachable  INTEGER NOT NULL DEFAULT 0,
    collections  TEXT NOT NULL DEFAULT '{}',
    findings     TEXT NOT NULL DEFAULT '[]',
    attempts     INTEGER NOT NULL DEFAULT 0,
    max_people   INTEGER,                           -- how many may share its next regulation, after a refusal
    resolved_at  INTEGER,
    verified_at  INTEGER,
    intent       TEXT,                              -- its regulation, or the last one
    PRIMARY KEY (request_id, connection)
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_backlog ON tasks (connection, kind) WHERE state = 'resolved';
CREATE INDEX tasks_intent ON tasks (intent) WHERE intent IS NOT NULL;

CREATE TABLE regulations (
    intent        TEXT PRIMARY KEY,
    connection    TEXT NOT NULL,
    kind          TEXT NOT NULL,
    state         TEXT NOT NULL,
    regulation_id TEXT,
    status        TEXT,
    subject_count INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    send_by       INTEGER NOT NULL,
    absent_at     INTEGER,
    accepted_at   INTEGER,
    finished_at   INTEGER,
    next_at       INTEGER,
    attempts      INTEGER NOT NULL DEFAULT 0,
    looks         INTEGER NOT NULL DEFAULT 0,
    data_key      BLOB,
    sealed        BLOB,                             -- the exact user ids
    destinations  BLOB,                             -- sealed: messages of destinations can name a person
    lease_owner   TEXT,
    lease_until   INTEGER,
    fence         INTEGER NOT NULL DEFAULT 0,
    UNIQUE (connection, regulation_id)
) STRICT;
CREATE INDEX regulations_work ON regulations (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX regulations_quota ON regulations (connection, created_at);

-- Every regulation that a task was part of.
CREATE TABLE regulation_members (
    intent     TEXT NOT NULL REFERENCES regulations (intent),
    request_id TEXT NOT NULL REFERENCES requests (id),
    connection TEXT NOT NULL,
    PRIMARY KEY (intent, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX regulation_members_request ON regulation_members (request_id);

CREATE TABLE log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id TEXT NOT NULL REFERENCES requests (id),
    at         INTEGER NOT NULL,
    step       TEXT NOT NULL,
    facts      TEXT NOT NULL                        -- counts, ids, statuses, codes: nothing that names a person
) STRICT;
CREATE INDEX log_request ON log (request_id, id);
