//! The jobs block on SQLite and on PostgreSQL: what it promises, what its streams tell, and what is
//! left of it after `kill -9`.

mod conformance;
mod crash;
mod events;
mod owners;
mod retention;
mod rig;
mod routes;
