-- What an account wants to hear next, as players of the Subsonic API save it: one for all of its players.
CREATE TABLE server_play_queue (
    account_id UUID PRIMARY KEY NOT NULL,
    -- A list of ids in JSON.
    entries TEXT NOT NULL,
    current_id UUID,
    position_ms BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at_ms BIGINT NOT NULL
);
