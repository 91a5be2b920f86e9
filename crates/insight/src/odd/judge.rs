//! Which differences are odd: improbable, after correction for how many were looked for; large enough to matter; not seen
//! on more than one of the earlier days; and not the rhythm of the week.

use super::answer::{Change, OddMeasure, Reference};
use super::usual::{self, Spread};
use super::windows::{Histories, History, Hour, WEEK, Who};

/// Of as many hours without any change, so many have a finding.
pub(super) const ALARMS: f64 = 0.002;
/// A rate differs if it is so many times the usual one, or that many times less; and so on.
const RATE_RATIO: f64 = 1.4;
const TIME_RATIO: f64 = 1.3;
const ERRORS_RATIO: f64 = 2.0;
/// Errors are odd if there are so many, and so large a share of requests more than usual.
const ERRORS_MIN: f64 = 5.0;
const ERROR_SHARE_MIN: f64 = 0.002;
/// Requests from which a flow is new, or its rate and times are looked at.
const NEW_MIN: f64 = 20.0;
const RATE_MIN: f64 = 10.0;
const LATENCY_MIN: f64 = 8.0;
const TAIL_MIN: f64 = 200.0;
/// How far hours are taken to spread where too few are known: of earlier days, and from one hour to the next.
const ASSUMED_DAYS: f64 = 0.25;
const ASSUMED_HOUR: f64 = 0.5;
/// The least that they are taken to spread.
const LEAST_RATE: f64 = 0.06;
const LEAST_LATENCY: f64 = 0.05;
const LEAST_TAIL: f64 = 0.1;
const LEAST_ERRORS: f64 = 0.3;
/// As many flows of a service that differ alike are one finding about the service.
const ALIKE_MIN: usize = 3;

/// A difference.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub who: Who,
    pub measure: OddMeasure,
    pub change: Change,
    pub reference: Reference,
    /// The days it was compared with; none where it is the hour before.
    pub days: Vec<usize>,
    pub p_value: f64,
    pub now: Hour,
    pub usual: Hour,
    /// Requests that are worse off, about.
    harm: f64,
}

#[derive(Debug)]
pub(super) struct Judged {
    pub found: Vec<Found>,
    pub tests: usize,
}

/// What one flow is compared with.
struct Compared<'a> {
    who: &'a Who,
    now: Hour,
    reference: Reference,
    hours: Vec<(usize, Hour)>,
}

/// How far flows spread from day to day, in the middle.
#[derive(Debug, Default, Clone, Copy)]
struct Pooled {
    rate: Option<f64>,
    p50: Option<f64>,
    p99: Option<f64>,
}

pub(super) fn judge(histories: &Histories) -> Judged {
    let compared: Vec<Compared<'_>> = histories
        .all
        .iter()
        .filter_map(|(who, history)| Compared::new(who, history, histories))
        .collect();
    let pooled = Pooled::of(&compared);
    let tested: Vec<Found> = compared
        .iter()
        .flat_map(|compared| {
            let rate = compared.rate(pooled.rate);
            let errors = compared.errors();
            let latency = compared.time(OddMeasure::Latency, pooled.p50);
            let tail = compared.time(OddMeasure::Tail, pooled.p99);
            [rate, errors, latency, tail].into_iter().flatten()
        })
        .collect();
    // How long a service takes as a whole changes with what is asked of it: only its flows can be slower.
    let (wholes, tested): (Vec<Found>, Vec<Found>) = tested
        .into_iter()
        .partition(|found| found.who.flow.is_none() && found.is_about_time());
    let tests = tested.len();
    #[expect(clippy::cast_precision_loss, reason = "a count of tests")]
    let threshold = ALARMS / tests.max(1) as f64;
    let odd = tested
        .into_iter()
        .filter(|found| found.p_value <= threshold && found.is_large());
    let odd = odd
        .filter(|found| !found.is_seen_before(histories))
        .collect();
    let mut found = gathered(odd, &wholes);
    found.sort_by(|a, b| {
        let order = b.harm.total_cmp(&a.harm);
        order.then_with(|| (&a.who, a.measure).cmp(&(&b.who, b.measure)))
    });
    Judged { found, tests }
}

