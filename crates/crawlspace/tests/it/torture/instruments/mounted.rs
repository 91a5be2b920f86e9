//! File systems that are mounted for one process and whoever joins it, and gone with it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// The process that mounts one by `mount` and holds it; none where this machine doesn't let us.
pub fn hold(own_mounts: &[&str], mount: &str) -> Option<Child> {
    let script = format!("{mount} && echo mounted && exec sleep infinity");
    let mut holder = Command::new(own_mounts[0])
        .args(&own_mounts[1..])
        .args(["sh", "-ec", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut line = String::new();
    let output = holder.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    if line == "mounted\n" {
        return Some(holder);
    }
    // It has ended: nothing but the sleep goes on.
    holder.wait().unwrap();
    None
}
