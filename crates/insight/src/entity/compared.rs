//! The entity's requests beside those of others that began with the same operation: where each of its times would stand
//! among theirs, as a whole and place by place.

use std::collections::{BTreeMap, HashMap};

use super::Read;
use super::subject::Unit;
use crate::tails;
use crate::trees::{Place, Text, Texts, Tree};

/// An operation that requests begin with.
type Entry = (Option<Text>, Text);
/// Whatever they begin with.
const ANY: Entry = (None, 0);

/// With fewer requests of others of the same operation, one is not compared.
const OTHERS_MIN: usize = 20;
/// Parts of its requests at which times are looked at: half of them, or some of them, may be slow.
const FRACTIONS: [f64; 3] = [0.5, 0.9, 0.99];

/// A request as numbers.
#[derive(Debug)]
struct Request {
    entry: Entry,
    duration: i64,
    failed: bool,
    /// Own time, and the hop, of each place.
    places: BTreeMap<Place, (i64, u32)>,
}

/// What others' requests of one operation took. Times are sorted; those of places are without the requests that did not
/// get there.
#[derive(Debug, Default)]
struct Others {
    failed: usize,
    durations: Vec<i64>,
    places: HashMap<Place, Vec<i64>>,
}

/// Its times at one place, or as a whole, beside others'.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excess {
    /// How improbable so many so long times are.
    pub p_value: f64,
    /// Means over its requests, and over others' of the same operations.
    pub mean: f64,
    pub expected: f64,
}

impl Excess {
    pub fn nanos(&self) -> f64 {
        self.mean - self.expected
    }
}

/// One place of its requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlaceExcess {
    pub place: Place,
    pub hop: u32,
    pub excess: Excess,
}

/// Its requests beside others'.
#[derive(Debug)]
pub(super) struct Compared {
    /// Whether these begin with the same operations. None do where the field itself says what operation it is.
    pub is_alike: bool,
    pub latency: Excess,
    pub errors: f64,
    pub errors_expected: f64,
    pub errors_p_value: f64,
    /// The largest excess first.
    pub places: Vec<PlaceExcess>,
}

impl Compared {
    /// `None` where no request could be compared.
    pub fn new(read: &Read, own: Text) -> Option<Self> {
        Self::by(read, own, true).or_else(|| Self::by(read, own, false))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of some requests")]
    fn by(read: &Read, own: Text, is_alike: bool) -> Option<Self> {
        let requests = |traces: &[Tree], own: Option<Text>| {
            let mut found = requests(traces, &read.unit, own, &read.texts);
            if !is_alike {
                found.iter_mut().for_each(|request| request.entry = ANY);
            }
            found
        };
        let others = others_of(requests(&read.others.traces, None));
        let mut its = requests(&read.its, Some(own));
        let of = |request: &Request| others.get(&request.entry);
        its.retain(|request| {
            of(request).is_some_and(|others| others.durations.len() >= OTHERS_MIN)
        });
        let pairs: Vec<(&Request, &Others)> = its
            .iter()
            .filter_map(|request| Some((request, of(request)?)))
            .collect();
        if pairs.is_empty() {
            return None;
        }
        // Others are few, too: what is known of them is as uncertain as so many trials fewer.
        let count = pairs.len() as f64;
        let uncertainty = mean(
            pairs
                .iter()
                .map(|(_, others)| 1.0 / others.durations.len() as f64),
        );
        let trials = count / (1.0 + count * uncertainty);
        let latency = excess(
            &pairs,
            trials,
            |request| request.duration,
            |others| &others.durations,
        );
        let errors = pairs.iter().filter(|(request, _)| request.failed).count() as f64;
        let chance = mean(pairs.iter().map(|(_, others)| {
            (others.failed as f64 + 0.5) / (others.durations.len() as f64 + 1.0)
        }));
        Some(Self {
            is_alike,
            latency,
            errors,
            errors_expected: chance * count,
            errors_p_value: tails::binomial_at_least(errors * trials / count, trials, chance),
            places: places(&pairs, trials),
        })
    }

    /// How many times what is expected all places but one take: whoever is slow everywhere is so at each.
    pub fn rest_ratio(&self, place: &PlaceExcess) -> f64 {
        let rest = self
            .places
            .iter()
            .filter(|other| other.place != place.place);
        let sum = rest.fold((0.0, 0.0), |(mean, expected), other| {
            (mean + other.excess.mean, expected + other.excess.expected)
        });
        if sum.1 > 0.0 { sum.0 / sum.1 } else { 1.0 }
    }
}

fn places<'a>(pairs: &[(&Request, &'a Others)], trials: f64) -> Vec<PlaceExcess> {
    let mut hops: BTreeMap<Place, u32> = BTreeMap::new();
    for (request, _) in pairs {
        for (place, (_, hop)) in &request.places {
            let known = hops.entry(*place).or_insert(*hop);
            *known = (*known).min(*hop);
        }
    }
    let mut places: Vec<PlaceExcess> = hops
        .into_iter()
        .map(|(place, hop)| {
            let own = |request: &Request| request.places.get(&place).map_or(0, |(time, _)| *time);
            let theirs =
                |others: &'a Others| others.places.get(&place).map_or(&[][..], Vec::as_slice);
            let excess = excess(pairs, trials, own, theirs);
            PlaceExcess { place, hop, excess }
        })
        .collect();
    places.sort_by(|a, b| {
        b.excess
            .nanos()
            .total_cmp(&a.excess.nanos())
            .then(a.place.cmp(&b.place))
    });
    places
}

