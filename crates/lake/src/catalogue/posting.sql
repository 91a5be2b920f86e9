-- What was counted, and which requests were stored lately. Made at every opening, so that older catalogues get them too.

-- Days are since 1970, in UTC; a key is its number, 0 for none.
CREATE TABLE IF NOT EXISTS crawlspace_account (
    day INTEGER NOT NULL, "key" INTEGER NOT NULL, signal TEXT NOT NULL, outcome TEXT NOT NULL,
    requests INTEGER NOT NULL, records INTEGER NOT NULL, PRIMARY KEY (day, "key", signal, outcome)) STRICT;
-- One row for each commit that stored requests, of 32 bytes for each of them.
CREATE TABLE IF NOT EXISTS crawlspace_seen (received_max INTEGER NOT NULL, requests BLOB NOT NULL) STRICT;
