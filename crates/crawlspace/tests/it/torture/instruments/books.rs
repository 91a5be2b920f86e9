//! The checker's own ledger of requests, and the program's held against it.

use rand::Rng as _;
use rand::rngs::StdRng;

use super::numbered::{Fate, Sent};
use crate::server::Server;

/// How many there were, over all rounds.
#[derive(Default)]
pub struct Requests {
    /// Different ones.
    different: u64,
    /// Answered with 200, and sent at all: the same one may be both several times.
    acknowledged: u64,
    sent: u64,
}

impl Requests {
    pub fn add(&mut self, sent: &[Sent]) {
        let acknowledged = sent.iter().filter(|sent| sent.fate == Fate::Acknowledged);
        self.different += sent.len() as u64;
        self.sent += sent.len() as u64;
        self.acknowledged += acknowledged.count() as u64;
    }

    /// Sends again what was not answered, as an SDK does, and some of what was.
    pub fn repeat(&mut self, server: &Server, sent: &[Sent], random: &mut StdRng) {
        for (number, sent) in sent.iter().enumerate() {
            if number == 0 || sent.fate == Fate::Unknown || random.random_ratio(1, 8) {
                server.send(sent.body.clone());
                self.sent += 1;
                self.acknowledged += 1;
            }
        }
    }

    /// Everything that was ever sent is stored by now, once; the rest of what was answered repeated it.
    pub fn check_ledger(&self, server: &Server, spans: usize, seed: u64) {
        let ledger = server.ledger();
        let of = |part: &str, unit: &str| ledger["total"][part][unit].as_u64().unwrap();
        let stored = (of("stored", "requests"), of("stored", "records"));
        assert_eq!(
            stored,
            (self.different, spans as u64),
            "seed {seed}: {ledger}"
        );
        let there = server.number("SELECT count(*) FROM spans");
        assert_eq!(
            there,
            i64::try_from(spans).unwrap(),
            "seed {seed}: {ledger}"
        );
        let answered = self.different + of("deduplicated", "requests");
        assert!(
            (self.acknowledged..=self.sent).contains(&answered),
            "seed {seed}: {} acknowledged, {} sent: {ledger}",
            self.acknowledged,
            self.sent
        );
    }
}
