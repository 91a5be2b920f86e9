//! All rows of a range for whoever reads them one by one: columns as they are stored, with their dictionaries, fields as
//! queries read them, and marks that say which rows fulfil a condition.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use crawlspace_lake::{Snapshot, TableSnapshot};

use crate::attribute;
use crate::engine::running::{Piece, Running};
use crate::engine::turns::Turn;
use crate::engine::{Asking, Engine, Over, Query, Stored};
use crate::error::Error;
use crate::request::asked::Asked;
use crate::request::condition::{condition_of, conjuncts, quoted};
use crate::request::relation::Scope;
use crate::request::{QueryRequest, Range};
use crate::table::{STORED, table_named};

const FIELD: &str = "field:";
const MARK: &str = "mark:";

/// What is to be read.
#[derive(Debug, Clone, Default)]
pub struct Scan<'a> {
    pub from: &'a str,
    pub range: Option<Range>,
    /// As `where` of the query API.
    pub condition: Option<&'a str>,
    pub stored: Stored,
    /// Fields as queries read them. What no event has is left out.
    pub fields: &'a [&'a str],
    /// Names and conditions: a column of booleans each.
    pub marks: &'a [(&'a str, &'a str)],
    /// Columns of `stored` that rows are sorted by.
    pub order_by: &'a [&'a str],
}

/// A condition as it was understood.
#[derive(Debug, Clone)]
pub struct Condition {
    /// One expression, which may stand among others.
    pub sql: String,
    /// The fields it names.
    pub named: BTreeSet<String>,
}

/// Rows that are being read. Dropped, it ends the query.
#[derive(Debug)]
pub struct Scanning(Running);

impl Engine {
    /// What a scan, or several, may read: nothing of it changes.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.lake.snapshot()
    }

    /// Whether some event may have the field.
    ///
    /// # Errors
    /// There is no such table.
    pub fn has_field(&self, snapshot: &Snapshot, from: &str, field: &str) -> Result<bool, Error> {
        Ok(attribute::is_known(
            snapshot.table(table_named(from)?),
            field,
        ))
    }

    /// A condition over the events' own fields, as SQL of one expression; `None` where it is blank.
    ///
    /// # Errors
    /// It is more than that, or names what no event has.
    pub fn own_condition(
        &self,
        snapshot: &Snapshot,
        from: &str,
        text: &str,
    ) -> Result<Option<String>, Error> {
        condition_of(snapshot.table(table_named(from)?), Some(text))
    }

    /// Understands a condition on the events of a table.
    ///
    /// # Errors
    /// There is no such table, or the condition is not one expression over its fields.
    pub fn condition(
        &self,
        snapshot: &Snapshot,
        from: &str,
        text: &str,
    ) -> Result<Condition, Error> {
        let table = snapshot.table(table_named(from)?);
        let scope = Scope { table };
        let conjuncts = conjuncts(table, &scope, text)?;
        let named: BTreeSet<String> = conjuncts
            .iter()
            .flat_map(|conjunct| conjunct.named.iter().cloned())
            .collect();
        for name in &named {
            if scope.relation(name).is_none() {
                scope.field(name)?;
            }
        }
        let all = conjuncts.iter().map(|conjunct| conjunct.sql.as_str());
        Ok(Condition {
            sql: format!("({})", all.collect::<Vec<_>>().join(" AND ")),
            named,
        })
    }

    /// Reads all rows of a range, however many.
    ///
    /// # Errors
    /// A condition is wrong, data can't be read, or too many queries run.
    pub async fn scan(
        &self,
        snapshot: &Snapshot,
        scan: &Scan<'_>,
        asking: &Asking,
    ) -> Result<Scanning, Error> {
        let asking = Asking {
            stored: scan.stored.clone(),
            ..asking.clone()
        };
        self.check(&asking)?;
        let turn = Some(self.turns.take().await?);
        let over = Over {
            snapshot: snapshot.clone(),
            fresh: None,
        };
        let running = self.rows_of_scan(over, scan, &asking, turn).await?;
        Ok(Scanning(running))
    }

    pub(super) async fn rows_of_scan(
        &self,
        over: Over,
        scan: &Scan<'_>,
        asking: &Asking,
        turn: Option<Turn>,
    ) -> Result<Running, Error> {
        let sql = scan.sql(&over.snapshot, asking)?;
        let query = Query {
            sql: &sql,
            keep: usize::MAX,
            hidden: 0,
        };
        self.start(over, query, asking, turn).await
    }
}

