-- Absent for the work of the server itself and for what was ordered before there were accounts.
ALTER TABLE jobs_job ADD COLUMN owner_id UUID;
CREATE INDEX jobs_job_owner ON jobs_job (owner_id, id);
CREATE INDEX jobs_job_finished ON jobs_job (finished_at_ms);
