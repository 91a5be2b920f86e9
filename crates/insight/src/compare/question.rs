//! What is compared with what: the request understood, as scans with a mark for each side.

use std::collections::BTreeSet;

use crawlspace_model::{Table, UnixNanos};
use crawlspace_query::{Asking, CodedPiece, Engine, Footer, Range, Scan, Stored, parse_duration};
use utoipa::ToSchema;

use super::reading::Rows;
use crate::Error;

/// No event has fields of such names.
pub(super) const SELECTION_MARK: &str = "$selection";
pub(super) const BASELINE_MARK: &str = "$baseline";
const FINDINGS_DEFAULT: usize = 20;
const FINDINGS_MAX: usize = 100;

/// What to compare.
#[derive(Debug, Clone, Default, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "from": "spans", "range": {"last": "1h"}, "selection": {"where": "status_code = 'error'"}
}))]
pub struct CompareRequest {
    /// `spans` or `logs`; `spans` without.
    #[serde(default)]
    pub from: Option<String>,
    /// Of both sides, as far as they have none of their own.
    #[serde(default)]
    pub range: Option<Range>,
    pub selection: Side,
    /// Absent: the rest of the range. What is in the selection is never in the baseline.
    #[serde(default)]
    pub baseline: Option<Side>,
    /// Findings to give: 20 without, 100 at most.
    #[serde(default)]
    pub limit: Option<usize>,
    /// How long each reading of the events may take, like `10s`; at most ten minutes. Absent: 30 seconds.
    #[serde(default)]
    pub timeout: Option<String>,
}

/// One of the two groups of events.
#[derive(Debug, Clone, Default, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ComparedSide)]
pub struct Side {
    /// An SQL condition with dotted names. Absent: all events of the range.
    #[serde(default, rename = "where")]
    pub condition: Option<String>,
    #[serde(default)]
    pub range: Option<Range>,
}

/// A request understood.
pub(super) struct Question<'a> {
    engine: &'a Engine,
    pub snapshot: crawlspace_query::Snapshot,
    pub table: Table,
    pub asking: Asking,
    scans: Vec<Sides>,
    /// Fields that the conditions name: what they have is known.
    pub named: BTreeSet<String>,
    /// What the other side is called.
    pub other: &'static str,
    pub limit: usize,
}

/// Events of a range, with the conditions of selection and baseline.
struct Sides {
    range: Option<Range>,
    marks: [String; 2],
}

impl<'a> Question<'a> {
    pub fn new(
        engine: &'a Engine,
        request: &CompareRequest,
        now: UnixNanos,
    ) -> Result<Self, Error> {
        let from = request.from.as_deref().unwrap_or("spans");
        let table = match Table::parse(from) {
            Some(table @ (Table::Spans | Table::Logs)) => table,
            _ => {
                return Err(Error::Request(format!(
                    "`{from}` can't be compared: give `spans` or `logs`"
                )));
            }
        };
        let limit = request.limit.unwrap_or(FINDINGS_DEFAULT);
        if limit > FINDINGS_MAX {
            return Err(Error::Request(format!(
                "`limit` is at most {FINDINGS_MAX} findings"
            )));
        }
        let selection = &request.selection;
        let is_empty =
            |text: &Option<String>| text.as_deref().unwrap_or_default().trim().is_empty();
        if is_empty(&selection.condition) && selection.range.is_none() {
            return Err(Error::Request(
                "the selection is everything: give it a `where` or a `range`".to_owned(),
            ));
        }
        let time_limit = request.timeout.as_deref().map(parse_duration).transpose()?;
        let mut question = Self {
            engine,
            snapshot: engine.snapshot(),
            table,
            asking: Asking {
                now,
                time_limit,
                ..Asking::default()
            },
            scans: Vec::new(),
            named: BTreeSet::new(),
            other: if request.baseline.is_some() {
                "baseline"
            } else {
                "rest"
            },
            limit,
        };
        question.scans = question.sides(request)?;
        Ok(question)
    }

