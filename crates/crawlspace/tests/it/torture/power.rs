//! A power cut: the disk's image is copied while the program is stopped in the midst of its work, with what the kernel has
//! not written yet missing in it. A program that is started on the copy has all that was acknowledged until then.
//!
//! It takes root and an ext4 on a loop device. Where there is none, [`super::disk`] cuts the power of a simulated disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::instruments::mounted::hold;
use super::instruments::numbered::{Fate, Numbered, batch, check};
use super::{Done, amount, seed};
use crate::server::{PROTOBUF, Server, poll};

/// More than all rounds fill.
const IMAGE_MEBIBYTES: u64 = 512;
const WRITERS: u64 = 3;
/// The load goes on for at most this long before the cut.
const LOAD_MAX: Duration = Duration::from_millis(1_500);
const FLAGS: [&str; 4] = ["--flush-rows", "300", "--flush-age", "200ms"];

/// A file system in a file, mounted for one process and whoever joins it.
struct Loop {
    holder: Child,
    image: PathBuf,
    place: PathBuf,
}

impl Loop {
    /// None where this machine has no loop devices for us.
    fn mount(home: &Path, image: PathBuf) -> Option<Self> {
        let place = home.join("disk");
        std::fs::create_dir_all(&place).unwrap();
        let mount = format!("mount -o loop {} {}", image.display(), place.display());
        Some(Self {
            holder: hold(&["unshare", "--mount"], &mount)?,
            image,
            place,
        })
    }

    fn start(&self) -> Server {
        let holder = self.holder.id().to_string();
        let words = ["nsenter", "-m", "-t", &holder];
        Server::try_start_by(&words, &self.place.join("data"), &FLAGS)
            .unwrap_or_else(|refusal| panic!("no start: {refusal:?}"))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        _ = self.holder.kill();
        _ = self.holder.wait();
    }
}

fn format(image: &Path) -> bool {
    let file = std::fs::File::create(image).unwrap();
    file.set_len(IMAGE_MEBIBYTES << 20).unwrap();
    let made = Command::new("mkfs.ext4").arg("-qF").arg(image).status();
    made.is_ok_and(|status| status.success())
}

#[test]
fn a_power_cut_loses_and_doubles_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut image = home.path().join("0.img");
    let mut disk = format(&image)
        .then(|| Loop::mount(home.path(), image.clone()))
        .flatten();
    if disk.is_none() {
        eprintln!("not shown here: this takes root and loop devices. The rig `disk` simulates it");
        return;
    }
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut sent: HashMap<Numbered, Fate> = HashMap::new();
    let cuts = amount(3, 40);
    for round in 0..cuts {
        let mounted = disk.take().unwrap();
        let server = mounted.start();
        image = home.path().join(format!("{}.img", round + 1));
        sent.extend(load_and_cut(
            &server,
            &mounted.image,
            &image,
            round,
            &mut random,
        ));
        server.kill();
        std::fs::remove_file(&mounted.image).unwrap();
        drop(mounted);
        let after = Loop::mount(home.path(), image.clone()).expect("the copy is mounted");
        let server = after.start();
        check(&server, &sent, (round, WRITERS), seed);
        // Known from here on: it is there, or it will never be.
        settle(&server, &mut sent, round);
        server.kill();
        disk = Some(after);
    }
    let server = disk.as_ref().unwrap().start();
    for round in 0..cuts {
        check(&server, &sent, (round, WRITERS), seed);
    }
    let acknowledged = sent.values().filter(|fate| **fate == Fate::Acknowledged);
    eprintln!(
        "{cuts} power cuts, {} spans acknowledged: 0 lost, 0 doubled, 0 altered",
        acknowledged.count()
    );
    server.stop();
}

/// What was found of a round stays; what was not is taken off the list.
fn settle(server: &Server, sent: &mut HashMap<Numbered, Fate>, round: u64) {
    let answer = server.sql(&format!(
        "SELECT writer, sequence FROM spans WHERE round = {round}"
    ));
    let cell = |cell| crate::answers::integer(cell).unwrap().cast_unsigned();
    let found = answer.rows.iter().map(|row| Numbered {
        round,
        writer: cell(&row[0]),
        sequence: cell(&row[1]),
    });
    sent.retain(|numbered, fate| numbered.round != round || *fate == Fate::Acknowledged);
    sent.extend(found.map(|numbered| (numbered, Fate::Acknowledged)));
}

/// Load, and a copy of the image in the midst of it. What was acknowledged before has to be in the copy.
fn load_and_cut(
    server: &Server,
    from: &Path,
    to: &Path,
    round: u64,
    random: &mut StdRng,
) -> HashMap<Numbered, Fate> {
    let is_over = AtomicBool::new(false);
    let sent = Mutex::new(HashMap::new());
    let (client, url) = (server.client(), server.traces_url());
    let write = |writer: u64, mut random: StdRng| {
        let mut from = 0;
        while !is_over.load(Ordering::Relaxed) {
            let (spans, body) = batch(round, writer, from, &mut random);
            from += spans.len() as u64;
            let set = |fate| {
                let mut sent = sent.lock().unwrap();
                if !is_over.load(Ordering::Relaxed) {
                    sent.extend(spans.iter().map(|numbered| (*numbered, fate)));
                }
            };
            set(Fate::Unknown);
            let post = client
                .post(&url)
                .header("content-type", PROTOBUF)
                .body(body);
            match post.send() {
                Ok(answer) if answer.status() == 200 => set(Fate::Acknowledged),
                _ => break,
            }
        }
    };
    let write = &write;
    std::thread::scope(|scope| {
        let _over = Done(&is_over);
        for writer in 0..WRITERS {
            let random = StdRng::seed_from_u64(random.random());
            scope.spawn(move || write(writer, random));
        }
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let flush = format!("{}/api/v1/maintenance/flush", server.http());
                _ = client.post(flush).send();
            }
        });
        let is_loaded = || {
            sent.lock()
                .unwrap()
                .values()
                .filter(|fate| **fate == Fate::Acknowledged)
                .count()
                > 100
        };
        assert!(poll(Duration::from_secs(120), is_loaded), "hardly any load");
        poll(LOAD_MAX.mul_f64(random.random()), || false);
        // While nobody notes an answer, the program stands still and the image is copied.
        let held = sent.lock().unwrap();
        server.pause();
        let copied = Command::new("cp")
            .arg("--sparse=always")
            .arg(from)
            .arg(to)
            .status();
        assert!(copied.unwrap().success());
        is_over.store(true, Ordering::Relaxed);
        drop(held);
        server.go_on();
    });
    sent.into_inner().unwrap()
}
