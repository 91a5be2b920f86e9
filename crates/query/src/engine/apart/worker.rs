//! A worker: understands, plans and runs SQL over tables that its parent has, one question at a time. It opens nothing.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use crawlspace_lake::Snapshot;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::parent::Parent;
use super::wire::{
    ANSWER, ANSWER_BYTES_MAX, Ask, Encoder, Failure, Frame, Order, Report, pieces,
    receive_blocking, words,
};
use crate::engine::running::{Piece, Running};
use crate::engine::session::{Over, Session, Tables};
use crate::engine::{Asking, Query};
use crate::error::Error;

/// Frames that wait to be written.
const FRAMES_WAITING_MAX: usize = 16;
/// Between two looks at what is still going on.
const REST_PAUSE: Duration = Duration::from_millis(1);

/// Answers what the other end asks until that is closed. Questions run on `runtime`, which needs no files of its own and
/// runs nothing else. Plans may take so much memory.
///
/// # Errors
/// What is said over the connection is not understood, or there are no threads.
pub fn work(connection: UnixStream, runtime: &Handle, memory_bytes: usize) -> io::Result<()> {
    let (outgoing, frames) = mpsc::channel(FRAMES_WAITING_MAX);
    // One descriptor for both ways: there may be no room for another.
    let connection = Arc::new(connection);
    let (mut receiving, sending) = (connection.as_ref(), Arc::clone(&connection));
    // The connection has threads of its own: however busy those of questions are, its end is noticed.
    std::thread::Builder::new()
        .name("sending".to_owned())
        .spawn(move || send(&sending, frames))?;
    let parent = Arc::new(Parent::new(outgoing));
    let memory = memory(memory_bytes).map_err(io::Error::other)?;
    let partitions = runtime.metrics().num_workers();
    let session = Session::new(Tables::Parent(Arc::clone(&parent)), memory, partitions);
    let session = Arc::new(session);
    let hello = Arc::clone(&parent);
    runtime.spawn(async move { hello.send(words(&Report::Ready)).await });
    while let Some(frame) = receive_blocking(&mut receiving)? {
        match frame {
            Frame::Words(Order::Ask(ask)) => {
                let (session, parent) = (Arc::clone(&session), Arc::clone(&parent));
                runtime.spawn(async move { answer(&session, &parent, ask).await });
            }
            Frame::Words(order) => parent.arrived(order),
            Frame::Rows(stream, rows) => parent.rows_arrived(stream, rows),
        }
    }
    Ok(())
}

fn send(mut connection: &UnixStream, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.blocking_recv() {
        if connection.write_all(&frame).is_err() {
            // The other thread finds that out, too.
            return;
        }
    }
}

fn memory(bytes: usize) -> datafusion::error::Result<Arc<RuntimeEnv>> {
    use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
    let no_files = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    RuntimeEnvBuilder::new()
        .with_memory_limit(bytes, 1.0)
        .with_disk_manager_builder(no_files)
        .build_arc()
}

async fn answer(session: &Session, parent: &Parent, ask: Ask) {
    let report = match answered(session, parent, ask).await {
        Ok(found) => Report::Done { found },
        Err(error) => Report::Failed(Failure::of(error)),
    };
    // Without a parent there is nobody to tell.
    _ = parent.send(words(&report)).await;
    rest().await;
    parent.forget();
    _ = parent.send(words(&Report::Ready)).await;
}

/// Waits until nothing of a question goes on but this task. What was begun for it ends where it next waits for something, if
/// it does.
async fn rest() {
    let runtime = Handle::current().metrics();
    loop {
        yield_now().await;
        if runtime.num_alive_tasks() <= 1 {
            return;
        }
        sleep(REST_PAUSE).await;
    }
}

/// Sends the rows. Answers how many were found.
async fn answered(session: &Session, parent: &Parent, ask: Ask) -> Result<Option<u64>, Error> {
    let mut running = begin(session, ask).await?;
    let failed = |error: arrow::error::ArrowError| Error::Lake(error.into());
    let mut encoder = Encoder::new(ANSWER, running.schema()).map_err(failed)?;
    let gone = |source| Error::Run { source };
    parent.send(encoder.frame()).await.map_err(gone)?;
    loop {
        let rows = match running.next().await? {
            Piece::Rows(rows) => rows,
            Piece::End(footer) => return Ok(footer.rows_found),
        };
        for piece in pieces(&rows) {
            let frame = encoder.encode(&piece).map_err(failed)?;
            if frame.len() > ANSWER_BYTES_MAX {
                return Err(Error::OverLimit {
                    what: "a row of the answer",
                    limit: ANSWER_BYTES_MAX as u64,
                    advice: "collect fewer values in one",
                });
            }
            parent.send(frame).await.map_err(gone)?;
        }
    }
}

async fn begin(session: &Session, ask: Ask) -> Result<Running, Error> {
    let Ask {
        sql,
        keep,
        time_limit,
        tables,
    } = ask;
    let tables = tables
        .into_iter()
        .map(crawlspace_lake::TableOutline::into_table);
    let over = Over {
        snapshot: Snapshot::of(tables),
        fresh: None,
    };
    let query = Query {
        sql: &sql,
        keep,
        hidden: 0,
    };
    let work = session
        .begin(&over, query, &Asking::default(), (time_limit, None), None)
        .await?;
    work.start(None).await
}
