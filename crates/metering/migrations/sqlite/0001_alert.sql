-- Whose turn it is to look: one process of those that share the database, every few seconds.
CREATE TABLE metering_turn (
    id BIGINT PRIMARY KEY NOT NULL,
    looked_at_ms BIGINT NOT NULL
);
INSERT INTO metering_turn (id, looked_at_ms) VALUES (1, 0);

-- What a process counted within a few seconds.
CREATE TABLE metering_sample (
    node BLOB NOT NULL,
    at_ms BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    hits BIGINT NOT NULL,
    misses BIGINT NOT NULL,
    PRIMARY KEY (node, at_ms)
);
CREATE INDEX metering_sample_at ON metering_sample (at_ms);

-- Files that are missing, or that cannot be made ready.
CREATE TABLE metering_incident (
    alert TEXT NOT NULL,
    -- The content, or the file when nobody knows whose it is.
    subject_id BLOB NOT NULL,
    media_id BLOB,
    content_id BLOB,
    first_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    PRIMARY KEY (alert, subject_id)
);

CREATE TABLE metering_alert (
    name TEXT PRIMARY KEY NOT NULL,
    phase TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    -- When it fired last, and when that was over.
    fired_at_ms BIGINT,
    resolved_at_ms BIGINT,
    measure DOUBLE PRECISION,
    detail TEXT,
    looked_at_ms BIGINT NOT NULL
);

-- Everything that was told.
CREATE TABLE metering_alert_change (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    change TEXT NOT NULL,
    measure DOUBLE PRECISION,
    detail TEXT,
    at_ms BIGINT NOT NULL
);
