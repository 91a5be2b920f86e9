//! The query API: a question in JSON, and the SQL it becomes. The one place that knows how events are weighed.

use std::time::Duration;

use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use crawlspace_lake::catalogue::time_text;
use crawlspace_lake::{Snapshot, TableSnapshot};
use crawlspace_model::UnixNanos;
use datafusion::sql::sqlparser::dialect::DuckDbDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::calculation::Calculation;
use crate::engine::syntax_error;
use crate::error::Error;
use crate::table::table_named;
use crate::{attribute, guard, identifiers};

const GROUPS_DEFAULT: usize = 1_000;
const EVENTS_DEFAULT: usize = 100;

/// A question: filter, group, calculate. Without `group_by` and `calculate` it asks for the newest events themselves.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// `spans`, `logs`, `metrics` or `changes`.
    pub from: String,
    #[serde(default)]
    pub range: Option<Range>,
    /// An SQL condition with dotted names.
    #[serde(default, rename = "where")]
    pub condition: Option<String>,
    #[serde(default)]
    pub group_by: Vec<String>,
    /// `count`, `sum(x)`, `avg(x)`, `min(x)`, `max(x)`, `count_distinct(x)`, `p99(x)`.
    #[serde(default)]
    pub calculate: Vec<String>,
    /// An SQL condition over groups and calculations.
    #[serde(default)]
    pub having: Option<String>,
    /// Groups or calculations; with a minus in front, the largest first.
    #[serde(default)]
    pub order_by: Vec<String>,
    #[serde(default)]
    pub limit: Option<usize>,
    /// Also groups by time, in steps like `1m`.
    #[serde(default)]
    pub granularity: Option<String>,
    /// How long the answer may take, like `10s`; at most ten minutes. Absent: 30 seconds.
    #[serde(default)]
    pub timeout: Option<String>,
}

/// The times asked for; the end is not included. Times are RFC 3339 or a number since 1970 in seconds, milli-, micro- or
/// nanoseconds, told apart by their size.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// So long until now, like `1h`.
    #[serde(default)]
    pub last: Option<String>,
    #[serde(default)]
    pub start: Option<String>,
    #[serde(default)]
    pub end: Option<String>,
}

/// A question as SQL.
#[derive(Debug)]
pub(crate) struct Question {
    pub sql: String,
    /// Rows to give.
    pub limit: usize,
    /// Whether the SQL itself stops before all rows are found.
    pub is_open_ended: bool,
}

impl QueryRequest {
    pub(crate) fn to_sql(&self, snapshot: &Snapshot, now: UnixNanos) -> Result<Question, Error> {
        let table = snapshot.table(table_named(&self.from)?);
        let filter = self.filter(table, now)?;
        if self.group_by.is_empty() && self.calculate.is_empty() && self.granularity.is_none() {
            return self.events(table, &filter);
        }
        let mut columns = Vec::new();
        if let Some(step) = &self.granularity {
            let nanos = parse_duration(step)?.as_nanos();
            columns.push(format!("date_bin(INTERVAL '{nanos} nanoseconds', \"time\", TIMESTAMP '1970-01-01') AS \"time\""));
        }
        for field in &self.group_by {
            columns.push(known_field(table, field)?);
        }
        let groups: Vec<String> = (1..=columns.len())
            .map(|position| position.to_string())
            .collect();
        let calculations = if self.calculate.is_empty() {
            vec!["count".to_owned()]
        } else {
            self.calculate.clone()
        };
        for text in &calculations {
            let calculation = Calculation::parse(text)?;
            columns.push(format!(
                "{} AS {}",
                calculation.to_sql(table)?,
                quoted(text)
            ));
        }
        let mut sql = format!(
            "SELECT {} FROM {}{filter}",
            columns.join(", "),
            table.table.name()
        );
        if !groups.is_empty() {
            sql = format!("{sql} GROUP BY {}", groups.join(", "));
        }
        if let Some(having) = &self.having {
            sql = format!(
                "SELECT * FROM ({sql}) WHERE {}",
                with_columns(having, &calculations)?
            );
        }
        let given = self.given(&calculations)?;
        let order = self
            .order(&given)?
            .unwrap_or_else(|| default_order(self, &calculations));
        let sql = format!("{sql} ORDER BY {order}");
        Ok(Question {
            sql,
            limit: self.limit.unwrap_or(GROUPS_DEFAULT),
            is_open_ended: false,
        })
    }

