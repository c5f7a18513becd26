CREATE TABLE voice_rendering (
    id UUID PRIMARY KEY NOT NULL,
    job_id UUID NOT NULL UNIQUE,
    script_id UUID,
    title TEXT NOT NULL,
    duration_ms BIGINT NOT NULL,
    sample_rate_hz BIGINT NOT NULL,
    integrated_lufs DOUBLE PRECISION,
    true_peak_dbtp DOUBLE PRECISION,
    transcript TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX voice_rendering_script ON voice_rendering (script_id, id);

CREATE TABLE voice_rendering_audio (
    rendering_id UUID NOT NULL REFERENCES voice_rendering (id) ON DELETE CASCADE,
    format TEXT NOT NULL,
    media_id UUID NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (rendering_id, format)
);
