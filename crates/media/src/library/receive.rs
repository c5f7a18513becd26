//! Bytes of an upload, from a request into its file.

use std::io::{ErrorKind, SeekFrom};

use futures::StreamExt;
use sha2::{Digest, Sha256};
use sori_contracts::{ByteStream, ContentId, MediaFault, Member};
use sori_db::now_ms;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};
use uuid::Uuid;

use super::{
    Library, LibraryFault, Wishes,
    turns::Held,
    tus::Sha256Bytes,
    uploads::{Standing, UploadRow, own},
};
use crate::sniff::{Container, SNIFFED_BYTES};

/// So much may be lost when the machine stops; a process that stops loses nothing.
const SYNC_EVERY_BYTES: u64 = 64 << 20;

/// A file that comes in one request: what a line of 10 Mbit/s carries in seven minutes. Larger ones
/// should be able to go on where they broke off.
const DIRECT_BYTES: u64 = 512 << 20;

/// Where in an upload bytes belong, and what they have to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) at: u64,
    /// When the request says so.
    pub(crate) length: Option<u64>,
    pub(crate) sha256: Option<Sha256Bytes>,
}

impl Library {
    /// Adds bytes. With the last one the upload becomes a content, or is refused and removed.
    ///
    /// What arrived before a connection broke is kept, unless it has a checksum that cannot be
    /// compared any more. Runs on when the caller goes away: the file is left in order.
    pub(crate) async fn append(
        &self,
        member: Member,
        id: ContentId,
        piece: Piece,
        body: ByteStream,
    ) -> Result<Standing, LibraryFault> {
        let held = self.0.turns.take(id).await;
        let library = self.clone();
        tokio::spawn(async move { library.append_held(&held, member, id, piece, body).await }).await?
    }

    async fn append_held(
        &self,
        held: &Held,
        member: Member,
        id: ContentId,
        piece: Piece,
        body: ByteStream,
    ) -> Result<Standing, LibraryFault> {
        let Some(row) = self.upload(id).await? else {
            let length = self.length_of_own(member.account, id).await?;
            let length = length.ok_or(LibraryFault::UploadNotFound(id))?;
            return match piece.at == length && piece.length.unwrap_or(0) == 0 {
                true => Ok(Standing { at: length, length, expires_at_ms: None }),
                false => Err(LibraryFault::OtherOffset { at: length, length }),
            };
        };
        own(&row, member)?;
        let length = row.length();
        let at = self.length_on_disk(&row).await?;
        if piece.at != at {
            return Err(LibraryFault::OtherOffset { at, length });
        }
        if piece.length.is_some_and(|more| more > length - at) {
            return Err(LibraryFault::TooLarge { limit_bytes: length });
        }
        let at = if at < length { self.write(held, &row, piece, body).await? } else { at };
        if at < length {
            let expires_at_ms = self.expiry(now_ms());
            self.0
                .db
                .query("UPDATE media_upload SET expires_at_ms = $2 WHERE id = $1")
                .bind(id)
                .bind(expires_at_ms)
                .execute()
                .await?;
            return Ok(Standing { at, length, expires_at_ms: Some(expires_at_ms) });
        }
        self.finish(id).await?;
        Ok(Standing { at, length, expires_at_ms: None })
    }

    /// A whole file in one request. One that does not arrive whole is gone.
    ///
    /// `at_most`: its size, or a little more.
    pub(crate) async fn take_in(
        &self,
        member: Member,
        wishes: &Wishes,
        at_most: Option<u64>,
        body: ByteStream,
        id: Option<Uuid>,
    ) -> Result<ContentId, LibraryFault> {
        let limit_bytes = DIRECT_BYTES.min(self.0.settings.max_upload_bytes);
        let room = at_most.unwrap_or(limit_bytes);
        if room > limit_bytes {
            return Err(LibraryFault::TooLarge { limit_bytes });
        }
        let id = self.create(member, room, wishes, id).await?;
        let held = self.0.turns.take(id).await;
        let library = self.clone();
        tokio::spawn(async move {
            // Made already by the same request, whose answer got lost.
            let Some(row) = library.upload(id).await? else { return Ok(id) };
            let piece = Piece { at: 0, length: None, sha256: None };
            let taken = async {
                let length = library.write(&held, &row, piece, body).await?;
                let query = library.0.db.query("UPDATE media_upload SET length_bytes = $2 WHERE id = $1");
                query.bind(id).bind(length as i64).execute().await?;
                library.finish(id).await
            };
            let outcome = taken.await;
            if outcome.is_err()
                && let Some(row) = library.upload(id).await?
            {
                library.discard(&row).await?;
            }
            outcome.map(|()| id)
        })
        .await?
    }

