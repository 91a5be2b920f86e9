use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use crawlspace_disk::{FileSystem, SimFs};
use crawlspace_lake::Posting;
use crawlspace_wal::{Encoding, Entry, Position, Wal};
use tokio::sync::{mpsc, oneshot};

use super::{Append, Job, run};
use crate::Error;
use crate::admission::Admission;
use crate::health::Health;

type Answer = oneshot::Receiver<Result<(), Error>>;

fn open(fs: &SimFs) -> (Wal, Vec<String>) {
    let mut bodies = Vec::new();
    let config = crawlspace_wal::Config {
        dir: PathBuf::from("/data/wal"),
        segment_bytes_max: 1 << 20,
        // Without filler behind what is appended, every call is one that it waits for.
        ahead_bytes: 0,
    };
    let fs: Arc<dyn FileSystem> = Arc::new(fs.clone());
    let (wal, _) = Wal::open(fs, config, Position(0), &mut |_, entry| {
        bodies.push(String::from_utf8(entry.body.to_vec()).unwrap());
        Ok(())
    })
    .unwrap();
    (wal, bodies)
}

fn append(admission: &Admission, body: &str) -> (Job, Answer) {
    let (done, answer) = oneshot::channel();
    let entry = Entry {
        received_at: 1,
        project: 0,
        key: 0,
        door: 1,
        content_type: 1,
        encoding: Encoding::Identity,
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let reservation = admission.reserve(body.len()).unwrap();
    (
        Job::Append(Append {
            entry,
            batches: Vec::new(),
            posting: Posting::default(),
            reservation,
            claim: None,
            done,
        }),
        answer,
    )
}

/// Runs the committer over these bodies, all queued before it starts; answers what each waiter was told, the published
/// positions, and the log.
fn commit_group(wal: Wal, bodies: &[&str], health: &Health) -> (Vec<bool>, Vec<u64>, Wal) {
    let admission = Admission::new(crate::admission::IN_FLIGHT_BYTES_MAX);
    let (sender, jobs) = mpsc::channel(16);
    let mut answers = Vec::new();
    for body in bodies {
        let (job, answer) = append(&admission, body);
        sender
            .try_send(job)
            .unwrap_or_else(|_| panic!("the queue has room"));
        answers.push(answer);
    }
    sender
        .try_send(Job::Close)
        .unwrap_or_else(|_| panic!("the queue has room"));
    let published = Arc::new(Mutex::new(Vec::new()));
    let publish = {
        let published = Arc::clone(&published);
        Box::new(move |end, _, _| published.lock().unwrap().push(end))
    };
    let wal = run(wal, jobs, publish, health);
    let told = answers
        .into_iter()
        .map(|mut answer| answer.try_recv().unwrap().is_ok())
        .collect();
    (
        told,
        Arc::try_unwrap(published).unwrap().into_inner().unwrap(),
        wal,
    )
}

#[test]
fn a_failing_append_acknowledges_and_publishes_nothing_of_its_group() {
    let mut failures = 0;
    for nth in 1..20 {
        let fs = SimFs::new(nth);
        let (wal, _) = open(&fs);
        let health = Health::default();
        fs.fail_nth(nth, io::ErrorKind::StorageFull);
        let (told, published, wal) = commit_group(wal, &["a", "b", "c"], &health);
        if fs.has_planned_faults() {
            assert_eq!(
                told,
                [true, true, true],
                "the append makes fewer than {nth} calls"
            );
            break;
        }
        failures += 1;
        assert_eq!(
            told,
            [false, false, false],
            "call {nth}: one sync answers for all"
        );
        assert_eq!(published, Vec::<u64>::new(), "call {nth}");
        assert!(health.check().unwrap_err().contains("log"), "call {nth}");

        let (told, published, _) = commit_group(wal, &["d"], &health);
        assert_eq!(
            (told, published.len()),
            (vec![true], 1),
            "call {nth}: the log works again"
        );
        assert_eq!(health.check(), Ok(()));
        let (_, bodies) = open(&fs.crash());
        assert_eq!(
            bodies.last().map(String::as_str),
            Some("d"),
            "call {nth}: {bodies:?}"
        );
    }
    assert!(
        failures >= 2,
        "the append made {failures} calls that can fail"
    );
}

#[test]
fn positions_after_records_are_published_in_log_order_and_survive_a_crash() {
    let fs = SimFs::new(7);
    let (wal, _) = open(&fs);
    let health = Health::default();
    let (told, first, wal) = commit_group(wal, &["a", "b"], &health);
    let (_, second, wal) = commit_group(wal, &["c"], &health);
    assert_eq!(told, [true, true]);
    assert_eq!([first[0] + 1, first[0] + 2], [first[1], second[0]]);
    assert_eq!(wal.next_position().0, second[0]);
    let (_, bodies) = open(&fs.crash());
    assert_eq!(bodies, ["a", "b", "c"]);
}
