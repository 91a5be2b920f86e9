-- What a team keeps together. AUTOINCREMENT: a number is never given twice, or an old link would open something else.
CREATE TABLE saved_questions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- Of the window, below its base: explore?last=3h
    address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    -- The key that made it, and so may change it; null where none was needed.
    created_key INTEGER,
    changed_at INTEGER,
    changed_by TEXT
) STRICT;

CREATE TABLE notes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    starts_at INTEGER NOT NULL,
    -- The same as the start where it is one moment.
    ends_at INTEGER NOT NULL CHECK (ends_at >= starts_at),
    text TEXT NOT NULL,
    -- A JSON array of pairs of a field and its value.
    about TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_key INTEGER,
    changed_at INTEGER,
    changed_by TEXT
) STRICT;

CREATE INDEX notes_by_start ON notes (starts_at);