    /// Answers how much is there now.
    async fn write(
        &self,
        held: &Held,
        row: &UploadRow,
        piece: Piece,
        body: ByteStream,
    ) -> Result<u64, LibraryFault> {
        let mut file = self.open_at(row, piece.at).await?;
        let is_marked = piece.sha256.is_some() || row.unverified_from.is_some();
        if is_marked {
            self.set_unverified_from(row, piece.sha256.map(|_| piece.at)).await?;
        }
        let mut writing = Writing {
            at: piece.at,
            limit: row.length(),
            synced: piece.at,
            hasher: piece.sha256.map(|_| Sha256::new()),
        };
        let outcome = writing.copy(&mut file, held, body).await;
        file.flush().await.map_err(io)?;
        let is_as_sent = match (writing.hasher.take(), piece.sha256) {
            (Some(hasher), Some(expected)) => {
                outcome.is_ok() && <[u8; 32]>::from(hasher.finalize()) == expected
            }
            _ => true,
        };
        if !is_as_sent {
            file.set_len(piece.at).await.map_err(io)?;
        }
        file.sync_data().await.map_err(io)?;
        if is_marked {
            self.set_unverified_from(row, None).await?;
        }
        if !is_as_sent {
            outcome?;
            return Err(LibraryFault::ChecksumDiffers);
        }
        let checked = self.check_head(row, writing.at).await;
        if let Err(LibraryFault::Unsupported { .. }) = checked {
            self.discard(row).await?;
        }
        checked?;
        outcome.map(|()| writing.at)
    }

    /// The file, cut to what counts. Two processes cannot both have it.
    async fn open_at(&self, row: &UploadRow, at: u64) -> Result<File, LibraryFault> {
        let mut options = tokio::fs::OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(self.part(row.id())).await;
        let file = file.map_err(io)?.into_std().await;
        if file.try_lock().is_err() {
            return Err(LibraryFault::Overtaken);
        }
        let mut file = File::from_std(file);
        file.set_len(at).await.map_err(io)?;
        file.seek(SeekFrom::Start(at)).await.map_err(io)?;
        Ok(file)
    }

    /// What follows counts only once it was compared with its checksum, also after a crash.
    async fn set_unverified_from(&self, row: &UploadRow, from: Option<u64>) -> Result<(), LibraryFault> {
        self.0
            .db
            .query("UPDATE media_upload SET unverified_from = $2 WHERE id = $1")
            .bind(row.id)
            .bind(from.map(|from| from as i64))
            .execute()
            .await?;
        Ok(())
    }

    /// Refuses what is no media as soon as enough of it is there, and not after ten gigabytes.
    async fn check_head(&self, row: &UploadRow, at: u64) -> Result<(), LibraryFault> {
        if at >= row.length().min(SNIFFED_BYTES as u64) {
            self.sniff(row.id()).await?;
        }
        Ok(())
    }

    pub(super) async fn sniff(&self, id: ContentId) -> Result<Container, LibraryFault> {
        let file = File::open(self.part(id)).await.map_err(io)?;
        let mut head = Vec::with_capacity(SNIFFED_BYTES);
        file.take(SNIFFED_BYTES as u64).read_to_end(&mut head).await.map_err(io)?;
        Container::sniff(&head)
            .ok_or_else(|| LibraryFault::Unsupported { reason: "unknown first bytes".into() })
    }
}

struct Writing {
    /// The next byte.
    at: u64,
    limit: u64,
    synced: u64,
    hasher: Option<Sha256>,
}

impl Writing {
    async fn copy(&mut self, file: &mut File, held: &Held, mut body: ByteStream) -> Result<(), LibraryFault> {
        loop {
            let next = tokio::select! {
                () = held.overtaken.cancelled() => return Err(LibraryFault::Overtaken),
                next = body.next() => next,
            };
            let bytes = match next {
                None => return Ok(()),
                Some(Ok(bytes)) => bytes,
                Some(Err(MediaFault::BodyBroken(reason))) => {
                    return Err(LibraryFault::BrokeOff { at: self.at, reason });
                }
                Some(Err(fault)) => return Err(fault.into()),
            };
            if bytes.len() as u64 > self.limit - self.at {
                return Err(LibraryFault::TooLarge { limit_bytes: self.limit });
            }
            file.write_all(&bytes).await.map_err(io)?;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&bytes);
            }
            self.at += bytes.len() as u64;
            if self.at - self.synced >= SYNC_EVERY_BYTES {
                file.sync_data().await.map_err(io)?;
                self.synced = self.at;
            }
        }
    }
}

fn io(error: std::io::Error) -> MediaFault {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => MediaFault::StorageFull,
        _ => MediaFault::from_io("writing an upload", error),
    }
}