    /// The names of the answer's columns.
    fn given<'a>(&'a self, calculations: &'a [String]) -> Result<Vec<&'a str>, Error> {
        let names = calculations
            .iter()
            .chain(&self.group_by)
            .map(String::as_str);
        let mut given: Vec<&str> = names
            .chain(self.granularity.as_ref().map(|_| "time"))
            .collect();
        given.sort_unstable();
        match given.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Error::Request(format!("`{}` is asked for twice", pair[0]))),
            None => Ok(given),
        }
    }

    fn events(&self, table: &TableSnapshot, filter: &str) -> Result<Question, Error> {
        let names = attribute::names(table);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let order = self
            .order(&names)?
            .unwrap_or_else(|| "\"time\" DESC".to_owned());
        let limit = self.limit.unwrap_or(EVENTS_DEFAULT);
        // One more than is given, to know whether there are more.
        let sql = format!(
            "SELECT * FROM {}{filter} ORDER BY {order} LIMIT {}",
            table.table.name(),
            limit.saturating_add(1)
        );
        if self.having.is_some() {
            return Err(Error::Request(
                "`having` is about calculations: give `calculate`, or use `where`".to_owned(),
            ));
        }
        Ok(Question {
            sql,
            limit,
            is_open_ended: true,
        })
    }

    fn filter(&self, table: &TableSnapshot, now: UnixNanos) -> Result<String, Error> {
        let mut conditions = Vec::new();
        let (start, end) = self
            .range
            .as_ref()
            .map_or(Ok((None, None)), |range| range.bounds(now))?;
        conditions
            .extend(start.map(|start| format!("\"time\" >= TIMESTAMP '{}'", time_text(start))));
        conditions.extend(end.map(|end| format!("\"time\" < TIMESTAMP '{}'", time_text(end))));
        if let Some(condition) = self
            .condition
            .as_ref()
            .filter(|condition| !condition.trim().is_empty())
        {
            conditions.push(format!("({})", checked_condition(table, condition)?));
        }
        Ok(if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        })
    }

    fn order(&self, given: &[&str]) -> Result<Option<String>, Error> {
        let items = self.order_by.iter().map(|item| {
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
}

/// By time where the question has steps of it, else the largest first; ties by group, so that answers repeat.
fn default_order(request: &QueryRequest, calculations: &[String]) -> String {
    let time = request
        .granularity
        .as_ref()
        .map(|_| "\"time\" ASC".to_owned());
    let largest = calculations
        .first()
        .map(|first| format!("{} DESC NULLS LAST", quoted(first)));
    let groups = request.group_by.iter().map(|field| quoted(field));
    time.into_iter()
        .chain(largest)
        .chain(groups)
        .collect::<Vec<_>>()
        .join(", ")
}

impl Range {
    fn bounds(&self, now: UnixNanos) -> Result<(Option<UnixNanos>, Option<UnixNanos>), Error> {
        if let Some(last) = &self.last {
            if self.start.is_some() || self.end.is_some() {
                return Err(Error::Request(
                    "`range` takes either `last` or `start` and `end`".to_owned(),
                ));
            }
            let nanos = i64::try_from(parse_duration(last)?.as_nanos()).unwrap_or(i64::MAX);
            return Ok((Some(UnixNanos(now.0.saturating_sub(nanos))), None));
        }
        let time = |text: &Option<String>| text.as_deref().map(parse_time).transpose();
        Ok((time(&self.start)?, time(&self.end)?))
    }
}

/// A point in time as people write or paste it.
fn parse_time(text: &str) -> Result<UnixNanos, Error> {
    if let Ok(number) = text.parse::<i64>() {
        // 10 digits are seconds until the year 2286; each finer unit has three more.
        let scale = match number.unsigned_abs() {
            0..=99_999_999_999 => 1_000_000_000,
            100_000_000_000..=99_999_999_999_999 => 1_000_000,
            100_000_000_000_000..=99_999_999_999_999_999 => 1_000,
            _ => 1,
        };
        return Ok(UnixNanos(number.saturating_mul(scale)));
    }
    string_to_timestamp_nanos(text).map(UnixNanos).map_err(|_| {
        Error::Request(format!(
            "`{text}` is no time: write it like 2026-11-22T10:00:00Z, or as a number since 1970"
        ))
    })
}

/// A length of time like `90s`, `15m`, `1h`, `7d` or `2w`.
///
/// # Errors
/// The text is something else.
pub fn parse_duration(text: &str) -> Result<Duration, Error> {
    let wrong = || {
        Error::Request(format!(
            "`{text}` is no length of time: write it like 30s, 15m, 1h, 7d or 2w"
        ))
    };
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let nanos: u64 = match &text[digits..] {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "w" => 604_800_000_000_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(nanos)
        .filter(|nanos| *nanos > 0)
        .map(Duration::from_nanos)
        .ok_or_else(wrong)
}

/// A name as an SQL identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A field of the table as an SQL identifier.
pub(crate) fn known_field(table: &TableSnapshot, name: &str) -> Result<String, Error> {
    if attribute::is_known(table, name) {
        return Ok(quoted(name));
    }
    let names = attribute::names(table);
    Err(Error::unknown_field(name, names.iter().map(String::as_str)))
}

/// The condition as one expression: nothing that is more than that gets through.
fn checked_condition(table: &TableSnapshot, condition: &str) -> Result<String, Error> {
    guard::check_text(condition)?;
    let tokens = identifiers::tokenize(condition)?;
    guard::check_tokens(&tokens)?;
    let resolved = identifiers::resolve(tokens, Some(table.table), table)?;
    one_expression(resolved.tokens)
}

fn one_expression(tokens: Vec<TokenWithSpan>) -> Result<String, Error> {
    let mut parser = Parser::new(&DuckDbDialect {}).with_tokens_with_locations(tokens);
    let expression = parser.parse_expr().map_err(|error| syntax_error(&error))?;
    let next = parser.next_token();
    if next.token == Token::EOF {
        return Ok(expression.to_string());
    }
    let (line, column) = (next.span.start.line, next.span.start.column);
    Err(Error::Syntax {
        message: format!(
            "unexpected `{}` after the condition at line {line}, column {column}",
            next.token
        ),
        line,
        column,
    })
}

/// A condition in which calculations, as they were written, stand for their columns.
fn with_columns(having: &str, calculations: &[String]) -> Result<String, Error> {
    let significant = |text: &str| {
        let mut tokens = identifiers::tokenize(text)?;
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
        Ok::<_, Error>(tokens)
    };
    let mut patterns = Vec::new();
    for text in calculations {
        let tokens: Vec<Token> = significant(text)?
            .into_iter()
            .map(|token| token.token)
            .collect();
        patterns.push((tokens, text));
    }
    patterns.sort_by_key(|(tokens, _)| std::cmp::Reverse(tokens.len()));
    let tokens = significant(having)?;
    let mut words: Vec<String> = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let rest = &tokens[index..];
        let found = patterns.iter().find(|(pattern, _)| {
            rest.len() >= pattern.len()
                && pattern
                    .iter()
                    .zip(rest)
                    .all(|(wanted, token)| *wanted == token.token)
        });
        match found {
            Some((pattern, text)) => {
                words.push(quoted(text));
                index += pattern.len();
            }
            None => {
                words.push(rest[0].token.to_string());
                index += 1;
            }
        }
    }
    one_expression(identifiers::tokenize(&words.join(" "))?)
}