impl Scan<'_> {
    fn request(&self) -> QueryRequest {
        QueryRequest {
            from: self.from.to_owned(),
            range: self.range.clone(),
            condition: self.condition.map(str::to_owned),
            ..QueryRequest::default()
        }
    }

    /// What is asked, and its marks as SQL.
    fn asked<'r>(
        &self,
        request: &'r QueryRequest,
        table: &'r TableSnapshot,
        asking: &Asking,
    ) -> Result<(Asked<'r>, Vec<String>), Error> {
        let mut asked = Asked::new(request, table, asking.now)?;
        let marks = self.marks.iter().map(|(_, mark)| asked.mark(mark));
        let marks = marks.collect::<Result<_, _>>()?;
        Ok((asked, marks))
    }

    /// Whether each row tells by itself what is asked of it.
    ///
    /// # Errors
    /// A condition is wrong.
    pub(super) fn is_of_own_rows(
        &self,
        table: &TableSnapshot,
        asking: &Asking,
    ) -> Result<bool, Error> {
        let request = self.request();
        let (asked, _) = self.asked(&request, table, asking)?;
        let is_plain = self.condition.is_none() && self.order_by.is_empty();
        Ok(is_plain && asked.from() == table.table.name())
    }

    /// The SELECT that it is. Fields are columns named `field:…` there, marks `mark:…`.
    ///
    /// # Errors
    /// A condition is wrong.
    pub fn sql(&self, snapshot: &Snapshot, asking: &Asking) -> Result<String, Error> {
        let table = snapshot.table(table_named(self.from)?);
        let request = self.request();
        let (asked, marks) = self.asked(&request, table, asking)?;
        let mut columns: Vec<String> = match &self.stored {
            Stored::None => Vec::new(),
            Stored::All => vec!["*".to_owned()],
            Stored::Named(names) => names
                .iter()
                .map(|name| quoted(&format!("{STORED}{name}")))
                .collect(),
        };
        let known = self
            .fields
            .iter()
            .filter(|name| attribute::is_known(table, name));
        columns.extend(
            known.map(|name| format!("{} AS {}", quoted(name), quoted(&format!("{FIELD}{name}")))),
        );
        for ((name, _), condition) in self.marks.iter().zip(marks) {
            let name = quoted(&format!("{MARK}{name}"));
            columns.push(format!("coalesce({condition}, FALSE) AS {name}"));
        }
        let order = self
            .order_by
            .iter()
            .map(|name| quoted(&format!("{STORED}{name}")));
        let order = order.collect::<Vec<_>>().join(", ");
        let order = if order.is_empty() {
            order
        } else {
            format!(" ORDER BY {order}")
        };
        Ok(format!(
            "SELECT {} FROM {}{}{order}",
            columns.join(", "),
            asked.from(),
            asked.filter()
        ))
    }
}

impl Scanning {
    /// What comes next: stored columns, then fields, then marks, each under its own name. After the end, and after an
    /// error, nothing more should be asked for.
    ///
    /// # Errors
    /// The query failed, took too long, or the reader did.
    pub async fn next(&mut self) -> Result<Piece, Error> {
        Ok(match self.0.next().await? {
            Piece::Rows(rows) => Piece::Rows(named(&rows)?),
            end @ Piece::End(_) => end,
        })
    }
}

/// The wanted columns under their own names.
pub(crate) fn named(rows: &RecordBatch) -> Result<RecordBatch, Error> {
    let schema = rows.schema();
    let named = schema.fields().iter().zip(rows.columns());
    let (fields, columns): (Vec<_>, Vec<_>) = named
        .filter_map(|(field, column)| {
            let prefixes = [STORED, FIELD, MARK].into_iter();
            let name = prefixes
                .filter_map(|prefix| field.name().strip_prefix(prefix))
                .next()?;
            Some((field.as_ref().clone().with_name(name), Arc::clone(column)))
        })
        .unzip();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
    Ok(rows.map_err(crawlspace_lake::Error::from)?)
}
