-- What was uploaded. The id is the id of its content.
CREATE TABLE media_content (
    id BLOB PRIMARY KEY,
    owner_id BLOB,
    visibility TEXT NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'public')),
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('audio', 'video')),
    media_id BLOB NOT NULL,
    format TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    duration_ms BIGINT,
    audio_codec TEXT,
    channels BIGINT,
    sample_rate_hz BIGINT,
    video_codec TEXT,
    width BIGINT,
    height BIGINT,
    show_id BLOB,
    -- What is played when the file is gone.
    alternative_id BLOB,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);
CREATE INDEX media_content_owner ON media_content (owner_id, id);
CREATE INDEX media_content_visibility ON media_content (visibility, id);
CREATE INDEX media_content_show ON media_content (show_id, id);

-- What is being uploaded. How far it came is the length of its file.
CREATE TABLE media_upload (
    -- Becomes the id of the content.
    id BLOB PRIMARY KEY,
    owner_id BLOB NOT NULL,
    length_bytes BIGINT NOT NULL,
    -- What the client said about it, as JSON.
    wishes TEXT NOT NULL,
    media_id BLOB NOT NULL,
    -- What follows is not compared with its checksum yet, and goes when it cannot be.
    unverified_from BIGINT,
    -- What FFmpeg found, as JSON. From then on the file may be in the store already.
    facts TEXT,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX media_upload_owner ON media_upload (owner_id);
CREATE INDEX media_upload_expiry ON media_upload (expires_at_ms);

-- Objects that nothing names any more and that are to be deleted from the store.
CREATE TABLE media_grave (
    media_id BLOB PRIMARY KEY,
    created_at_ms BIGINT NOT NULL
);
