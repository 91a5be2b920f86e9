//! The commands that ask a running server: `sql`, `query`, `trace`, `ledger`.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{
    LedgerArguments, QueryArguments, ServerArguments, SqlArguments, TraceArguments,
};
use crate::{ledger, print, waterfall};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Why a command did not do its work; each has its exit code.
#[derive(Debug)]
pub enum Failure {
    /// The server does not take the question.
    Refused(String),
    /// No server answers.
    Unreachable(String),
    /// A data directory has problems, which are told already.
    Unhealthy,
    /// A data directory can't be examined.
    Unexamined(anyhow::Error),
    Other(anyhow::Error),
}

impl Failure {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Other(_) | Self::Unhealthy => 1,
            Self::Unexamined(_) => 2,
            Self::Refused(_) => 3,
            Self::Unreachable(_) => 4,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Unreachable(text) => f.write_str(text),
            Self::Unhealthy => f.write_str("something is to be done"),
            Self::Other(error) | Self::Unexamined(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

pub async fn sql(arguments: SqlArguments) -> Result<(), Failure> {
    let mut sql = arguments.sql;
    if sql == "-" {
        sql.clear();
        io::stdin()
            .read_to_string(&mut sql)
            .map_err(anyhow::Error::from)?;
    }
    let answer = ask(
        &arguments.server,
        "/api/v1/sql",
        Some(&json!({ "sql": sql })),
        Some(&sql),
    )
    .await?;
    show(&arguments.server, &answer, print::answer)
}

pub async fn query(arguments: QueryArguments) -> Result<(), Failure> {
    let QueryArguments {
        server,
        from,
        last,
        start,
        end,
        condition,
        ..
    } = arguments;
    let has_range = last.is_some() || start.is_some() || end.is_some();
    let request = json!({
        "from": from,
        "range": has_range.then(|| json!({"last": last, "start": start, "end": end})),
        "where": condition,
        "group_by": arguments.group_by,
        "calculate": arguments.calculate,
        "having": arguments.having,
        "order_by": arguments.order_by,
        "limit": arguments.limit,
        "granularity": arguments.granularity,
    });
    // A position may be in either condition: the place is sure only where there is one.
    let text = condition.as_deref().filter(|_| arguments.having.is_none());
    let answer = ask(&server, "/api/v1/query", Some(&request), text).await?;
    show(&server, &answer, print::answer)
}

pub async fn trace(arguments: TraceArguments) -> Result<(), Failure> {
    let path = format!("/api/v1/traces/{}", arguments.id.trim());
    let answer = ask(&arguments.server, &path, None, None).await?;
    show(&arguments.server, &answer, waterfall::trace)
}

pub async fn ledger(arguments: LedgerArguments) -> Result<(), Failure> {
    let path = match arguments.by_day {
        true => "/api/v1/ledger?by=day",
        false => "/api/v1/ledger",
    };
    let answer = ask(&arguments.server, path, None, None).await?;
    show(&arguments.server, &answer, ledger::ledger)
}

/// Posts `request`, or gets when there is none. `text` is what a position in a refusal refers to.
async fn ask(
    server: &ServerArguments,
    path: &str,
    request: Option<&Value>,
    text: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let method = request.map_or(Method::GET, |_| Method::POST);
    send(server, method, path, request, text).await
}

/// Sends a request and reads the whole answer.
pub async fn send(
    server: &ServerArguments,
    method: Method,
    path: &str,
    body: Option<&Value>,
    text: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let response = begin(server, method, path, body, text).await?;
    let body = response
        .bytes()
        .await
        .map_err(|error| unreachable(&server.server, &error))?;
    Ok(body.to_vec())
}

/// The answer before its body is read, if the server has done what was asked.
pub async fn begin(
    server: &ServerArguments,
    method: Method,
    path: &str,
    body: Option<&Value>,
    text: Option<&str>,
) -> Result<reqwest::Response, Failure> {
    // Without proxies: the server is usually this machine.
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .no_proxy()
        .build();
    let client = client.map_err(anyhow::Error::from)?;
    let url = format!("{}{path}", server.server.trim_end_matches('/'));
    let mut request = client.request(method, &url);
    if let Some(body) = body {
        request = request.json(body);
    }
    if let Some(key) = &server.key {
        // Marked as sensitive, and so shown nowhere.
        request = request.bearer_auth(key.expose().trim());
    }
    let response = request
        .send()
        .await
        .map_err(|error| unreachable(&server.server, &error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response
        .bytes()
        .await
        .map_err(|error| unreachable(&server.server, &error))?;
    if status.is_client_error() {
        Err(Failure::Refused(refusal(&body, text)))
    } else {
        Err(anyhow::anyhow!(
            "{} answered {status}: {}",
            server.server,
            refusal(&body, text)
        )
        .into())
    }
}

pub fn unreachable(server: &str, error: &reqwest::Error) -> Failure {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| {
        error.source()
    });
    let cause = causes.last().map(ToString::to_string).unwrap_or_default();
    Failure::Unreachable(format!(
        "no answer from {server} ({cause}): start one with `crawlspace serve`, or name another with --server"
    ))
}

/// The members of an RFC 9457 body that are shown.
#[derive(Deserialize)]
struct Problem {
    detail: String,
    line: Option<usize>,
    column: Option<usize>,
}

/// The server's sentence, with a mark below the place in `text` that it is about.
fn refusal(body: &[u8], text: Option<&str>) -> String {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let (Some(line), Some(column)) = (problem.line, problem.column) else {
        return problem.detail;
    };
    let Some(source) = text.and_then(|text| text.lines().nth(line.saturating_sub(1))) else {
        return problem.detail;
    };
    let indent = " ".repeat(column.saturating_sub(1).min(source.chars().count()));
    format!("{}\n  {source}\n  {indent}^", problem.detail)
}

pub fn show(
    server: &ServerArguments,
    answer: &[u8],
    write: fn(&[u8]) -> anyhow::Result<String>,
) -> Result<(), Failure> {
    let mut text = if server.json {
        answer.to_vec()
    } else {
        write(answer)?.into_bytes()
    };
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(&text).and_then(|()| stdout.flush()) {
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_refusal_marks_its_place_in_the_text() {
        let problem =
            br#"{"title":"Bad Request","detail":"unexpected `FORM`","line":2,"column":3}"#;
        assert_eq!(
            refusal(problem, Some("SELECT *\n  FORM spans")),
            "unexpected `FORM`\n    FORM spans\n    ^"
        );
        assert_eq!(refusal(problem, Some("one line")), "unexpected `FORM`");
        assert_eq!(
            refusal(br#"{"detail":"no such trace"}"#, None),
            "no such trace"
        );
        assert_eq!(refusal(b"bad gateway", None), "bad gateway");
    }
}
