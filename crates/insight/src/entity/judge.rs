//! Whether the entity is different, and what explains that. A difference has to be improbable, beyond the spread of
//! entities, and large enough to matter.

use crawlspace_query::Asking;

use super::Read;
use super::answer::{EntityVerdict, Figures, Finding, Measure, Source};
use super::compared::{Compared, PlaceExcess};
use super::everyone::{Quarters, Spread};
use super::happened::{name_of, said};
use super::sample::id_of;
use super::subject::Subject;
use crate::trees::{PEERS, Place, Text};
use crate::{Error, Evidence, Insight, sql, words};

/// A difference that is more probable is chance.
const P_VALUE_MAX: f64 = 1e-3;
/// Requests as a whole differ if they take longer than others' by this share of these.
const LATENCY_EXCESS_MIN: f64 = 0.2;
/// One place differs if it takes so many times what it takes in others' requests, when the rest takes what it does…
const PLACE_RATIO_MIN: f64 = 2.0;
/// …and that is this share of a whole request.
const PLACE_EXCESS_MIN: f64 = 0.1;
/// A place explains a difference if it has this share of it.
const EXPLAINED_MIN: f64 = 0.4;
/// Errors differ if there are so many, and so many times what others have.
const ERRORS_MIN: f64 = 3.0;
const ERRORS_RATIO_MIN: f64 = 2.0;
/// Where so many entities are known, it has to be beyond this share of them.
const RANK_ENTITIES_MIN: f64 = 100.0;
const RANK_MIN: f64 = 0.98;
/// Entities that do other things are compared if there are so many.
const UNLIKE_ENTITIES_MIN: f64 = 5.0;
/// How many times the distance of the quarters beyond the upper one the spread of entities ends (Tukey).
const FENCE: f64 = 1.5;

pub(super) struct Judged {
    pub verdict: EntityVerdict,
    pub statement: String,
    pub findings: Vec<Finding>,
}

impl Insight {
    pub(super) async fn judge(
        &self,
        subject: &Subject,
        read: &Read,
        figures: &Figures,
        everyone: Option<&Spread>,
        asking: &Asking,
    ) -> Result<Judged, Error> {
        let entities = everyone.map_or(0.0, |everyone| everyone.shown.entities);
        let compared = match comparable(subject, read, figures, entities) {
            Ok(compared) => compared,
            Err(reason) => return Ok(cannot_tell(reason)),
        };
        let mut findings = Vec::new();
        if let Some(finding) = self
            .latency(subject, read, &compared, figures, everyone, asking)
            .await?
        {
            findings.push(finding);
        }
        if let Some(finding) = self
            .errors(subject, read, &compared, figures, everyone, asking)
            .await?
        {
            findings.push(finding);
        }
        if findings.is_empty()
            && let Some(finding) = self.place(read, &compared, asking).await?
        {
            findings.push(finding);
        }
        let verdict = match findings.is_empty() {
            true => EntityVerdict::Typical,
            false => EntityVerdict::Different,
        };
        let statement = match findings.is_empty() {
            true => typical(subject, figures, everyone),
            false => findings
                .iter()
                .map(|finding| finding.statement.as_str())
                .collect::<Vec<_>>()
                .join("; "),
        };
        Ok(Judged {
            verdict,
            statement,
            findings,
        })
    }

    async fn latency(
        &self,
        subject: &Subject,
        read: &Read,
        compared: &Compared,
        figures: &Figures,
        everyone: Option<&Spread>,
        asking: &Asking,
    ) -> Result<Option<Finding>, Error> {
        let excess = compared.latency;
        let stands_out = everyone.is_none_or(|everyone| {
            let Spread {
                shown, p50, p99, ..
            } = everyone;
            let beyond = |figure: Option<f64>, rank: f64, quarters: Quarters| {
                let is_first = shown.entities < RANK_ENTITIES_MIN || rank >= RANK_MIN;
                is_first && figure.is_some_and(|figure| is_beyond_ratio(figure, quarters))
            };
            beyond(figures.p50_ns, shown.faster_p50, *p50)
                || beyond(figures.p99_ns, shown.faster_p99, *p99)
        });
        let is_large = excess.nanos() >= LATENCY_EXCESS_MIN * excess.expected;
        if excess.p_value > P_VALUE_MAX || !stands_out || !is_large {
            return Ok(None);
        }
        let explains =
            |place: &&PlaceExcess| place.excess.nanos() >= EXPLAINED_MIN * excess.nanos();
        let source = match compared.places.first().filter(explains) {
            Some(place) => Some(self.source(read, place.place, place.hop, asking).await?),
            None => None,
        };
        let mut statement = beside_everyone(subject, figures, everyone);
        statement += &match &source {
            Some(source) => format!(
                "; it comes from {}, {} hop",
                said(source.kind, &source.name),
                words::ordinal(source.hop)
            ),
            None => "; no one place explains it".to_owned(),
        };
        Ok(Some(Finding {
            measure: Measure::Latency,
            statement,
            p_value: excess.p_value,
            source,
        }))
    }

