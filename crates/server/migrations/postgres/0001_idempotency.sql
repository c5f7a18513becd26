CREATE TABLE server_idempotency (
    id BYTEA PRIMARY KEY NOT NULL,
    lease_id UUID NOT NULL,
    leased_until_ms BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    body_sha256 BYTEA,
    status BIGINT,
    answer BYTEA
);
CREATE INDEX server_idempotency_age ON server_idempotency (created_at_ms);