    fn sides(&mut self, request: &CompareRequest) -> Result<Vec<Sides>, Error> {
        let everything = Side::default();
        let (selection, baseline) = (
            &request.selection,
            request.baseline.as_ref().unwrap_or(&everything),
        );
        let selected = self.condition(selection.condition.as_deref())?;
        let others = self.condition(baseline.condition.as_deref())?;
        if selection.range.is_none() && baseline.range.is_none() {
            let rest = format!("{others} AND NOT coalesce({selected}, FALSE)");
            return Ok(vec![Sides {
                range: request.range.clone(),
                marks: [selected, rest],
            }]);
        }
        let range_of = |side: &Side| side.range.clone().or_else(|| request.range.clone());
        let (range, other_range) = (range_of(selection), range_of(baseline));
        let times = range.clone().unwrap_or_default();
        let times = times.condition(self.asking.now)?;
        let times = times.unwrap_or_else(|| "TRUE".to_owned());
        let rest = format!("{others} AND NOT coalesce({selected} AND {times}, FALSE)");
        let nobody = || "FALSE".to_owned();
        Ok(vec![
            Sides {
                range,
                marks: [selected, nobody()],
            },
            Sides {
                range: other_range,
                marks: [nobody(), rest],
            },
        ])
    }

    fn condition(&mut self, text: Option<&str>) -> Result<String, Error> {
        let text = text.unwrap_or_default();
        if text.trim().is_empty() {
            return Ok("TRUE".to_owned());
        }
        let from = self.table.name();
        let condition = self.engine.condition(&self.snapshot, from, text)?;
        self.named.extend(condition.named);
        Ok(condition.sql)
    }

    /// Reads the events of both sides, and those of neither that stand between.
    pub async fn read(
        &self,
        fields: &[&str],
        stored: Stored,
        mut each: impl FnMut(&Rows<'_>) -> Result<(), Error>,
    ) -> Result<Vec<Footer>, Error> {
        let mut footers = Vec::new();
        for sides in &self.scans {
            let marks = sides.named();
            let scan = self.scan(sides, &marks, fields, stored.clone());
            let (engine, snapshot) = (self.engine, &self.snapshot);
            let mut pieces = engine.scan_coded(snapshot, &scan, &self.asking).await?;
            loop {
                match pieces.next().await? {
                    CodedPiece::Group(group) => each(&Rows::Group(&group))?,
                    CodedPiece::Rows(rows) => each(&Rows::Batch(&rows))?,
                    CodedPiece::End(footer) => {
                        footers.push(*footer);
                        break;
                    }
                }
            }
        }
        Ok(footers)
    }

    /// The events of both sides as a SELECT, with these fields and the marks.
    pub fn sql(&self, fields: &[&str]) -> Result<String, Error> {
        let each = self.scans.iter().map(|sides| {
            let marks = sides.named();
            let scan = self.scan(sides, &marks, fields, Stored::None);
            Ok(scan.sql(&self.snapshot, &self.asking)?)
        });
        let each = each.collect::<Result<Vec<_>, Error>>()?;
        if let [one] = &each[..] {
            return Ok(one.clone());
        }
        // DataFusion does not unite marks of which it takes some for never null.
        let fields = fields.iter().map(|name| quoted(&format!("field:{name}")));
        let marks = [SELECTION_MARK, BASELINE_MARK].map(|name| {
            let mark = quoted(&format!("mark:{name}"));
            format!("nullif({mark}, FALSE) AS {mark}")
        });
        let columns: Vec<String> = fields.chain(marks).collect();
        let columns = columns.join(", ");
        let each = each.iter();
        let each = each.map(|scan| format!("SELECT {columns} FROM ({scan})"));
        Ok(each.collect::<Vec<_>>().join(" UNION ALL "))
    }

    fn scan<'s>(
        &self,
        sides: &Sides,
        marks: &'s [(&'s str, &'s str)],
        fields: &'s [&'s str],
        stored: Stored,
    ) -> Scan<'s> {
        Scan {
            from: self.table.name(),
            range: sides.range.clone(),
            stored,
            fields,
            marks,
            ..Scan::default()
        }
    }
}

impl Sides {
    fn named(&self) -> [(&str, &str); 2] {
        let [selection, baseline] = &self.marks;
        [(SELECTION_MARK, selection), (BASELINE_MARK, baseline)]
    }
}

/// A name as an SQL identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
