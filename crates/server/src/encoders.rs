//! FFmpeg from the media block as the encoders that the voices block asks for.