    async fn errors(
        &self,
        subject: &Subject,
        read: &Read,
        compared: &Compared,
        figures: &Figures,
        everyone: Option<&Spread>,
        asking: &Asking,
    ) -> Result<Option<Finding>, Error> {
        let share = figures.errors / figures.requests.max(f64::MIN_POSITIVE);
        let stands_out = everyone.is_none_or(
            |Spread {
                 shown, error_share, ..
             }| {
                let is_first = shown.entities < RANK_ENTITIES_MIN || shown.fewer_errors >= RANK_MIN;
                is_first
                    && share > error_share.upper + FENCE * (error_share.upper - error_share.lower)
            },
        );
        let is_many = compared.errors >= ERRORS_MIN
            && compared.errors >= ERRORS_RATIO_MIN * compared.errors_expected;
        if compared.errors_p_value > P_VALUE_MAX || !stands_out || !is_many {
            return Ok(None);
        }
        let source = match most_failed(read) {
            Some((place, hop)) => Some(self.source(read, place, hop, asking).await?),
            None => None,
        };
        let mut statement = format!("{} of its requests fail", words::share(share));
        if let Some(everyone) = everyone {
            let usual = everyone.shown.error_share.unwrap_or_default();
            statement += &format!(
                ", more than of {} of {} (half have {} at most)",
                words::share(everyone.shown.fewer_errors),
                subject.plural(),
                words::share(usual)
            );
        }
        if let Some(source) = &source {
            let place = said(source.kind, &source.name);
            statement += &format!("; most fail in {place}, {} hop", words::ordinal(source.hop));
        }
        Ok(Some(Finding {
            measure: Measure::Errors,
            statement,
            p_value: compared.errors_p_value,
            source,
        }))
    }

    /// One place that is slow, though requests as a whole do not stand out.
    async fn place(
        &self,
        read: &Read,
        compared: &Compared,
        asking: &Asking,
    ) -> Result<Option<Finding>, Error> {
        #[expect(clippy::cast_precision_loss, reason = "a count of places")]
        let tests = compared.places.len() as f64;
        let is_odd = |place: &&PlaceExcess| {
            let excess = place.excess;
            excess.p_value * tests <= P_VALUE_MAX
                && excess.mean
                    >= PLACE_RATIO_MIN * compared.rest_ratio(place).max(1.0) * excess.expected
                && excess.nanos() >= PLACE_EXCESS_MIN * compared.latency.expected
        };
        let Some(odd) = compared.places.iter().find(is_odd) else {
            return Ok(None);
        };
        let source = self.source(read, odd.place, odd.hop, asking).await?;
        let times =
            |nanos: Option<f64>| nanos.map_or_else(|| "nothing".to_owned(), words::duration);
        Ok(Some(Finding {
            measure: Measure::Hop,
            statement: format!(
                "its requests take no longer than is usual, but {}, {} hop, takes {} where that of others takes {}",
                said(source.kind, &source.name),
                words::ordinal(source.hop),
                times(source.p50_ns),
                times(source.others_p50_ns)
            ),
            p_value: (odd.excess.p_value * tests).min(1.0),
            source: Some(source),
        }))
    }

    /// A place with its figures, in its traces and in the others.
    async fn source(
        &self,
        read: &Read,
        place: Place,
        hop: u32,
        asking: &Asking,
    ) -> Result<Source, Error> {
        const FIGURES: &str = "CAST(count(*) AS DOUBLE) AS calls, \
            CAST(count(CASE WHEN status_code = 'error' THEN 1 END) AS DOUBLE) AS errors, \
            percentile(duration_ns, 0.5) AS p50_ns";
        let here = self.at(read, place);
        let ids: Vec<String> = read.its.iter().map(id_of).collect();
        let ids = sql::list(ids.iter().map(String::as_str));
        let its = format!("SELECT {FIGURES} FROM spans WHERE {here} AND trace_id IN ({ids})");
        let others = format!(
            "SELECT {FIGURES} FROM spans WHERE {here} AND {}",
            read.others.condition
        );
        let (of_it, of_others) = (
            self.rows(&its, asking).await?,
            self.rows(&others, asking).await?,
        );
        let its_number = |name: &str| of_it.first().and_then(|row| row.number(name));
        let others_number = |name: &str| of_others.first().and_then(|row| row.number(name));
        Ok(Source {
            kind: place.kind,
            name: name_of(place, &read.texts),
            service: place
                .service
                .map(|service| read.texts.text(service).to_owned()),
            operation: read.texts.text(place.name).to_owned(),
            hop,
            calls: its_number("calls").unwrap_or_default(),
            errors: its_number("errors").unwrap_or_default(),
            p50_ns: its_number("p50_ns"),
            evidence: Evidence(its),
            others_calls: others_number("calls").unwrap_or_default(),
            others_errors: others_number("errors").unwrap_or_default(),
            others_p50_ns: others_number("p50_ns"),
            others_evidence: Evidence(others),
        })
    }