/// Where a service differs as its flows do, the flows are told; where many do, the service.
fn gathered(mut odd: Vec<Found>, wholes: &[Found]) -> Vec<Found> {
    let flows_like = |odd: &[Found], found: &Found| {
        let flows = odd.iter().filter(|other| other.who.flow.is_some());
        flows.filter(|other| found.is_like(other)).count()
    };
    for whole in wholes {
        if flows_like(&odd, whole) >= ALIKE_MIN {
            let alike = odd.iter().filter(|flow| whole.is_like(flow));
            let p_value = alike.map(|flow| flow.p_value).fold(1.0, f64::min);
            odd.push(Found {
                p_value,
                ..whole.clone()
            });
        }
    }
    let has_service = |found: &Found| {
        let mut services = odd.iter().filter(|other| other.who.flow.is_none());
        services.any(|other| found.is_like(other))
    };
    let kept = |found: &&Found| match found.who.flow {
        None => !(1..ALIKE_MIN).contains(&flows_like(&odd, found)),
        Some(_) => flows_like(&odd, found) < ALIKE_MIN || !has_service(found),
    };
    let mut found: Vec<Found> = odd.iter().filter(kept).cloned().collect();
    // Of a flow whose half is slower, that the slowest are is no news.
    let slower: Vec<(Who, Change)> = found
        .iter()
        .filter(|found| found.measure == OddMeasure::Latency)
        .map(|found| (found.who.clone(), found.change))
        .collect();
    found.retain(|found| {
        found.measure != OddMeasure::Tail
            || !slower
                .iter()
                .any(|(who, change)| *who == found.who && *change == found.change)
    });
    found
}

impl Pooled {
    fn of(compared: &[Compared<'_>]) -> Self {
        let middle = |own: &dyn Fn(&Compared<'_>) -> Option<f64>| {
            usual::middle(compared.iter().filter_map(own))
        };
        Self {
            rate: middle(&|compared| compared.rate_variance()),
            p50: middle(&|compared| compared.time_variance(OddMeasure::Latency)),
            p99: middle(&|compared| compared.time_variance(OddMeasure::Tail)),
        }
    }
}

impl<'a> Compared<'a> {
    /// `None` where there is nothing to compare with.
    fn new(who: &'a Who, history: &History, histories: &Histories) -> Option<Self> {
        // It is as old as the first day that has it; days without it before that say nothing.
        let mut oldest = history.oldest();
        let mut is_comparable = histories.has_hour_before();
        if who.flow.is_none() {
            // A new flow makes another thing of a service: it is compared with what it was since then.
            for flow in histories.large_flows_of(who, history) {
                oldest = oldest.min(flow.oldest());
                is_comparable &= flow.before.requests > 0.0;
            }
        }
        let days: Vec<(usize, Hour)> = histories
            .days
            .iter()
            .filter(|days| **days <= oldest)
            .map(|days| (*days, history.days.get(days).copied().unwrap_or_default()))
            .collect();
        let (reference, hours) = match days.is_empty() {
            true if !is_comparable => return None,
            true => (Reference::HourBefore, vec![(0, history.before)]),
            false => (Reference::SameHour, days),
        };
        Some(Self {
            who,
            now: history.now,
            reference,
            hours,
        })
    }

    fn values(&self, value: impl Fn(&Hour) -> Option<f64>) -> Vec<f64> {
        self.hours
            .iter()
            .filter_map(|(_, hour)| value(hour))
            .collect()
    }

    fn middle(&self, value: impl Fn(&Hour) -> Option<f64>) -> Option<f64> {
        usual::middle(self.values(value))
    }

    fn usual(&self) -> Hour {
        Hour {
            requests: self.middle(|hour| Some(hour.requests)).unwrap_or_default(),
            weight: 1.0,
            errors: self.middle(|hour| Some(hour.errors)).unwrap_or_default(),
            error_share: self.middle(|hour| hour.error_share),
            p50: self.middle(|hour| hour.p50),
            p99: self.middle(|hour| hour.p99),
        }
    }

    fn found(&self, measure: OddMeasure, change: Change, p_value: f64, harm: f64) -> Found {
        Found {
            who: self.who.clone(),
            measure,
            change,
            reference: self.reference,
            days: match self.reference {
                Reference::SameHour => self.hours.iter().map(|(days, _)| *days).collect(),
                Reference::HourBefore => Vec::new(),
            },
            p_value,
            now: self.now,
            usual: self.usual(),
            harm,
        }
    }

    /// How many stored spans count as one event by chance, over all hours.
    fn weight(&self) -> f64 {
        let weights = self
            .hours
            .iter()
            .map(|(_, hour)| hour.weight)
            .chain([self.now.weight]);
        weights.fold(1.0, f64::max)
    }