/// One kind of time of its requests beside the same of others'.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts, and nanoseconds of means"
)]
fn excess<'a>(
    pairs: &[(&Request, &'a Others)],
    trials: f64,
    own: impl Fn(&Request) -> i64,
    theirs: impl Fn(&'a Others) -> &'a [i64],
) -> Excess {
    let beyond = pairs.iter().filter_map(|(request, others)| {
        beyond(own(request), theirs(others), others.durations.len())
    });
    Excess {
        p_value: improbability(beyond.collect(), trials / pairs.len() as f64),
        mean: mean(pairs.iter().map(|(request, _)| own(request) as f64)),
        expected: mean(pairs.iter().map(|(_, others)| {
            theirs(others).iter().map(|time| *time as f64).sum::<f64>()
                / others.durations.len() as f64
        })),
    }
}

/// The share of others' requests, this one included, that take as long at least. Where many get to a place, only those
/// that do are looked at; `sorted` are theirs of `all`.
#[expect(clippy::cast_precision_loss, reason = "counts of some requests")]
fn beyond(time: i64, sorted: &[i64], all: usize) -> Option<f64> {
    let is_usual = sorted.len() >= OTHERS_MIN;
    if time <= 0 {
        return (!is_usual).then_some(1.0);
    }
    let shorter = sorted.partition_point(|other| *other < time);
    let among = if is_usual { sorted.len() } else { all };
    Some((sorted.len() - shorter + 1) as f64 / (among + 1) as f64)
}

/// How improbable so small shares are, at the most improbable of some ranks. A share counts as so many trials.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks"
)]
fn improbability(mut shares: Vec<f64>, trials_each: f64) -> f64 {
    shares.sort_by(f64::total_cmp);
    let count = shares.len() as f64;
    let of_rank = |fraction: &f64| {
        let beyond = count - (fraction * count).ceil() + 1.0;
        let share = shares.get(beyond as usize - 1).copied().unwrap_or(1.0);
        tails::binomial_at_least(beyond * trials_each, count * trials_each, share)
    };
    let least = FRACTIONS.iter().map(of_rank).fold(1.0, f64::min);
    (least * FRACTIONS.len() as f64).min(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "a count of some requests")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

fn others_of(requests: Vec<Request>) -> HashMap<Entry, Others> {
    let mut found: HashMap<Entry, Others> = HashMap::new();
    for request in requests {
        let others = found.entry(request.entry).or_default();
        others.failed += usize::from(request.failed);
        others.durations.push(request.duration);
        for (place, (time, _)) in request.places {
            if time > 0 {
                others.places.entry(place).or_default().push(time);
            }
        }
    }
    for others in found.values_mut() {
        others.durations.sort_unstable();
        others
            .places
            .values_mut()
            .for_each(|times| times.sort_unstable());
    }
    found
}

fn requests(traces: &[Tree], unit: &Unit, own: Option<Text>, texts: &Texts) -> Vec<Request> {
    let mut found = Vec::new();
    for tree in traces {
        for top in unit.tops(tree, own, texts) {
            let span = &tree.nodes[top].span;
            let mut places: BTreeMap<Place, (i64, u32)> = BTreeMap::new();
            for node in tree.below(top).into_iter().map(|index| &tree.nodes[index]) {
                let entry = places.entry(node.place).or_insert((0, node.hop));
                entry.0 += node.self_time;
            }
            found.push(Request {
                entry: (span.service, span.name),
                duration: span.duration,
                failed: span.failed,
                places,
            });
        }
    }
    found
}
