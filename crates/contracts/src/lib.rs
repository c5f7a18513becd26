//! Words that the blocks share: ids, small structs, one trait per block, faults, jobs.
//!
//! No IO and no runtime in here. Something that only one block uses does not belong here.

pub mod fault;
pub mod ids;
pub mod jobs;
pub mod language;
pub mod media;

pub use fault::{Fault, Kind};
pub use ids::{ActorId, JobId, LineId, MediaId, RenderingId, ScriptId, ShowId};
pub use jobs::{
    Cancel, JobError, JobHandler, JobState, NewJob, Priority, Progress, ProgressReport, RunningJob,
};
pub use language::UiLanguage;
pub use media::{ByteStream, MediaFault, MediaStore, StoredMedia};