    /// What is expected: the middle of many, the mean of few, whose middle may well be 0.
    #[expect(clippy::cast_precision_loss, reason = "some hours")]
    fn expected(&self) -> f64 {
        let counts = self.values(|hour| Some(hour.requests / self.weight()));
        let middle = usual::middle(counts.iter().copied()).unwrap_or_default();
        let mean = counts.iter().sum::<f64>() / counts.len().max(1) as f64;
        if middle >= RATE_MIN { middle } else { mean }
    }

    /// How far the rate spreads beyond what chance does.
    fn rate_variance(&self) -> Option<f64> {
        let counts = self.values(|hour| Some(hour.requests / self.weight()));
        let middle = usual::middle(counts.iter().copied()).filter(|middle| *middle >= RATE_MIN)?;
        Some((usual::variance(&counts, middle)? - 1.0 / middle).max(0.0))
    }

    fn rate(&self, pooled: Option<f64>) -> Option<Found> {
        let (now, expected) = (self.now.requests / self.weight(), self.expected());
        let is_new = self.hours.iter().all(|(_, hour)| hour.requests == 0.0);
        if is_new {
            // Nothing says what to expect: it is told of once, in its first hour.
            let is_one = self.reference == Reference::HourBefore
                && now >= NEW_MIN
                && self.who.flow.is_some();
            return is_one.then(|| self.found(OddMeasure::Rate, Change::New, 0.0, 0.0));
        }
        if now.max(expected) < RATE_MIN {
            return None;
        }
        let spread = self.spread(self.rate_variance(), pooled, LEAST_RATE);
        let p_value = usual::count(now, expected, spread, self.hours.len());
        let change = match now {
            0.0 => Change::Gone,
            now if now < expected => Change::Less,
            _ => Change::More,
        };
        let harm = match change {
            Change::More | Change::New => 0.25 * (now - expected),
            Change::Less | Change::Gone => expected - now,
        };
        Some(self.found(OddMeasure::Rate, change, p_value, harm * self.weight()))
    }

    fn spread(&self, own: Option<f64>, pooled: Option<f64>, least: f64) -> Spread {
        let assumed = match self.reference {
            Reference::SameHour => ASSUMED_DAYS,
            Reference::HourBefore => ASSUMED_HOUR,
        };
        Spread::of(own, self.hours.len(), pooled, assumed, least)
    }

    fn errors(&self) -> Option<Found> {
        let weight = self.weight();
        let (requests, errors) = (self.now.requests / weight, self.now.errors / weight);
        if requests < ERRORS_MIN || self.hours.iter().all(|(_, hour)| hour.requests == 0.0) {
            return None;
        }
        // The odd day among the earlier ones is the one with the largest share.
        let mut hours: Vec<&Hour> = self.hours.iter().map(|(_, hour)| hour).collect();
        hours.sort_by(|a, b| {
            a.error_share
                .unwrap_or_default()
                .total_cmp(&b.error_share.unwrap_or_default())
        });
        if hours.len() >= 4 {
            hours.pop();
        }
        let sum =
            |value: fn(&Hour) -> f64| hours.iter().map(|hour| value(hour)).sum::<f64>() / weight;
        let (earlier, earlier_errors) = (sum(|hour| hour.requests), sum(|hour| hour.errors));
        let share = (earlier_errors + 1.0) / (earlier + 1.0);
        let expected = share.min(1.0) * requests;
        let seen = usual::variance(
            &self.values(|hour| Some(hour.errors / weight)),
            earlier_errors / self.hours.len() as f64,
        );
        let own = seen.filter(|_| earlier_errors >= 30.0).unwrap_or_default();
        let variance = own.max(LEAST_ERRORS * LEAST_ERRORS) + 1.0 / (earlier_errors + 1.0);
        let p_value = crate::tails::count_at_least(errors, expected, variance.sqrt());
        let harm = 3.0 * (self.now.errors - share * self.now.requests);
        Some(self.found(OddMeasure::Errors, Change::More, p_value, harm))
    }

    fn time_of(measure: OddMeasure, hour: &Hour) -> Option<f64> {
        let value = if measure == OddMeasure::Tail {
            hour.p99
        } else {
            hour.p50
        };
        value
            .filter(|value| *value > 0.0 && hour.requests / hour.weight.max(1.0) >= enough(measure))
    }

    /// How far a time spreads beyond what chance does.
    fn time_variance(&self, measure: OddMeasure) -> Option<f64> {
        let values = self.values(|hour| Self::time_of(measure, hour));
        let seen = usual::variance(&values, usual::middle(values.iter().copied())?)?;
        Some((seen - self.by_chance(measure, self.usual().requests)).max(0.0))
    }

