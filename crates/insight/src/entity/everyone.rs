//! The entity's figures, and the same of the other values of its field.

use std::collections::BTreeMap;

use crawlspace_query::Asking;

use super::Read;
use super::answer::{Everyone, Figures};
use super::subject::{Subject, Unit};
use crate::rows::Row;
use crate::{Error, Evidence, Insight};

/// Other entities that are looked at.
const ENTITIES_MAX: usize = 500;
/// The most that their values may take in a query's text.
const VALUES_BYTES_MAX: usize = 40 << 10;
/// Who is met so often in a part of all traces is met in it whoever it is.
const OFTEN: usize = 5;

const FIGURES: &str = "coalesce(sum(sample_weight), 0.0) AS requests, \
    coalesce(sum(CASE WHEN status_code = 'error' THEN sample_weight END), 0.0) AS errors, \
    percentile(duration_ns, 0.5, sample_weight) AS p50_ns, percentile(duration_ns, 0.99, sample_weight) AS p99_ns";

/// Everyone, and how far figures of single entities spread.
#[derive(Debug)]
pub(super) struct Spread {
    pub shown: Everyone,
    pub p50: Quarters,
    pub p99: Quarters,
    pub error_share: Quarters,
}

/// What a quarter of all entities have at most, and three quarters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quarters {
    pub lower: f64,
    pub upper: f64,
}

impl Insight {
    /// The figures of the entity; `within` says in SQL which spans they may be of, where that is known.
    pub(super) async fn figures(
        &self,
        subject: &Subject,
        unit: &Unit,
        within: Option<&str>,
        asking: &Asking,
    ) -> Result<Figures, Error> {
        let condition = match within {
            Some(within) => format!("{} AND {within}", subject.is_it()),
            None => subject.is_it(),
        };
        let (found, _) = unit.requests(subject, &condition);
        let sql = format!("SELECT {FIGURES} FROM {found}");
        let rows = self.rows(&sql, asking).await?;
        let number = |name: &str| rows.first().and_then(|row| row.number(name));
        Ok(Figures {
            requests: number("requests").unwrap_or_default(),
            errors: number("errors").unwrap_or_default(),
            p50_ns: number("p50_ns"),
            p99_ns: number("p99_ns"),
            evidence: Evidence(sql),
        })
    }

    /// The figures of the others that were met; none where there is no other.
    pub(super) async fn everyone(
        &self,
        subject: &Subject,
        read: &Read,
        figures: &Figures,
        asking: &Asking,
    ) -> Result<Option<Spread>, Error> {
        let met = met(read);
        let (values, are_all) = chosen(&met, read.others.is_whole);
        if values.is_empty() {
            return Ok(None);
        }
        // Whoever is met in a part of all traces has more of them than others: each counts less by as much.
        let is_biased = !read.others.is_whole && met.values().any(|times| *times < OFTEN);
        let weight = if is_biased { "1.0 / requests" } else { "1.0" };
        let sql = everyone_sql(subject, &read.unit, figures, &values, weight);
        let rows = self.rows(&sql, asking).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let spread = spread_of(row, are_all, Evidence(sql));
        Ok(Some(spread).filter(|spread| spread.shown.entities > 0.0))
    }
}

/// The other values in the other traces' requests, and how often each was met.
fn met(read: &Read) -> BTreeMap<String, usize> {
    let mut met = BTreeMap::new();
    for tree in &read.others.traces {
        let values: std::collections::BTreeSet<_> = tree
            .nodes
            .iter()
            .filter_map(|node| node.span.value)
            .collect();
        for value in values {
            *met.entry(read.texts.text(value).to_owned()).or_insert(0) += 1;
        }
    }
    met
}

/// As many as there may be, evenly from all in their order; and whether these are all there are.
fn chosen(met: &BTreeMap<String, usize>, is_whole: bool) -> (Vec<&str>, bool) {
    let step = met.len().div_ceil(ENTITIES_MAX).max(1);
    let mut bytes = 0;
    let fits = |value: &&str| {
        bytes += value.len() + 4;
        bytes <= VALUES_BYTES_MAX
    };
    let values: Vec<&str> = met
        .keys()
        .step_by(step)
        .map(String::as_str)
        .take_while(fits)
        .collect();
    let are_all = is_whole && values.len() == met.len();
    (values, are_all)
}

fn everyone_sql(
    subject: &Subject,
    unit: &Unit,
    figures: &Figures,
    values: &[&str],
    weight: &str,
) -> String {
    let literals: Vec<String> = values.iter().map(|value| subject.literal(value)).collect();
    let condition = format!(
        "{} IN ({})",
        crate::sql::name(&subject.field),
        literals.join(", ")
    );
    let (found, entity) = unit.requests(subject, &condition);
    let share = figures.errors / figures.requests.max(f64::MIN_POSITIVE);
    let below = |column: &str, figure: f64, name: &str| {
        format!("coalesce(sum(CASE WHEN {column} < {figure:?} THEN w END), 0.0) / sum(w) AS {name}")
    };
    let mut columns = vec![
        "CAST(count(*) AS DOUBLE) AS entities".to_owned(),
        below("requests", figures.requests, "fewer_requests"),
        below("error_share", share, "fewer_errors"),
        below("p50_ns", figures.p50_ns.unwrap_or_default(), "faster_p50"),
        below("p99_ns", figures.p99_ns.unwrap_or_default(), "faster_p99"),
    ];
    for column in ["requests", "error_share", "p50_ns", "p99_ns"] {
        for (name, fraction) in [("lower", 0.25), ("half", 0.5), ("upper", 0.75)] {
            columns.push(format!(
                "percentile({column}, {fraction}, w) AS {column}_{name}"
            ));
        }
    }
    format!(
        "SELECT {} FROM (SELECT *, errors / requests AS error_share, {weight} AS w FROM \
         (SELECT {entity} AS \"$of\", {FIGURES} FROM {found} GROUP BY {entity}))",
        columns.join(", ")
    )
}

fn spread_of(row: Row<'_>, are_all: bool, evidence: Evidence) -> Spread {
    let number = |name: &str| row.number(name).unwrap_or_default();
    let quarters = |name: &str| Quarters {
        lower: number(&format!("{name}_lower")),
        upper: number(&format!("{name}_upper")),
    };
    let half = |name: &str| row.number(&format!("{name}_half"));
    Spread {
        shown: Everyone {
            entities: number("entities"),
            are_all,
            requests: half("requests"),
            error_share: half("error_share"),
            p50_ns: half("p50_ns"),
            p99_ns: half("p99_ns"),
            fewer_requests: number("fewer_requests"),
            fewer_errors: number("fewer_errors"),
            faster_p50: number("faster_p50"),
            faster_p99: number("faster_p99"),
            evidence,
        },
        p50: quarters("p50_ns"),
        p99: quarters("p99_ns"),
        error_share: quarters("error_share"),
    }
}
