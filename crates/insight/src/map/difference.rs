//! What differs between two maps: what appeared, what vanished, and what changed by more than chance does.

use std::collections::BTreeMap;

use super::{Edge, Figures, Map, Node};
use crate::Completeness;

/// Counts are compared as those of independent events (Poisson): so many standard deviations are no chance, even with
/// some hundred edges looked at.
const DEVIATIONS_MIN: f64 = 4.0;
/// A rate or a latency that differs by less than this is not worth a look, however sure the difference is.
const RATIO_MIN: f64 = 1.2;
/// Medians of fewer calls than this are chance.
const CALLS_MIN: f64 = 30.0;

/// What a number did.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// It is only in the map itself.
    Appeared,
    /// It is only in the map that this one is compared with.
    Vanished,
    /// Per second. Not looked at where the two maps are of different spans.
    Rate,
    /// Of its calls.
    Errors,
    /// The median.
    Latency,
}

/// Something that differs, with both figures. Each has its query.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Change<T> {
    pub changed: Vec<Changed>,
    pub now: Option<T>,
    pub base: Option<T>,
}

/// What differs from the map that it is compared with.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Difference {
    /// Of the map that it is compared with, as are the next three: nanoseconds since 1970.
    pub start: Option<String>,
    pub end: String,
    #[serde(rename = "where")]
    pub condition: Option<String>,
    pub completeness: Completeness,
    /// What appeared and vanished first, then those with the most calls.
    pub nodes: Vec<Change<Node>>,
    pub edges: Vec<Change<Edge>>,
}

impl Difference {
    pub(super) fn of(map: &Map, base: Map, is_other_selection: bool) -> Self {
        let length = |map: &Map| {
            let time = |text: &str| text.parse::<f64>().unwrap_or_default();
            map.start
                .as_deref()
                .map(|start| time(&map.end) - time(start))
        };
        // How many calls of the one stand against one of the other, if nothing differs. Of other spans, who knows?
        let scale = match (length(map), length(&base)) {
            (Some(now), Some(before)) if !is_other_selection => Some(now / before.max(1.0)),
            _ => None,
        };
        let key = |edge: &Edge| (edge.from.clone(), edge.to.clone(), edge.kind);
        Self {
            nodes: changes(
                &map.nodes,
                base.nodes,
                scale,
                |node| node.id.clone(),
                |node| &node.figures,
            ),
            edges: changes(&map.edges, base.edges, scale, key, |edge| &edge.figures),
            start: base.start,
            end: base.end,
            condition: base.condition,
            completeness: base.completeness,
        }
    }
}

fn changes<T: Clone, K: Ord>(
    now: &[T],
    base: Vec<T>,
    scale: Option<f64>,
    key: impl Fn(&T) -> K,
    figures: impl Fn(&T) -> &Figures,
) -> Vec<Change<T>> {
    let mut base: BTreeMap<K, T> = base.into_iter().map(|item| (key(&item), item)).collect();
    let mut changes = Vec::new();
    for item in now {
        let base = base.remove(&key(item));
        let changed = match &base {
            None => vec![Changed::Appeared],
            Some(base) => compared(figures(item), figures(base), scale),
        };
        if !changed.is_empty() {
            changes.push(Change {
                changed,
                now: Some(item.clone()),
                base,
            });
        }
    }
    changes.extend(base.into_values().map(|item| Change {
        changed: vec![Changed::Vanished],
        now: None,
        base: Some(item),
    }));
    let rank = |change: &Change<T>| {
        let items = [&change.now, &change.base].into_iter().flatten();
        let calls = items.map(|item| figures(item).calls).fold(0.0, f64::max);
        let is_change = !matches!(change.changed[0], Changed::Appeared | Changed::Vanished);
        (is_change, calls)
    };
    changes.sort_by(|a, b| {
        let ((a, a_calls), (b, b_calls)) = (rank(a), rank(b));
        a.cmp(&b).then(b_calls.total_cmp(&a_calls))
    });
    changes
}

fn compared(now: &Figures, base: &Figures, scale: Option<f64>) -> Vec<Changed> {
    let rate = scale.is_some_and(|scale| {
        let expected = base.calls * scale;
        let deviation = (now.calls + expected * scale).sqrt();
        ratio(now.calls, expected) >= RATIO_MIN
            && (now.calls - expected).abs() > DEVIATIONS_MIN * deviation
    });
    let all = now.calls + base.calls;
    let share = (now.errors + base.errors) / all;
    // Two shares, with the variance of both together.
    let deviation = (share * (1.0 - share) * (1.0 / now.calls + 1.0 / base.calls)).sqrt();
    let apart = (now.errors / now.calls - base.errors / base.calls).abs();
    let errors = now.calls > 0.0 && base.calls > 0.0 && apart > DEVIATIONS_MIN * deviation;
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds as a double")]
    let latency = match (now.p50_ns, base.p50_ns) {
        (Some(a), Some(b)) => {
            now.calls.min(base.calls) >= CALLS_MIN && ratio(a as f64, b as f64) >= RATIO_MIN
        }
        _ => false,
    };
    let changed = [
        (rate, Changed::Rate),
        (errors, Changed::Errors),
        (latency, Changed::Latency),
    ];
    changed
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, what)| what)
        .collect()
}

/// The larger by the smaller.
fn ratio(a: f64, b: f64) -> f64 {
    let (less, more) = if a < b { (a, b) } else { (b, a) };
    if less > 0.0 {
        more / less
    } else if more > 0.0 {
        f64::INFINITY
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Changed, Figures, compared};

    fn figures(calls: f64, errors: f64, p50: i64) -> Figures {
        Figures {
            calls,
            rate: None,
            errors,
            p50_ns: Some(p50),
            p95_ns: None,
            p99_ns: None,
        }
    }

    #[test]
    fn what_chance_does_is_no_change() {
        for (now, base, scale, expected) in [
            ((100.0, 1.0, 100), (110.0, 3.0, 110), Some(1.0), vec![]),
            ((10.0, 1.0, 100), (20.0, 0.0, 900), Some(1.0), vec![]),
            (
                (1_000.0, 10.0, 100),
                (500.0, 5.0, 100),
                Some(1.0),
                vec![Changed::Rate],
            ),
            ((1_000.0, 10.0, 100), (500.0, 5.0, 100), Some(2.0), vec![]),
            (
                (1_000.0, 100.0, 100),
                (1_000.0, 10.0, 100),
                Some(1.0),
                vec![Changed::Errors],
            ),
            (
                (1_000.0, 0.0, 150),
                (1_000.0, 0.0, 100),
                Some(1.0),
                vec![Changed::Latency],
            ),
            ((0.0, 0.0, 0), (0.0, 0.0, 0), Some(1.0), vec![]),
            ((1_000.0, 10.0, 100), (500.0, 5.0, 100), None, vec![]),
        ] {
            let [now, base] = [now, base].map(|(calls, errors, p50)| figures(calls, errors, p50));
            assert_eq!(compared(&now, &base, scale), expected, "{now:?} {base:?}");
        }
    }
}
