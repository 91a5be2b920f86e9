//! The rigs themselves: with each promise broken on purpose, the rig that watches over it has to fail. A rig that finds
//! nothing then would find nothing ever.

use std::process::{Command, Stdio};

use crawlspace_disk::fault::Defect;

use super::amount;

/// Which rig finds what. The first few need no server.
const FINDERS: [(Defect, &str); 12] = [
    (Defect::SyncErrorIgnored, "disk::what_a_failed_write"),
    (Defect::SyncSkipped, "disk::what_a_failed_write"),
    (Defect::ChecksumIgnored, "wal::a_damaged_log"),
    (Defect::RepeatStored, "retry::a_request_whose_answer"),
    (Defect::AckUnlogged, "kill::a_kill_at_any_moment"),
    (Defect::RecordSkipped, "kill::a_kill_at_any_moment"),
    (Defect::RepeatsForgotten, "kill::a_kill_at_any_moment"),
    (Defect::PositionForgotten, "kill::a_kill_at_any_moment"),
    (Defect::BooksForgotten, "kill::a_kill_at_any_moment"),
    (Defect::FlushDoubled, "once::rows_are_visible_once"),
    (Defect::FlushGap, "once::rows_are_visible_once"),
    (Defect::MergeDoubled, "once::rows_are_visible_once"),
];

#[test]
fn a_rig_fails_when_the_promise_that_it_watches_over_is_broken() {
    let planted = usize::try_from(amount(3, FINDERS.len() as u64)).unwrap();
    for (defect, rig) in &FINDERS[..planted] {
        let (_, name) = Defect::ALL
            .iter()
            .find(|(known, _)| known == defect)
            .unwrap();
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program)
            .args([&format!("torture::{rig}"), "--nocapture"])
            .env("CRAWLSPACE_FAULT", format!("defect:{name}"))
            .env("CRAWLSPACE_TORTURE", "short")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let said_also = String::from_utf8_lossy(&output.stdout);
        assert!(said_also.contains("running 1 test"), "{rig}: {said_also}");
        assert!(
            !output.status.success(),
            "{rig} does not find {name}:\n{said}"
        );
        let panic = said
            .lines()
            .skip_while(|line| !line.contains("panicked at"))
            .nth(1);
        eprintln!(
            "{name}: found by {rig}: {}",
            panic.unwrap_or("?").chars().take(160).collect::<String>()
        );
    }
}
