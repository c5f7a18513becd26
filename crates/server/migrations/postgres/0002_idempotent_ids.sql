-- Keys of requests under way were made without an id for what they make: those are free again.
DELETE FROM server_idempotency WHERE status IS NULL;
ALTER TABLE server_idempotency ADD COLUMN makes_id UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
