-- The source that a regulation is for; NULL for the whole workspace.
ALTER TABLE regulations ADD COLUMN source TEXT;
-- Fixed when the person is found: what was confirmed for one source does not go to the whole workspace.
ALTER TABLE tasks ADD COLUMN source TEXT;

-- People who must not be erased. A hold that is lifted stays, as a fact.
CREATE TABLE holds (
    id        TEXT PRIMARY KEY,
    placed_at INTEGER NOT NULL,
    lifted_at INTEGER,
    data_key  BLOB NOT NULL,                        -- sealed by the master key
    sealed    BLOB NOT NULL                         -- identities, what was found of them, reason
) STRICT;

-- Connections that are managed here rather than in the configuration file.
CREATE TABLE connections (
    key        TEXT PRIMARY KEY,
    version    INTEGER NOT NULL,                        -- begins anywhere, and grows with every change
    updated_at INTEGER NOT NULL,
    data_key   BLOB NOT NULL,                       -- sealed by the master key
    sealed     BLOB NOT NULL                        -- what the configuration file would say, secrets included
) STRICT;

-- The last connection test of each connection, wherever it is configured.
CREATE TABLE checks (
    connection TEXT PRIMARY KEY,
    at         INTEGER NOT NULL,
    outcome    TEXT NOT NULL,                         -- succeeded or failed
    checks     TEXT NOT NULL                          -- names, statuses, sentences: nothing that names a person
) STRICT;

-- What operators did beside requests: to legal holds and connections.
CREATE TABLE journal (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    subject TEXT NOT NULL,                          -- the id of a hold, the key of a connection
    step    TEXT NOT NULL,
    facts   TEXT NOT NULL                           -- who, as far as it is known: nothing that names a person of a request
) STRICT;
CREATE INDEX journal_subject ON journal (subject, id);
