-- A streaming session: one viewer at one content. Open while `ended_at_ms` is empty, and only as long
-- as the process that serves it renews the lease. `viewer` is the account, or the address of somebody
-- without one, which is forgotten when the session ends.
CREATE TABLE streaming_session (
    id BLOB PRIMARY KEY NOT NULL,
    viewer TEXT NOT NULL,
    account_id BLOB,
    content_id BLOB NOT NULL,
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    cache_hit BOOLEAN NOT NULL,
    bytes_sent BIGINT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    active_at_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    ended_at_ms BIGINT
);
CREATE UNIQUE INDEX streaming_session_open ON streaming_session (viewer, content_id, device) WHERE ended_at_ms IS NULL;
CREATE INDEX streaming_session_lease ON streaming_session (lease_until_ms) WHERE ended_at_ms IS NULL;
CREATE INDEX streaming_session_account ON streaming_session (account_id, id);
CREATE INDEX streaming_session_unnamed ON streaming_session (ended_at_ms) WHERE account_id IS NULL;

-- One row for each kind: whoever claims a slot of it changes the row first, so that claims queue.
CREATE TABLE streaming_slot (
    kind TEXT PRIMARY KEY NOT NULL,
    claims BIGINT NOT NULL
);
INSERT INTO streaming_slot (kind, claims) VALUES ('audio', 0), ('video', 0);
