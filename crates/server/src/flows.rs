//! Stories that no block owns, one file each.

pub mod ask_catalog;
pub mod cut_clip;
pub mod find_content;
pub mod forget_script;
pub mod keep_catalog_in_step;
pub mod play_script;
pub mod podcast;
pub mod read_gauges;
pub mod render_script;
pub mod serve_clip;
pub mod serve_rendering_audio;
pub mod show_captions;
pub mod subsonic;
