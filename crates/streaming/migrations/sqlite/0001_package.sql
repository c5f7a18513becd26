-- A package: one source as renditions for HLS. `id` changes with every attempt, since the bytes do.
CREATE TABLE streaming_package (
    id BLOB PRIMARY KEY NOT NULL,
    source_id BLOB NOT NULL UNIQUE,
    content_id BLOB NOT NULL,
    state TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    percent BIGINT NOT NULL,
    target_s BIGINT NOT NULL,
    plan TEXT NOT NULL,
    job_id BLOB,
    error_code TEXT,
    used_at_ms BIGINT NOT NULL
);
-- Written before the object is: one whose package has another id by now is removed.
CREATE TABLE streaming_rendition (
    package_id BLOB NOT NULL,
    name TEXT NOT NULL,
    media_id BLOB NOT NULL,
    fragments TEXT NOT NULL,
    PRIMARY KEY (package_id, name)
);
