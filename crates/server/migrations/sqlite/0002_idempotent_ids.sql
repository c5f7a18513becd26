-- Keys of requests under way were made without an id for what they make: those are free again.
DELETE FROM server_idempotency WHERE status IS NULL;
ALTER TABLE server_idempotency ADD COLUMN makes_id BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
