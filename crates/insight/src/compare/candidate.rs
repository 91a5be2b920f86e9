//! What may be different: of each field the few values, or the cut, with the largest effect that single events make
//! unlikely to be chance. Whether traces do is asked of these alone.

use super::field::{Field, NUMBERS_AS_VALUES_MAX, Values};
use super::statistics::{
    BASELINE, Count, EFFECT_MIN, SELECTION, SIGNIFICANCE, TESTS_OF_A_VALUE, log_bound,
};
use super::value::{Kind, Test, Value};

/// Events tell by one bit each which candidates they fulfil.
pub(super) const CANDIDATES_MAX: usize = 64;
/// Of one field.
const VALUES_OF_A_FIELD_MAX: usize = 3;
/// Longer texts make no condition.
const VALUE_BYTES_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct Candidate {
    pub field: usize,
    pub test: Test,
    pub effect: f64,
    /// The logarithm of how often chance was given an opportunity: by all fields, and by all values of this one.
    pub log_chances: f64,
}

/// What was tested, and what may be different.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// The largest effect first.
    pub list: Vec<Candidate>,
    pub fields_tested: u64,
    pub values_tested: u64,
}

impl Candidates {
    pub fn choose(fields: &[Field], totals: &Count) -> Self {
        let tests: Vec<u64> = fields.iter().map(|field| tests_of(field, totals)).collect();
        let mut candidates = Self {
            fields_tested: tests.iter().filter(|tests| **tests > 0).count() as u64,
            values_tested: tests.iter().sum(),
            ..Self::default()
        };
        for (index, (field, tests)) in fields.iter().zip(tests).enumerate() {
            if tests > 0 {
                // Each field has the same part of the error that is allowed, each of its values the same part of that.
                let chances = TESTS_OF_A_VALUE * candidates.fields_tested as f64 * tests as f64;
                let chooser = Chooser {
                    index,
                    field,
                    totals,
                    log_chances: chances.ln(),
                };
                chooser.choose(&mut candidates.list);
            }
        }
        candidates.list.sort_by(|a, b| {
            let names = || fields[a.field].name.cmp(&fields[b.field].name);
            order(a, b).then_with(names)
        });
        candidates
    }
}

/// The largest effect first, then what says it best.
pub(super) fn order(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    let ranks = || a.test.rank().cmp(&b.test.rank());
    let values = || a.test.sql("").cmp(&b.test.sql(""));
    b.effect
        .total_cmp(&a.effect)
        .then_with(ranks)
        .then_with(values)
}

/// How many tests a field takes. A field with one value on all events takes none.
fn tests_of(field: &Field, totals: &Count) -> u64 {
    let has_absent = u64::from(field.present.all_rows() < totals.all_rows());
    let distinct = field.distinct();
    if field.present.all_rows() == 0 {
        return 0;
    }
    if field.is_presence_only {
        return has_absent;
    }
    if distinct < 2 {
        return has_absent;
    }
    match field.kind {
        Some(kind) if kind.is_number() => {
            let values = if distinct <= NUMBERS_AS_VALUES_MAX as u64 {
                distinct
            } else {
                0
            };
            values + distinct - 1 + has_absent
        }
        _ => distinct + has_absent,
    }
}

/// Chooses among the values of one field.
struct Chooser<'a> {
    index: usize,
    field: &'a Field,
    totals: &'a Count,
    log_chances: f64,
}

impl Chooser<'_> {
    fn choose(&self, chosen: &mut Vec<Candidate>) {
        let distinct = self.field.distinct();
        let is_number = self.field.kind.is_some_and(Kind::is_number);
        let mut more = Vec::new();
        if distinct >= 2 || self.field.is_presence_only {
            self.add_presence(&mut more);
        }
        if is_number {
            self.add_cut(&mut more);
        }
        let (mut values, mut fewer) = (Vec::new(), Vec::new());
        if !is_number || distinct <= NUMBERS_AS_VALUES_MAX as u64 {
            self.add_values(&mut values, &mut fewer);
        }
        more.append(&mut values);
        chosen.append(if more.is_empty() {
            &mut fewer
        } else {
            &mut more
        });
    }

    fn add_values(&self, more: &mut Vec<Candidate>, fewer: &mut Vec<Candidate>) {
        for (value, count) in self.field.values() {
            if matches!(&value, Value::Text(text) if text.len() > VALUE_BYTES_MAX) {
                continue;
            }
            let list = if self.is_more(&count) {
                &mut *more
            } else {
                &mut *fewer
            };
            list.extend(self.candidate(&count, || Test::Is(value)));
        }
        for list in [more, fewer] {
            list.sort_by(order);
            list.truncate(VALUES_OF_A_FIELD_MAX);
        }
    }

    fn add_presence(&self, more: &mut Vec<Candidate>) {
        let present = self.field.present;
        if self.is_more(&present) {
            more.extend(self.candidate(&present, || Test::Present));
        } else {
            let absent = self.totals.without(&present);
            more.extend(self.candidate(&absent, || Test::Absent));
        }
    }

    /// The cut that separates best.
    fn add_cut(&self, more: &mut Vec<Candidate>) {
        let numbers = self.field.numbers();
        let (mut best, mut below) = (None::<Candidate>, Count::default());
        for pair in numbers.windows(2) {
            below.add(&pair[0].1);
            let at_least = self.field.present.without(&below);
            let bound = || self.field.bound(pair[1].0);
            let tests: [(&Count, &dyn Fn() -> Test); 2] = [
                (&at_least, &|| Test::AtLeast(bound())),
                (&below, &|| Test::Below(bound())),
            ];
            for (count, test) in tests {
                let effect = best.as_ref().map_or(0.0, |best| best.effect);
                if self.is_more(count) && count.effect(self.totals) > effect {
                    best = self.candidate(count, test).or(best);
                }
            }
        }
        more.extend(best);
    }

    fn is_more(&self, count: &Count) -> bool {
        let shares = count.shares(self.totals);
        shares[SELECTION] > shares[BASELINE]
    }

    fn candidate(&self, count: &Count, test: impl FnOnce() -> Test) -> Option<Candidate> {
        let effect = count.effect(self.totals);
        (effect >= EFFECT_MIN && self.is_unlikely(count)).then(|| Candidate {
            field: self.index,
            test: test(),
            effect,
            log_chances: self.log_chances,
        })
    }

    /// Whether events, if they were independent, would make it significant.
    fn is_unlikely(&self, count: &Count) -> bool {
        let limit = SIGNIFICANCE.ln() - self.log_chances;
        let selected = self.totals.selected();
        [*count, self.totals.without(count)].iter().any(|events| {
            let rows = events.all_rows();
            rows > 0 && log_bound(rows as f64, events.selected(), selected) <= limit
        })
    }
}

/// Whether the field's values are counted by hash, so that some may be missed.
pub(super) fn is_approximate(field: &Field) -> bool {
    matches!(field.values, Values::Buckets(_))
}
