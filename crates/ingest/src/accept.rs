//! One request's way: decompress, recognise, decode, log. Answers once its fate is sure.

use std::sync::Arc;

use bytes::Bytes;
use crawlspace_disk::fault::{self, Defect};
use crawlspace_lake::Posting;
use crawlspace_model::UnixNanos;
use crawlspace_wal::Entry;
use crawlspace_wire::Decoded;
use tokio::sync::oneshot;

use crate::committer::{Append, Batches, Job};
use crate::ledger::{Claim, Found, Origin, Repeats, Twin, hash_of, posting_of, posting_of_repeat};
use crate::{ContentType, Encoding, Error, Ingest, Reservation, decode};

/// Reading so little takes no longer than handing it to another thread, which may have to wait for a core.
const READ_HERE_BYTES_MAX: usize = 32 << 10;

/// A request as it came in at a door.
#[derive(Debug)]
pub struct Request {
    pub origin: Origin,
    pub content_type: ContentType,
    pub body: Bytes,
    /// How `body` is compressed.
    pub encoding: Encoding,
    /// Room for at least `body`.
    pub reservation: Reservation,
}

/// What became of a request. All records but the rejected ones are durable and visible.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Records that are stored.
    pub accepted: u64,
    /// Records refused for what they are.
    pub rejected: u64,
    /// Why, and warnings about what was accepted.
    pub messages: Vec<String>,
}

/// What a body turned out to be.
enum Reading {
    First {
        decoded: Decoded,
        claim: Option<Claim>,
    },
    Repeat(Accepted),
    Twin(Twin),
}

impl Ingest {
    /// Takes an OTLP request. Returns once its records are durable and visible to queries. One that repeats what came
    /// within ten minutes is answered as the first was, and not stored again.
    ///
    /// # Errors
    /// `BadInput` and `TooLarge` for the request's own faults; `Unavailable` when nothing of it was stored for ours.
    /// All of them are in the ledger.
    pub async fn accept(&self, request: Request) -> Result<Accepted, Error> {
        let origin = request.origin.clone();
        let result = self.take(request).await;
        match &result {
            Ok(accepted) => self.ledger.explain(&origin, accepted),
            Err(error) => self.refuse(&origin, error.reason(), &error.to_string()),
        }
        result
    }

    async fn take(&self, request: Request) -> Result<Accepted, Error> {
        self.room.wait().await;
        self.room.check()?;
        let Request {
            origin,
            content_type,
            body,
            encoding,
            mut reservation,
        } = request;
        let entry = Entry {
            received_at: self.clock.now().0,
            project: 0,
            key: origin.key,
            door: decode::door_of(origin.signal),
            content_type: decode::number_of(content_type),
            encoding,
            body,
        };
        self.rates
            .take(entry.key, entry.body.len(), UnixNanos(entry.received_at))?;
        loop {
            let reading;
            (reservation, reading) = self.read(entry.clone(), reservation).await?;
            match reading {
                Reading::Twin(twin) => twin.decided().await,
                Reading::Repeat(accepted) => {
                    let entry = decode::repeat_of(&entry, &accepted);
                    let posting = posting_of_repeat(
                        origin.signal,
                        &entry,
                        accepted.accepted,
                        accepted.rejected,
                    );
                    self.log(entry, Vec::new(), posting, reservation, None)
                        .await?;
                    return Ok(accepted);
                }
                Reading::First { decoded, claim } => {
                    return self
                        .store(&origin, entry, decoded, claim, reservation)
                        .await;
                }
            }
        }
    }

    /// Off the threads that answer requests, but for little ones: it is work for the processor alone.
    async fn read(
        &self,
        entry: Entry,
        mut reservation: Reservation,
    ) -> Result<(Reservation, Reading), Error> {
        if entry.encoding == Encoding::Identity && entry.body.len() <= READ_HERE_BYTES_MAX {
            let reading = read(&entry, &mut reservation, self.repeats.as_ref())?;
            return Ok((reservation, reading));
        }
        let decoder = Arc::clone(&self.decoders)
            .acquire_owned()
            .await
            .map_err(|_| Error::Closing)?;
        let repeats = self.repeats.clone();
        tokio::task::spawn_blocking(move || {
            let _decoder = decoder;
            let reading = read(&entry, &mut reservation, repeats.as_ref())?;
            Ok((reservation, reading))
        })
        .await?
    }

    async fn store(
        &self,
        origin: &Origin,
        entry: Entry,
        decoded: Decoded,
        claim: Option<Claim>,
        reservation: Reservation,
    ) -> Result<Accepted, Error> {
        let hash = claim.as_ref().map(Claim::hash);
        let posting = posting_of(origin.signal, &entry, &decoded, hash);
        let Decoded {
            batches,
            accepted,
            rejected,
            messages,
            shortened,
        } = decoded;
        let answer = Accepted {
            accepted,
            rejected,
            messages,
        };
        if batches.is_empty() {
            self.ledger
                .read_for_nothing(origin, &answer, UnixNanos(entry.received_at));
        } else {
            self.log(entry, batches, posting, reservation, claim)
                .await?;
        }
        self.shortened.add(shortened);
        Ok(answer)
    }

    async fn log(
        &self,
        entry: Entry,
        batches: Batches,
        posting: Posting,
        reservation: Reservation,
        claim: Option<Claim>,
    ) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        let append = Append {
            entry,
            batches,
            posting,
            reservation,
            claim,
            done,
        };
        self.jobs
            .send(Job::Append(append))
            .await
            .map_err(|_| Error::Closing)?;
        answer.await.map_err(|_| Error::Closing)?
    }
}

fn read(
    entry: &Entry,
    reservation: &mut Reservation,
    repeats: Option<&Arc<Repeats>>,
) -> Result<Reading, Error> {
    let body = decode::body_of(entry, &mut |bytes| reservation.unpack(bytes))?;
    let repeats = repeats.filter(|_| !fault::has(Defect::RepeatStored));
    let found = repeats.map(|repeats| {
        let hash = hash_of(entry.project, entry.door, &body);
        repeats.find(hash, UnixNanos(entry.received_at))
    });
    let claim = match found {
        Some(Found::Twin(twin)) => {
            // The body is decompressed again once that is decided.
            reservation.pack();
            return Ok(Reading::Twin(twin));
        }
        Some(Found::Repeat(seen)) => {
            // The sentences are not kept with the counts; they are the same each time.
            let messages = match seen.rejected {
                0 => Vec::new(),
                _ => decode::decode(entry, &body)?.messages,
            };
            return Ok(Reading::Repeat(Accepted {
                accepted: seen.accepted.into(),
                rejected: seen.rejected.into(),
                messages,
            }));
        }
        Some(Found::New(claim)) => Some(claim),
        None => None,
    };
    let decoded = decode::decode(entry, &body)?;
    Ok(Reading::First { decoded, claim })
}
