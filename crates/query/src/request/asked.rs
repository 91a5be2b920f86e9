//! A request made into SQL: from where rows come (joins for relations, increases for metrics), which of them count, and
//! how they are grouped by fields and by steps of time.

use crawlspace_lake::TableSnapshot;
use crawlspace_lake::catalogue::time_text;
use crawlspace_model::{Table, UnixNanos};

use super::calculation::{Calculation, Function, Needs, count, counter};
use super::condition::{Conjunct, conjuncts, quoted, with_columns};
use super::gaps::Gaps;
use super::range::{Bounds, REACH_NANOS, time_conditions};
use super::relation::{Relation, Scope, exists, filter_of};
use super::steps::Steps;
use super::{
    EVENTS_DEFAULT, GROUPS_DEFAULT, QueryRequest, Question, SERIES_DEFAULT, STEPS_DEFAULT,
};
use crate::attribute;
use crate::error::Error;

/// What a metric's points of one series have in common: conditions on these leave whole series.
const OF_SERIES: [&str; 7] = [
    "name",
    "service.name",
    "scope.name",
    "scope.version",
    "unit",
    "kind",
    "temporality",
];

/// A request over one table, understood.
pub(crate) struct Asked<'a> {
    request: &'a QueryRequest,
    pub scope: Scope<'a>,
    bounds: Bounds,
    /// What the range ends with where it does not say: now.
    until: UnixNanos,
    conjuncts: Vec<Conjunct>,
    /// As they were written, and what they mean.
    calculations: Vec<(&'a str, Calculation)>,
    needs: Needs,
    steps: Option<Steps>,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(
        request: &'a QueryRequest,
        table: &'a TableSnapshot,
        now: UnixNanos,
    ) -> Result<Self, Error> {
        let scope = Scope { table };
        let bounds = request
            .range
            .as_ref()
            .map_or(Ok((None, None)), |range| range.bounds(now))?;
        let condition = request.condition.as_deref().unwrap_or_default();
        let conjuncts = if condition.trim().is_empty() {
            Vec::new()
        } else {
            conjuncts(table, &scope, condition)?
        };
        let mut asked = Self {
            request,
            scope,
            bounds,
            until: bounds.1.unwrap_or(now),
            conjuncts,
            calculations: Vec::new(),
            needs: Needs::default(),
            steps: request.steps()?,
        };
        asked.needs.own.insert("time".to_owned());
        if table.is_weighted() {
            asked.needs.own.insert("sample_weight".to_owned());
        }
        for field in &request.group_by {
            asked.needs.field(scope, field)?;
        }
        let texts = request.calculate.iter().map(String::as_str);
        let texts: Vec<&str> = if request.calculate.is_empty() {
            vec!["count"]
        } else {
            texts.collect()
        };
        for text in texts {
            let calculation = Calculation::parse(text)?.settle(scope, &mut asked.needs)?;
            asked.calculations.push((text, calculation));
        }
        for conjunct in &asked.conjuncts {
            for name in &conjunct.named {
                // Those of `any` are looked at where they are asked for.
                if !matches!(scope.relation(name), Some((Relation::Any, _))) {
                    asked.needs.field(scope, name)?;
                }
            }
        }
        asked.check_names()?;
        Ok(asked)
    }

    /// A condition beside the question's own, as SQL of whether a row fulfils it.
    pub(crate) fn mark(&mut self, condition: &str) -> Result<String, Error> {
        let conjuncts = conjuncts(self.scope.table, &self.scope, condition)?;
        for name in conjuncts.iter().flat_map(|conjunct| &conjunct.named) {
            if matches!(self.scope.relation(name), Some((Relation::Any, _))) {
                return Err(Error::Request(format!(
                    "`{name}` speaks of all spans of a trace: it can choose rows by `where`, but not tell them apart"
                )));
            }
            self.needs.field(self.scope, name)?;
        }
        let all = conjuncts.iter().map(|conjunct| conjunct.sql.as_str());
        Ok(all.collect::<Vec<_>>().join(" AND "))
    }

    /// The field of the heatmap that is asked for.
    pub(crate) fn heatmap(&self) -> Result<Option<&str>, Error> {
        let of = |(_, calculation): &(&str, Calculation)| match calculation {
            Calculation::Heatmap(field) => Some(field.clone()),
            _ => None,
        };
        if !self
            .calculations
            .iter()
            .any(|calculation| of(calculation).is_some())
        {
            return Ok(None);
        }
        match &self.calculations[..] {
            [(_, Calculation::Heatmap(field))]
                if self.request.group_by.is_empty()
                    && self.request.having.is_none()
                    && self.request.order_by.is_empty()
                    && self.request.fill.is_none() =>
            {
                Ok(Some(field))
            }
            _ => Err(Error::Request(
                "a heatmap stands alone: without other calculations, `group_by`, `having`, `order_by` and `fill`".to_owned(),
            )),
        }
    }

    pub(crate) fn steps(&self) -> Option<&Steps> {
        self.steps.as_ref()
    }

    /// The length of the range, in nanoseconds.
    pub(crate) fn length(&self) -> Option<i64> {
        let start = self.bounds.0?;
        Some(self.until.0.saturating_sub(start.0))
    }

    /// The SQL of how many events rows stand for.
    pub(crate) fn count(&self) -> &'static str {
        count(self.scope)
    }

    /// The newest events, or in the order asked for.
    pub(crate) fn events(&self) -> Result<Question, Error> {
        let names = attribute::names(self.scope.table);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let order = self
            .order(&names)?
            .unwrap_or_else(|| "\"time\" DESC".to_owned());
        let limit = self.request.limit.unwrap_or(EVENTS_DEFAULT);
        let needed = self.needed();
        let columns = if needed.is_empty() {
            "*".to_owned()
        } else {
            let needed = needed.iter().map(|name| quoted(name));
            format!(
                "spans.* EXCLUDE ({})",
                needed.collect::<Vec<_>>().join(", ")
            )
        };
        // One more than is given, to know whether there are more.
        let sql = format!(
            "SELECT {columns} FROM {}{} ORDER BY {order} LIMIT {}",
            self.from(),
            self.filter(),
            limit.saturating_add(1)
        );
        let request = self.request;
        if request.having.is_some() || request.fill.is_some() || request.other {
            return Err(Error::Request(
                "`having`, `fill` and `other` are about calculations: give `calculate`, or use `where`".to_owned(),
            ));
        }
        Ok(Question {
            is_open_ended: true,
            ..Question::new(sql, Some(limit))
        })
    }

    /// One row for each group, and each step of time if there are any.
    pub(crate) fn groups(&self) -> Result<Question, Error> {
        let time = self.steps.as_ref().map(|steps| steps.of_time());
        let seconds = self.seconds();
        let mut sql = self.grouped(time.as_deref(), &seconds, "")?;
        if let Some(having) = &self.request.having {
            sql = format!(
                "SELECT * FROM ({sql}) WHERE {}",
                with_columns(having, &self.written())?
            );
        }
        let order = self
            .order(&self.given())?
            .unwrap_or_else(|| self.default_order(time.is_some()));
        let default = if time.is_some() {
            STEPS_DEFAULT
        } else {
            GROUPS_DEFAULT
        };
        Ok(Question {
            hidden: self.errors().len(),
            gaps: self.gaps(0)?,
            ..Question::new(
                format!("{sql} ORDER BY {order}"),
                Some(self.request.limit.unwrap_or(default)),
            )
        })
    }

    /// Of the largest groups over the whole range, one row for each step of time.
    pub(crate) fn series(&self, steps: &Steps) -> Result<Question, Error> {
        let mut top = self.grouped(
            None,
            &self.range_seconds().unwrap_or_else(|| "1.0".into()),
            "",
        )?;
        if let Some(having) = &self.request.having {
            let having = with_columns(having, &self.written())?;
            top = format!("SELECT * FROM ({top}) WHERE {having}");
        }
        let (times, ranks): (Vec<&String>, Vec<&String>) = self
            .request
            .order_by
            .iter()
            .partition(|item| item.trim_start_matches('-') == "time");
        let given: Vec<&str> = self.written().into_iter().chain(self.fields()).collect();
        let order = order(ranks.into_iter(), &given)?.unwrap_or_else(|| self.default_order(false));
        let limit = self.request.limit.unwrap_or(SERIES_DEFAULT);
        let keys: Vec<String> = (1..=self.request.group_by.len())
            .map(|number| quoted(&format!("$key {number}")))
            .collect();
        let columns = self.fields().zip(&keys);
        let columns = columns.map(|(field, key)| format!("{} AS {key}", quoted(field)));
        let top = format!(
            "SELECT {}, row_number() OVER (ORDER BY {order}) AS \"$rank\", count(*) OVER () AS \"$groups\" \
             FROM ({top}) ORDER BY \"$rank\" LIMIT {limit}",
            columns.collect::<Vec<_>>().join(", ")
        );
        let same = self.fields().zip(&keys);
        let same =
            same.map(|(field, key)| format!("({} IS NOT DISTINCT FROM {key})", quoted(field)));
        let same = same.collect::<Vec<_>>().join(" AND ");
        let kind = if self.request.other {
            "LEFT JOIN"
        } else {
            "JOIN"
        };
        let join = format!(" {kind} ({top}) ON {same}");
        let sql = self.grouped(Some(&steps.of_time()), &self.seconds(), &join)?;
        let direction = if times.iter().any(|item| item.starts_with('-')) {
            "DESC"
        } else {
            "ASC"
        };
        Ok(Question {
            hidden: self.errors().len() + 2,
            gaps: self.gaps(usize::from(self.request.other))?,
            ..Question::new(
                format!("{sql} ORDER BY \"time\" {direction}, \"$rank\" NULLS LAST"),
                None,
            )
        })
    }

    /// The grouped rows, without an order. With a join of the largest groups, each group has its rank.
    fn grouped(&self, time: Option<&str>, seconds: &str, top: &str) -> Result<String, Error> {
        let is_series = !top.is_empty();
        let mut columns: Vec<String> = Vec::new();
        columns.extend(time.map(|time| format!("{time} AS \"time\"")));
        for field in &self.request.group_by {
            let field = quoted(field);
            columns.push(if is_series && self.request.other {
                format!("CASE WHEN \"$rank\" IS NOT NULL THEN {field} END AS {field}")
            } else {
                field
            });
        }
        if is_series && self.request.other {
            columns.push("\"$rank\" IS NULL AS \"other\"".to_owned());
        }
        let mut groups: Vec<String> = (1..=columns.len())
            .map(|number| number.to_string())
            .collect();
        for (text, calculation) in &self.calculations {
            let sql = calculation.to_sql(self.scope, seconds)?;
            columns.push(format!("{sql} AS {}", quoted(text)));
        }
        columns.extend(self.errors());
        if is_series {
            columns.extend([
                "\"$rank\"".to_owned(),
                "max(\"$groups\") AS \"$groups\"".to_owned(),
            ]);
            groups.push("\"$rank\"".to_owned());
        }
        let groups = if groups.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", groups.join(", "))
        };
        Ok(format!(
            "SELECT {} FROM {}{top}{}{groups}",
            columns.join(", "),
            self.from(),
            self.filter()
        ))
    }

    /// Where the rows come from.
    pub(crate) fn from(&self) -> String {
        let table = self.scope.table.table.name();
        if self.needs.has_series() {
            return self.increases();
        }
        format!("{table}{}", self.needs.related.joins(&self.window()))
    }

    /// The points of metrics with what each adds to its series.
    fn increases(&self) -> String {
        let since = self
            .bounds
            .0
            .map_or(0, |start| start.0.saturating_sub(REACH_NANOS));
        let since = format!("TIMESTAMP '{}'", time_text(UnixNanos(since)));
        // A sum that also goes down is no counter. Histograms say nothing of that.
        let temporality = "CASE WHEN monotonic IS NOT FALSE THEN temporality END";
        let over = "OVER (PARTITION BY \"name\", \"$series\" ORDER BY \"time\")";
        let mut columns: Vec<String> = self.needs.own.iter().map(|name| quoted(name)).collect();
        columns.extend(self.needs.counters.iter().map(|field| {
            let (name, field) = (quoted(&counter(field)), quoted(field));
            format!(
                "increase({field}, \"time\", start_time, {temporality}, {since}) {over} AS {name}"
            )
        }));
        if self.needs.histograms {
            columns.push(format!(
                "histogram_increase(\"time\", start_time, temporality, bounds, bucket_counts, scale, zero_count, \
                 zero_threshold, positive_offset, positive_counts, negative_offset, negative_counts, {since}) {over} \
                 AS \"$histogram\""
            ));
        }
        let of_series = self
            .conjuncts
            .iter()
            .filter(|conjunct| self.is_of_series(conjunct));
        let conditions = self.window().into_iter();
        let conditions = conditions.chain(of_series.map(|conjunct| conjunct.sql.clone()));
        format!(
            "(SELECT {} FROM metrics{})",
            columns.join(", "),
            filter_of(conditions)
        )
    }

    fn is_of_series(&self, conjunct: &Conjunct) -> bool {
        let fixed = Table::Metrics.fixed_columns();
        conjunct.named.iter().all(|name| {
            OF_SERIES.contains(&name.as_str()) || !fixed.iter().any(|column| column.name == name)
        })
    }

    /// Which rows count.
    pub(crate) fn filter(&self) -> String {
        let names_any = |conjunct: &&Conjunct| {
            let mut named = conjunct.named.iter();
            named.any(|name| matches!(self.scope.relation(name), Some((Relation::Any, _))))
        };
        let (any, own): (Vec<&Conjunct>, Vec<&Conjunct>) =
            self.conjuncts.iter().partition(names_any);
        let own = own.into_iter().map(|conjunct| conjunct.sql.clone());
        let any = (!any.is_empty()).then(|| exists(&any, self.scope, &self.window()));
        filter_of(
            time_conditions(self.bounds)
                .into_iter()
                .chain(own)
                .chain(any),
        )
    }

    /// The times in which related rows are looked for.
    fn window(&self) -> Vec<String> {
        let (start, end) = self.bounds;
        time_conditions((
            start.map(|start| UnixNanos(start.0.saturating_sub(REACH_NANOS))),
            end.map(|end| UnixNanos(end.0.saturating_add(REACH_NANOS))),
        ))
    }

    /// Columns for joins that an event does not show.
    fn needed(&self) -> Vec<&'static str> {
        let has_any = self.filter().contains("\"any.$trace\"");
        let mut needed = self.needs.related.needed();
        if has_any && needed.is_empty() {
            needed.push("$trace_id");
        }
        needed
    }

    /// The seconds of a row: of its step, as far as that is in the range, or of the whole range.
    fn seconds(&self) -> String {
        match &self.steps {
            Some(steps) => steps.seconds(self.bounds.0.map(|start| (start, self.until))),
            None => self.range_seconds().unwrap_or_else(|| "1.0".to_owned()),
        }
    }

    fn range_seconds(&self) -> Option<String> {
        #[expect(clippy::cast_precision_loss, reason = "seconds as a double")]
        let seconds = self.length()?.max(1) as f64 / 1e9;
        Some(format!("{seconds:?}"))
    }

    /// Hidden columns with the errors of percentiles.
    fn errors(&self) -> Vec<String> {
        let of = |(_, calculation): &(&str, Calculation)| match calculation {
            Calculation::OfHistograms(fraction) => Some(format!(
                "histogram_error(\"$histogram\", {fraction}) AS \"$error {fraction}\""
            )),
            _ => None,
        };
        self.calculations.iter().filter_map(of).collect()
    }

    /// How empty steps are filled, if they are to be.
    fn gaps(&self, markers: usize) -> Result<Option<Gaps>, Error> {
        let Some(fill) = self.request.fill else {
            return Ok(None);
        };
        let Some(steps) = self.steps.clone() else {
            return Err(Error::Request(
                "`fill` is about steps of time: give `granularity`".to_owned(),
            ));
        };
        let is_descending = self.request.order_by.iter().any(|item| item == "-time");
        Ok(Some(Gaps {
            fill,
            steps,
            start: self.bounds.0,
            end: self.bounds.1.or(self.bounds.0.map(|_| self.until)),
            keys: self.request.group_by.len() + markers,
            is_descending,
        }))
    }

    fn written(&self) -> Vec<&str> {
        self.calculations.iter().map(|(text, _)| *text).collect()
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        self.request.group_by.iter().map(String::as_str)
    }

    /// The names of the answer's columns.
    fn given(&self) -> Vec<&str> {
        let time = self.steps.as_ref().map(|_| "time");
        self.written()
            .into_iter()
            .chain(self.fields())
            .chain(time)
            .collect()
    }

    fn check_names(&self) -> Result<(), Error> {
        let mut given = self.given();
        given.sort_unstable();
        if let Some(pair) = given.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::Request(format!("`{}` is asked for twice", pair[0])));
        }
        let is_rate = |(_, calculation): &&(&str, Calculation)| {
            matches!(
                calculation,
                Calculation::Rate | Calculation::Over(Function::Rate, _)
            )
        };
        match self.calculations.iter().find(is_rate) {
            Some((text, _)) if self.bounds.0.is_none() && self.steps.is_none() => {
                Err(Error::Request(format!(
                    "`{text}` is per second of a time that has a start: give a `range` or a `granularity`"
                )))
            }
            _ => Ok(()),
        }
    }

    fn order(&self, given: &[&str]) -> Result<Option<String>, Error> {
        order(self.request.order_by.iter(), given)
    }

    /// By time where there are steps of it, else the largest first; ties by group, so that answers repeat.
    fn default_order(&self, has_time: bool) -> String {
        let time = has_time.then(|| "\"time\" ASC".to_owned());
        let largest = self.calculations.first();
        let largest = largest.map(|(text, _)| format!("{} DESC NULLS LAST", quoted(text)));
        let groups = self.fields().map(quoted);
        let all = time.into_iter().chain(largest).chain(groups);
        all.collect::<Vec<_>>().join(", ")
    }
}

fn order<'a>(
    items: impl Iterator<Item = &'a String>,
    given: &[&str],
) -> Result<Option<String>, Error> {
    let items = items.map(|item| {
        let (name, direction) = item
            .strip_prefix('-')
            .map_or((item.as_str(), "ASC"), |name| (name, "DESC"));
        if given.contains(&name) {
            Ok(format!("{} {direction} NULLS LAST", quoted(name)))
        } else {
            Err(Error::unknown_field(name, given.iter().copied()))
        }
    });
    let items = items.collect::<Result<Vec<_>, Error>>()?;
    Ok((!items.is_empty()).then(|| items.join(", ")))
}
