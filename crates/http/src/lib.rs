//! What every block's routes share: the problem body, extractors that answer with it, paging.
//!
//! No routes in here.

pub mod attachment;
pub mod client;
pub mod extract;
pub mod outgoing;
pub mod page;
pub mod problem;
pub mod signed;
pub mod who;

pub use attachment::attachment;
pub use client::{ClientAddress, Sender};
pub use extract::{Json, Path, Query, Ui};
pub use outgoing::{Outgoing, OutgoingFault};
pub use page::{Page, PageQuery};
pub use problem::{Problem, ProblemBody, RequestFault};
pub use signed::{Links, SignedUrl, UrlSigner};
pub use who::{AccessFault, Once, SignedIn, Who};
