CREATE TABLE auth_oidc_state (
    state_sha256 BYTEA PRIMARY KEY NOT NULL,
    provider TEXT NOT NULL,
    browser_sha256 BYTEA NOT NULL,
    redirect_uri TEXT NOT NULL,
    return_to TEXT NOT NULL,
    connect_account_id UUID REFERENCES auth_account (id) ON DELETE CASCADE,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX auth_oidc_state_expiry ON auth_oidc_state (expires_at_ms);

CREATE TABLE auth_oidc_nonce (
    nonce_sha256 BYTEA PRIMARY KEY NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX auth_oidc_nonce_expiry ON auth_oidc_nonce (expires_at_ms);
