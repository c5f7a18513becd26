CREATE TABLE auth_account (
    id BLOB PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    email_verified BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    language TEXT NOT NULL,
    generation BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    signed_in_at_ms BIGINT
);
CREATE INDEX auth_account_status ON auth_account (status, id);

CREATE TABLE auth_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id BLOB NOT NULL REFERENCES auth_account (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX auth_identity_account ON auth_identity (account_id);

CREATE TABLE auth_session (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES auth_account (id) ON DELETE CASCADE,
    device_name TEXT NOT NULL,
    address TEXT,
    salt BLOB NOT NULL,
    rotation BIGINT NOT NULL,
    rotated_at_ms BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX auth_session_account ON auth_session (account_id, id);
CREATE INDEX auth_session_expiry ON auth_session (expires_at_ms);

CREATE TABLE auth_known_address (
    account_id BLOB NOT NULL REFERENCES auth_account (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, address)
);

CREATE TABLE auth_signing_key (
    id BLOB PRIMARY KEY NOT NULL,
    root TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE auth_ticket (
    hash BLOB PRIMARY KEY NOT NULL,
    purpose TEXT NOT NULL,
    account_id BLOB REFERENCES auth_account (id) ON DELETE CASCADE,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX auth_ticket_account ON auth_ticket (account_id);

CREATE TABLE auth_api_key (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES auth_account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    salt BLOB NOT NULL,
    root TEXT NOT NULL,
    scopes TEXT NOT NULL,
    policy TEXT NOT NULL,
    generation BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    last_used_at_ms BIGINT
);
CREATE INDEX auth_api_key_account ON auth_api_key (account_id, id);

CREATE TABLE auth_nonce (
    key_id BLOB NOT NULL,
    nonce TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX auth_nonce_expiry ON auth_nonce (expires_at_ms);

CREATE TABLE auth_revocation_count (
    id BIGINT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO auth_revocation_count (id, value) VALUES (1, 0);

CREATE TABLE auth_revocation (
    number BIGINT PRIMARY KEY NOT NULL,
    subject BLOB NOT NULL,
    generation BIGINT NOT NULL,
    reason TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX auth_revocation_expiry ON auth_revocation (expires_at_ms);

CREATE TABLE auth_audit (
    id BLOB PRIMARY KEY NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    account_id BLOB,
    actor_id BLOB,
    address TEXT,
    details TEXT NOT NULL
);
CREATE INDEX auth_audit_kind ON auth_audit (kind, id);
CREATE INDEX auth_audit_account ON auth_audit (account_id, id);
CREATE INDEX auth_audit_at ON auth_audit (at_ms);