    /// That a span is at a place, in SQL.
    fn at(&self, read: &Read, place: Place) -> String {
        let text = |text: Text| read.texts.text(text);
        let mut conditions = vec![
            sql::is("service.name", place.service.map(text)),
            sql::is("name", Some(text(place.name))),
        ];
        if let Some(peer) = place.peer.map(text) {
            let snapshot = self.engine.snapshot();
            let known = PEERS.into_iter().filter(|name| {
                self.engine
                    .has_field(&snapshot, "spans", name)
                    .unwrap_or(false)
            });
            let any: Vec<String> = known.map(|name| sql::is(name, Some(peer))).collect();
            conditions.push(format!("({})", any.join(" OR ")));
        }
        conditions.join(" AND ")
    }
}

/// Its requests beside others', or why they can't be compared.
fn comparable(
    subject: &Subject,
    read: &Read,
    figures: &Figures,
    entities: f64,
) -> Result<Compared, String> {
    let spans = read.its.iter().flat_map(|tree| &tree.nodes);
    let mut values = spans.filter_map(|node| node.span.value);
    let own = values.find(|value| read.texts.text(*value) == subject.value);
    let Some(own) = own else {
        return Err(format!(
            "nothing is known of `{}` = `{}` in this range",
            subject.field, subject.value
        ));
    };
    match Compared::new(read, own) {
        None => Err(format!(
            "there are too few requests of others that begin with the same operations: {}",
            told(figures)
        )),
        Some(compared) if !compared.is_alike && entities < UNLIKE_ENTITIES_MIN => Err(format!(
            "there are too few {} to compare with: {}",
            subject.plural(),
            told(figures)
        )),
        Some(compared) => Ok(compared),
    }
}

fn cannot_tell(statement: String) -> Judged {
    Judged {
        verdict: EntityVerdict::CannotTell,
        statement,
        findings: Vec::new(),
    }
}

/// Whether a figure is beyond what entities spread, on the scale of ratios.
fn is_beyond_ratio(figure: f64, Quarters { lower, upper }: Quarters) -> bool {
    if lower <= 0.0 || upper <= 0.0 {
        return figure > upper;
    }
    figure > upper * (upper / lower).powf(FENCE)
}

/// The place where most of its errors come from.
fn most_failed(read: &Read) -> Option<(Place, u32)> {
    let mut counts: std::collections::BTreeMap<Place, (usize, u32)> =
        std::collections::BTreeMap::new();
    for node in read.its.iter().flat_map(|tree| tree.sources_of_errors()) {
        let count = counts.entry(node.place).or_insert((0, node.hop));
        count.0 += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, (count, _))| *count);
    most.map(|(place, (_, hop))| (place, hop))
}

fn told(figures: &Figures) -> String {
    let p99 = figures
        .p99_ns
        .map_or_else(|| "no duration".to_owned(), words::duration);
    let (requests, errors) = (
        words::number(figures.requests),
        words::number(figures.errors),
    );
    format!("p99 {p99}, {errors} of {requests} requests failed")
}

fn beside_everyone(subject: &Subject, figures: &Figures, everyone: Option<&Spread>) -> String {
    let p99 = figures
        .p99_ns
        .map_or_else(|| "no duration".to_owned(), words::duration);
    match everyone {
        Some(everyone) => format!(
            "p99 {p99}, slower than {} of {}",
            words::share(everyone.shown.faster_p99),
            subject.plural()
        ),
        None => format!("p99 {p99}, slower than other requests of the same operations"),
    }
}

fn typical(subject: &Subject, figures: &Figures, everyone: Option<&Spread>) -> String {
    let Some(everyone) = everyone else {
        return format!("typical: {}", told(figures));
    };
    let (requests, errors) = (
        words::number(figures.requests),
        words::number(figures.errors),
    );
    let beside = beside_everyone(subject, figures, Some(everyone));
    let why = match everyone.shown.faster_p99 >= RANK_MIN {
        true => ", which its operations or chance explain",
        false => "",
    };
    format!("typical: {beside}{why}; {errors} of {requests} requests failed")
}
