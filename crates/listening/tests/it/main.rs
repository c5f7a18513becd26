//! The block over real sockets, on SQLite and on PostgreSQL.

mod bookmarks;
mod clips;
mod devices;
mod old;
mod personal;
mod playback;
mod radio;
mod replay;
mod rig;
mod schema;
mod sync;
mod undo;
