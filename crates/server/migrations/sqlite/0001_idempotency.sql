CREATE TABLE server_idempotency (
    id BLOB PRIMARY KEY NOT NULL,
    lease_id BLOB NOT NULL,
    leased_until_ms BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    body_sha256 BLOB,
    status BIGINT,
    answer BLOB
);
CREATE INDEX server_idempotency_age ON server_idempotency (created_at_ms);
