//! What is around the data: room on its disk, permissions, and the clock. Each is spoilt for real.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{NO_FLAGS, directory, doctor_by, examine, problem};
use crate::duck::python_interpreter;

/// Root may write whatever its permissions say, unless it gives that up.
const WITHOUT_ROOTS_POWER: [&str; 2] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
/// What may mount a file system of its own, as anybody.
const OWN_MOUNTS: [&str; 4] = ["unshare", "--user", "--map-root-user", "--mount"];

fn found(output: &Output) -> (Option<i32>, Value) {
    let found = serde_json::from_slice(&output.stdout);
    (
        output.status.code(),
        found.unwrap_or_else(|_| panic!("{output:?}")),
    )
}

#[test]
fn a_directory_that_can_not_be_written_is_named() {
    let place = directory();
    let log = place.data.join("wal");
    let is_root = log.metadata().unwrap().uid() == 0;
    let words: &[&str] = if is_root { &WITHOUT_ROOTS_POWER } else { &[] };
    let check = || {
        found(
            &doctor_by(words, &place.data)
                .arg("--json")
                .output()
                .unwrap(),
        )
    };
    assert_eq!(check().0, Some(0));
    std::fs::set_permissions(&log, Permissions::from_mode(0o555)).unwrap();
    let (code, findings) = check();
    std::fs::set_permissions(&log, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(code, Some(1), "{findings}");
    assert!(problem(&findings).contains("it can't be written: Permission denied"));
    let finding = &findings["findings"][0];
    assert_eq!(finding["subject"], log.to_str().unwrap());
    assert_eq!(
        finding["advice"],
        "give it to the user that crawlspace runs as"
    );
    assert_eq!(check().0, Some(0), "nothing is left of the probe");
}

#[test]
fn a_disk_that_is_nearly_full_is_named() {
    let mut mount = Command::new(OWN_MOUNTS[0]);
    let may_mount = mount.args(&OWN_MOUNTS[1..]).arg("true").status();
    if !may_mount.is_ok_and(|status| status.success()) {
        eprintln!("not shown here: this machine lets nobody mount a small disk");
        return;
    }
    let place = directory();
    let disk = place.data.with_extension("disk");
    std::fs::create_dir(&disk).unwrap();
    let copied = disk.join("data");
    let script = format!(
        "mount -t tmpfs -o size=100M none {disk} && cp -a {data} {copied} && exec \"$@\"",
        disk = disk.display(),
        data = place.data.display(),
        copied = copied.display()
    );
    let words = [&OWN_MOUNTS[..], &["sh", "-ec", &script, "sh"]].concat();
    let (code, findings) = found(&doctor_by(&words, &copied).arg("--json").output().unwrap());
    assert_eq!(code, Some(1), "{findings}");
    let text = problem(&findings);
    assert!(text.starts_with("only ") && text.ends_with(" MiB are free on its disk"));
    let advice = findings["findings"][0]["advice"].as_str().unwrap();
    assert!(advice.contains("--retention-size"), "{advice}");
}

/// As if the server that took the rows had been so many minutes ahead.
fn move_rows(data: &Path, minutes: i64) {
    let script = "import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
moved = database.execute('UPDATE crawlspace_part SET received_max = received_max + ?', [int(sys.argv[2])])
assert moved.rowcount == 2
database.commit()";
    let catalogue = data.join("lake/catalogue.sqlite");
    let nanos = (minutes * 60_000_000_000).to_string();
    let moved = Command::new(python_interpreter())
        .args(["-c", script, catalogue.to_str().unwrap(), &nanos])
        .output()
        .unwrap();
    assert!(moved.status.success(), "{moved:?}");
}

#[test]
fn a_clock_that_is_behind_the_rows_is_named() {
    let place = directory();
    move_rows(&place.data, 5);
    assert_eq!(
        examine(&place.data, NO_FLAGS).0,
        Some(0),
        "clocks differ a little"
    );
    move_rows(&place.data, 85);
    let (code, findings) = examine(&place.data, NO_FLAGS);
    assert_eq!(code, Some(1), "{findings}");
    let text = problem(&findings);
    let minutes = text.strip_prefix("the newest row came ").unwrap();
    let minutes = minutes.strip_suffix(" minutes after now").unwrap();
    // The rows came a moment before now.
    assert!(
        (60..90).contains(&minutes.parse::<i64>().unwrap()),
        "{text}"
    );
    assert_eq!(findings["findings"][0]["subject"], "the clock");
}
