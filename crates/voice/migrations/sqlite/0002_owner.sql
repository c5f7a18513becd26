-- Who ordered it. What was voiced for a script goes by the script, whoever ordered it.
ALTER TABLE voice_rendering ADD COLUMN owner_id BLOB;
CREATE INDEX voice_rendering_owner ON voice_rendering (owner_id, id);