    fn time(&self, measure: OddMeasure, pooled: Option<f64>) -> Option<Found> {
        let now = Self::time_of(measure, &self.now)?;
        let values = self.values(|hour| Self::time_of(measure, hour));
        let usual = usual::middle(values.iter().copied())?;
        let least = if measure == OddMeasure::Tail {
            LEAST_TAIL
        } else {
            LEAST_LATENCY
        };
        let spread = self.spread(self.time_variance(measure), pooled, least);
        let p_value = usual::time(
            now,
            usual,
            self.by_chance(measure, self.now.requests),
            spread,
            values.len(),
        );
        let change = if now > usual {
            Change::More
        } else {
            Change::Less
        };
        let share = if measure == OddMeasure::Tail {
            0.01
        } else {
            0.5
        };
        let harm = share
            * self.now.requests
            * if change == Change::More {
                (now / usual).ln().min(2.0)
            } else {
                0.1
            };
        Some(self.found(measure, change, p_value, harm))
    }

    /// The variance of an hour's percentile for having so few requests: of logarithms that are about normal.
    fn by_chance(&self, measure: OddMeasure, requests: f64) -> f64 {
        let usual = self.usual();
        let (Some(p50), Some(p99)) = (usual.p50, usual.p99) else {
            return 0.0;
        };
        // Of few requests, the 99th percentile is the largest, and not so far out.
        let usual_requests = (usual.requests / self.weight()).max(2.0);
        let far = (0.8 + 0.4 * usual_requests.ln()).min(2.33);
        let sigma = (p99 / p50.max(1.0)).max(1.0).ln() / far;
        // √(q(1 - q)) over the normal density at q.
        let factor: f64 = if measure == OddMeasure::Tail {
            3.73
        } else {
            1.25
        };
        (factor * sigma).powi(2) / (requests / self.weight()).max(1.0)
    }
}

fn enough(measure: OddMeasure) -> f64 {
    if measure == OddMeasure::Tail {
        TAIL_MIN
    } else {
        LATENCY_MIN
    }
}

impl Found {
    fn is_about_time(&self) -> bool {
        matches!(self.measure, OddMeasure::Latency | OddMeasure::Tail)
    }

    /// Whether another of the same service differs in the same way.
    fn is_like(&self, other: &Self) -> bool {
        let is_more = |found: &Self| matches!(found.change, Change::More | Change::New);
        self.who.service == other.who.service
            && self.measure == other.measure
            && is_more(self) == is_more(other)
    }

    fn value(&self, hour: &Hour) -> f64 {
        let value = match self.measure {
            OddMeasure::Rate => Some(hour.requests),
            OddMeasure::Errors => hour.error_share,
            OddMeasure::Latency => hour.p50,
            OddMeasure::Tail => hour.p99,
        };
        value.unwrap_or_default()
    }

    fn ratio(&self) -> f64 {
        match self.measure {
            OddMeasure::Rate => RATE_RATIO,
            OddMeasure::Errors => ERRORS_RATIO,
            OddMeasure::Latency | OddMeasure::Tail => TIME_RATIO,
        }
    }

    fn is_large(&self) -> bool {
        let (now, usual) = (self.value(&self.now), self.value(&self.usual));
        match self.measure {
            OddMeasure::Errors => {
                self.now.errors >= ERRORS_MIN
                    && now >= ERRORS_RATIO * usual
                    && now - usual >= ERROR_SHARE_MIN
            }
            _ if self.change == Change::New => true,
            _ => now >= self.ratio() * usual || now * self.ratio() <= usual,
        }
    }

    /// Whether more than one of the earlier days was as far off, or the same day of the week was about the same.
    fn is_seen_before(&self, histories: &Histories) -> bool {
        let (Some(history), Reference::SameHour) = (histories.all.get(&self.who), self.reference)
        else {
            return false;
        };
        let now = self.value(&self.now);
        let is_less = matches!(self.change, Change::Less | Change::Gone);
        let hour = |days: &usize| history.days.get(days).copied().unwrap_or_default();
        let as_far = |days: &&usize| {
            let then = self.value(&hour(days));
            if is_less { then <= now } else { then >= now }
        };
        let is_alike = |days: &&usize| {
            let then = self.value(&hour(days));
            if is_less {
                then <= now * self.ratio()
            } else {
                then * self.ratio() >= now
            }
        };
        self.days.iter().filter(as_far).count() > 1
            || self
                .days
                .iter()
                .filter(|days| **days >= WEEK)
                .any(|days| is_alike(&days))
    }
}
