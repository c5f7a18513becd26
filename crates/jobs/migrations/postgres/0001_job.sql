CREATE TABLE jobs_job (
    id UUID PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    priority TEXT NOT NULL,
    payload TEXT NOT NULL,
    script_id UUID,
    attempt BIGINT NOT NULL,
    progress TEXT NOT NULL,
    result TEXT,
    error_code TEXT,
    error_en TEXT,
    error_ko TEXT,
    created_at_ms BIGINT NOT NULL,
    run_after_ms BIGINT NOT NULL,
    started_at_ms BIGINT,
    finished_at_ms BIGINT,
    cancel_requested BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    lease_id UUID,
    node_id UUID
);
CREATE INDEX jobs_job_state ON jobs_job (state, id);
CREATE INDEX jobs_job_script ON jobs_job (script_id, id);

CREATE TABLE jobs_node (
    id UUID PRIMARY KEY NOT NULL,
    seen_at_ms BIGINT NOT NULL
);
