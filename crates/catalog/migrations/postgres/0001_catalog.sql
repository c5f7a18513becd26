CREATE TABLE catalog_show (
    id UUID PRIMARY KEY NOT NULL,
    title TEXT NOT NULL,
    title_folded TEXT COLLATE "C" NOT NULL,
    description TEXT,
    lang TEXT,
    cover_url TEXT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

CREATE TABLE catalog_actor (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

-- The name of an actor stands here too, so that a name means one actor at the most.
CREATE TABLE catalog_actor_alias (
    alias_folded TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    alias TEXT NOT NULL,
    is_name BOOLEAN NOT NULL,
    actor_id UUID NOT NULL REFERENCES catalog_actor (id) ON DELETE CASCADE
);
CREATE INDEX catalog_actor_alias_actor ON catalog_actor_alias (actor_id);

CREATE TABLE catalog_script (
    id UUID PRIMARY KEY NOT NULL,
    show_id UUID REFERENCES catalog_show (id) ON DELETE SET NULL,
    title TEXT NOT NULL,
    title_folded TEXT COLLATE "C" NOT NULL,
    lang TEXT NOT NULL,
    level TEXT,
    description TEXT,
    author TEXT,
    source_urls TEXT NOT NULL,
    gap_ms BIGINT NOT NULL,
    cast_members TEXT NOT NULL,
    speakers TEXT NOT NULL,
    line_count BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    heard_revision BIGINT NOT NULL,
    rendering_id UUID,
    rendering_revision BIGINT,
    duration_ms BIGINT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    source_format TEXT,
    source_is_current BOOLEAN NOT NULL,
    source_text TEXT
);
CREATE INDEX catalog_script_updated ON catalog_script (updated_at_ms, id);
CREATE INDEX catalog_script_title ON catalog_script (title_folded, id);
CREATE INDEX catalog_script_show ON catalog_script (show_id);

CREATE TABLE catalog_line (
    id UUID PRIMARY KEY NOT NULL,
    script_id UUID NOT NULL REFERENCES catalog_script (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('line', 'pause', 'chapter')),
    author_id TEXT,
    speaker TEXT NOT NULL,
    speaker_folded TEXT COLLATE "C" NOT NULL,
    actor_id UUID REFERENCES catalog_actor (id) ON DELETE SET NULL,
    text TEXT NOT NULL,
    text_folded TEXT COLLATE "C" NOT NULL,
    style TEXT,
    speed DOUBLE PRECISION,
    pause_ms BIGINT,
    overlap_ms BIGINT,
    fit_start_ms BIGINT,
    fit_end_ms BIGINT,
    translation TEXT,
    origin_line BIGINT,
    origin_column BIGINT,
    start_ms BIGINT,
    end_ms BIGINT,
    UNIQUE (script_id, position)
);
CREATE INDEX catalog_line_speaker ON catalog_line (speaker_folded);
CREATE INDEX catalog_line_actor ON catalog_line (actor_id);

CREATE TABLE catalog_word (
    line_id UUID NOT NULL REFERENCES catalog_line (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    text TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    PRIMARY KEY (line_id, position)
);
