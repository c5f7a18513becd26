-- What was there before there were accounts has no owner and is private: an admin sees it and may
-- publish it. Nobody agreed to show it to strangers.
ALTER TABLE catalog_show ADD COLUMN owner_id UUID;
ALTER TABLE catalog_show ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private'
    CHECK (visibility IN ('private', 'shared', 'public'));
CREATE INDEX catalog_show_owner ON catalog_show (owner_id);

ALTER TABLE catalog_script ADD COLUMN owner_id UUID;
ALTER TABLE catalog_script ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private'
    CHECK (visibility IN ('private', 'shared', 'public'));
CREATE INDEX catalog_script_owner ON catalog_script (owner_id);

-- With whom a thing is shared. It counts only while its visibility says so.
CREATE TABLE catalog_show_share (
    show_id UUID NOT NULL REFERENCES catalog_show (id) ON DELETE CASCADE,
    account_id UUID NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (show_id, account_id)
);
CREATE INDEX catalog_show_share_account ON catalog_show_share (account_id);

CREATE TABLE catalog_script_share (
    script_id UUID NOT NULL REFERENCES catalog_script (id) ON DELETE CASCADE,
    account_id UUID NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (script_id, account_id)
);
CREATE INDEX catalog_script_share_account ON catalog_script_share (account_id);
