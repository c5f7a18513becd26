-- Where an account stands in a content. Version 0 stands for nothing yet.
CREATE TABLE listening_progress (
    account_id UUID NOT NULL,
    content_id UUID NOT NULL,
    version BIGINT NOT NULL,
    position_ms BIGINT NOT NULL,
    duration_ms BIGINT,
    device_id TEXT NOT NULL,
    device_time_ms BIGINT,
    heard_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    log_number BIGINT NOT NULL,
    notable_number BIGINT NOT NULL,
    PRIMARY KEY (account_id, content_id)
);
CREATE INDEX listening_progress_updated ON listening_progress (account_id, updated_at_ms);

-- Every update that came, whether it won or lost. Only its oldest entries are ever removed.
CREATE TABLE listening_log (
    account_id UUID NOT NULL,
    content_id UUID NOT NULL,
    number BIGINT NOT NULL,
    -- Counts the entries that something can be taken back from: they are kept longer.
    notable BIGINT,
    outcome TEXT NOT NULL,
    position_ms BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    device_time_ms BIGINT,
    base_version BIGINT,
    heard_at_ms BIGINT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    -- What stood when it came.
    replaced_version BIGINT NOT NULL,
    replaced_position_ms BIGINT NOT NULL,
    entry_id UUID,
    PRIMARY KEY (account_id, content_id, number)
);
CREATE UNIQUE INDEX listening_log_entry ON listening_log (account_id, entry_id) WHERE entry_id IS NOT NULL;

-- What a device was told last, and where it said that it was: the base of updates that name none.
CREATE TABLE listening_told (
    account_id UUID NOT NULL,
    content_id UUID NOT NULL,
    device_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    position_ms BIGINT,
    PRIMARY KEY (account_id, content_id, device_id)
);
CREATE INDEX listening_told_device ON listening_told (account_id, device_id);

CREATE TABLE listening_device (
    account_id UUID NOT NULL,
    id TEXT NOT NULL,
    name TEXT,
    kind TEXT,
    created_at_ms BIGINT NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    -- While it has a socket: renewed, so that it ends with the process that held the socket.
    connected_until_ms BIGINT NOT NULL,
    content_id UUID,
    position_ms BIGINT NOT NULL,
    playing BOOLEAN NOT NULL,
    -- When it said so.
    told_at_ms BIGINT NOT NULL,
    speed DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (account_id, id)
);

CREATE TABLE listening_playback (
    account_id UUID NOT NULL,
    content_id UUID NOT NULL,
    speed DOUBLE PRECISION NOT NULL,
    loop_start_ms BIGINT,
    loop_end_ms BIGINT,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, content_id)
);

CREATE TABLE listening_bookmark (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL,
    content_id UUID NOT NULL,
    line_id UUID,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT,
    note TEXT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);
CREATE INDEX listening_bookmark_account ON listening_bookmark (account_id, id);

CREATE TABLE listening_clip (
    id UUID PRIMARY KEY NOT NULL,
    source_id UUID NOT NULL,
    owner_id UUID,
    title TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    job_id UUID,
    error TEXT,
    kind TEXT NOT NULL,
    -- Known when it is cut.
    duration_ms BIGINT,
    captions TEXT,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX listening_clip_owner ON listening_clip (owner_id, id);
CREATE INDEX listening_clip_source ON listening_clip (source_id);

CREATE TABLE listening_clip_file (
    clip_id UUID NOT NULL REFERENCES listening_clip (id) ON DELETE CASCADE,
    -- Its place among the files: 0 is the one to play when nothing is said.
    place BIGINT NOT NULL,
    format TEXT NOT NULL,
    media_id UUID NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    audio_codec TEXT,
    video_codec TEXT,
    width BIGINT,
    height BIGINT,
    PRIMARY KEY (clip_id, place)
);

-- What the sockets of other processes shall be told (SQLite only: PostgreSQL has NOTIFY).
CREATE TABLE listening_signal (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin UUID NOT NULL,
    body TEXT NOT NULL
);
