//! `torture`: the rigs that break the program on purpose, one of them or all, as long as is asked for.

use anyhow::{Result, bail, ensure};

use crate::place::Place;
use crate::{setup, step};

/// Each is a module of the same name in `crates/crawlspace/tests/it/torture`.
const RIGS: [(&str, &str); 14] = [
    (
        "kill",
        "killed at random and at named moments: what was acknowledged is there once, unaltered",
    ),
    (
        "power",
        "the power is cut, on a real file system: the same (takes root and loop devices)",
    ),
    (
        "retry",
        "answers are lost and requests sent again: each is stored once",
    ),
    (
        "wal",
        "the log is damaged: it opens, and loses only what is damaged",
    ),
    (
        "disk",
        "each write and sync fails in turn, then the power is cut: nothing of it was acknowledged",
    ),
    (
        "full",
        "the disk is full: it lives, refuses, and goes on by itself",
    ),
    (
        "store",
        "the object store fails and lies: each row is there once",
    ),
    (
        "overload",
        "far too many senders in 512 MiB (takes root and control groups)",
    ),
    (
        "bombs",
        "bodies that become gigabytes, and nests without end",
    ),
    ("line", "connections that send nothing, or for ever"),
    ("sql", "hostile SQL beside telemetry"),
    (
        "fuzz",
        "decoders, the log and questions are given mutations",
    ),
    (
        "once",
        "a reader counts all the time, through flush and compaction",
    ),
    (
        "planted",
        "a promise is broken on purpose: its rig has to fail",
    ),
];

pub fn run(place: &Place, rest: &[String]) -> Result<()> {
    let Some(asked) = parse(rest)? else {
        for (name, what) in RIGS {
            println!("  {name:<9} {what}");
        }
        return Ok(());
    };
    place.claim_builds()?;
    let clients = setup::run(place)?;
    let mut cargo = place.cargo(&place.target);
    let filter = asked
        .rig
        .map_or("torture::".to_owned(), |rig| format!("torture::{rig}::"));
    cargo.args([
        "test",
        "--workspace",
        "--test",
        "it",
        "--",
        &filter,
        "--nocapture",
    ]);
    // Rigs take all the machine each: what is timed would be spoilt by another one.
    cargo.args(["--test-threads", "1"]).envs(clients);
    cargo.env(
        "CRAWLSPACE_TORTURE",
        if asked.long { "long" } else { "short" },
    );
    if let Some(seed) = asked.seed {
        cargo.env("CRAWLSPACE_SEED", seed.to_string());
    }
    step::timed("torture", || step::run(&mut cargo))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    /// None for all of them.
    rig: Option<String>,
    long: bool,
    seed: Option<u64>,
}

/// None if only the list of rigs is wanted.
fn parse(rest: &[String]) -> Result<Option<Asked>> {
    let mut words = rest.iter().map(String::as_str);
    let rig = match words.next() {
        None | Some("list") => return Ok(None),
        Some("all") => None,
        Some(name) => {
            let known = RIGS.iter().any(|(known, _)| *known == name);
            ensure!(
                known,
                "there is no rig `{name}`: `cargo xtask torture list` has them"
            );
            Some(name.to_owned())
        }
    };
    let mut asked = Asked {
        rig,
        ..Asked::default()
    };
    while let Some(word) = words.next() {
        match word {
            "--long" => asked.long = true,
            "--seed" => match words.next().map(str::parse) {
                Some(Ok(seed)) => asked.seed = Some(seed),
                _ => bail!("--seed takes a number"),
            },
            _ => bail!("`{word}` is neither --long nor --seed N"),
        }
    }
    Ok(Some(asked))
}

#[cfg(test)]
mod tests {
    use super::{Asked, parse};

    #[test]
    fn a_rig_its_length_and_its_seed_are_asked_for() {
        let words = |text: &str| {
            parse(
                &text
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(words("").unwrap(), None);
        assert_eq!(words("list").unwrap(), None);
        assert_eq!(words("all").unwrap(), Some(Asked::default()));
        let asked = Asked {
            rig: Some("kill".to_owned()),
            long: true,
            seed: Some(7),
        };
        assert_eq!(words("kill --seed 7 --long").unwrap(), Some(asked));
        for wrong in ["tickle", "kill --seed", "kill --seed x", "kill 7"] {
            words(wrong).unwrap_err();
        }
    }
}
