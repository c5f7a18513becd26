//! Words that the blocks share: ids, small structs, one trait per block, faults, jobs.
//!
//! No IO and no runtime in here. Something that only one block uses does not belong here.

pub mod content;
pub mod events;
pub mod fault;
pub mod identity;
pub mod ids;
pub mod jobs;
pub mod language;
pub mod listening;
pub mod media;
pub mod moment;
pub mod ownership;
pub mod packaging;

pub use content::{Content, ContentFile, ContentKind, Contents};
pub use events::{Announce, Event, StreamError, StreamStarted, StreamStopped};
pub use fault::{Fault, Kind};
pub use identity::{
    Caller, Credential, Identity, Member, Presented, Recheck, Role, Scope, Scopes, SignedRequest,
};
pub use ids::{
    AccountId, ActorId, ApiKeyId, BookmarkId, ContentId, JobId, LineId, MediaId, RenderingId, ScriptId,
    SessionId, ShowId, StreamId,
};
pub use jobs::{
    Cancel, JobError, JobHandler, JobState, NewJob, Priority, Progress, ProgressReport, RunningJob,
};
pub use language::UiLanguage;
pub use listening::{OpenStream, Resume, Resumes, StreamSessions};
pub use media::{ByteStream, MediaFault, MediaFiles, MediaStore, Opened, Parts, Place, Source, StoredMedia};
pub use moment::Moment;
pub use ownership::{Accounts, PersonalData, Profile, Right, ScriptAccess};
pub use packaging::{MediaFacts, Packager, PackagingOrder, PictureFacts, RenditionOrder, Sound, SoundFacts};
