-- Rows are never deleted: that is why no number is given twice. Times are nanoseconds since 1970.
CREATE TABLE keys (
    number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 4294967295),
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    -- BLAKE3 of the secret.
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    -- A JSON array of texts.
    origins TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;

-- The audit trail: rows are only ever added.
CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- A JSON object.
    detail TEXT NOT NULL
) STRICT;
