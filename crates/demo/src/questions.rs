//! Five questions that a person asks in an incident: the command that asks each, and its answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::Instant;

use crate::say;

/// Enough for every part of the story to have happened.
const SPANS_WANTED: u64 = 1_000;
const SPANS_WAIT_TIME_MAX: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Where the command line looks for Crawlspace when not told.
const SERVER_DEFAULT: &str = "http://127.0.0.1:4320";

/// Whom to ask, and by which program.
pub struct Asker {
    pub crawlspace: PathBuf,
    /// The API's address, as in `http://127.0.0.1:4320`.
    pub server: String,
    client: reqwest::Client,
}

struct Question {
    words: &'static str,
    arguments: Vec<String>,
    /// A word that stands in every right answer.
    expected: &'static str,
}

#[derive(Deserialize)]
struct SqlAnswer {
    rows: Vec<Vec<Value>>,
}

impl Asker {
    pub fn new(crawlspace: PathBuf, server: String) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER_TIME_MAX)
            .build()?;
        Ok(Self {
            crawlspace,
            server,
            client,
        })
    }

    /// The number of spans stored, from this and earlier runs.
    pub async fn count_spans(&self) -> anyhow::Result<u64> {
        let count = self.first_value("SELECT count(*) FROM spans").await?;
        let count = count.context("a count has no row")?;
        // Integers beyond 2^53 come as text.
        let number = count.as_u64().or_else(|| count.as_str()?.parse().ok());
        number.with_context(|| format!("the count of spans is `{count}`"))
    }

    /// Waits, for a limited time, until there are enough more spans than `count_before`; answers
    /// how many.
    pub async fn wait_for_spans(&self, count_before: u64) -> anyhow::Result<u64> {
        let deadline = Instant::now() + SPANS_WAIT_TIME_MAX;
        loop {
            let count = self.count_spans().await?.saturating_sub(count_before);
            if count > SPANS_WANTED || Instant::now() > deadline {
                ensure!(
                    count > 0,
                    "no span of the shop arrived in {SPANS_WAIT_TIME_MAX:?}"
                );
                return Ok(count);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Asks all questions, shows the commands and the answers, and answers how many went wrong.
    pub async fn ask_all(&self) -> anyhow::Result<usize> {
        let mut failed = 0;
        for (index, question) in questions(&self.slow_trace_id().await?)
            .into_iter()
            .enumerate()
        {
            say(format_args!("\n{}. {}\n", index + 1, question.words));
            if let Err(error) = self.ask(&question).await {
                say(format_args!("This question failed: {error:#}"));
                failed += 1;
            }
        }
        Ok(failed)
    }

    async fn ask(&self, question: &Question) -> anyhow::Result<()> {
        let mut arguments = question.arguments.clone();
        if self.server != SERVER_DEFAULT {
            arguments.extend(["--server".to_owned(), self.server.clone()]);
        }
        say(format_args!(
            "  $ {}\n",
            shell_line(&self.crawlspace, &arguments)
        ));
        let mut command = Command::new(&self.crawlspace);
        command.args(&arguments).kill_on_drop(true);
        let output = tokio::time::timeout(ANSWER_TIME_MAX, command.output())
            .await
            .with_context(|| format!("no answer within {ANSWER_TIME_MAX:?}"))?
            .context("run the command")?;
        let answer = String::from_utf8_lossy(&output.stdout);
        say(answer.trim_end());
        if !output.status.success() {
            bail!(
                "{} ({})",
                String::from_utf8_lossy(&output.stderr).trim(),
                output.status
            );
        }
        ensure!(
            answer.contains(question.expected),
            "`{}` is not in it",
            question.expected
        );
        Ok(())
    }

    async fn slow_trace_id(&self) -> anyhow::Result<String> {
        let sql = "SELECT trace_id FROM spans WHERE service.name = 'storefront' \
                   AND name = 'POST /checkout' AND status_code <> 'error' \
                   ORDER BY duration_ns DESC LIMIT 1";
        let id = self
            .first_value(sql)
            .await?
            .context("no checkout has ended yet")?;
        Ok(id
            .as_str()
            .with_context(|| format!("the trace id `{id}` is not text"))?
            .to_owned())
    }

    async fn first_value(&self, sql: &str) -> anyhow::Result<Option<Value>> {
        let url = format!("{}/api/v1/sql", self.server);
        let response = self
            .client
            .post(&url)
            .json(&json!({ "sql": sql }))
            .send()
            .await?;
        let status = response.status();
        let body = response.text().await?;
        ensure!(status.is_success(), "`{sql}` got {status}: {body}");
        let answer: SqlAnswer =
            serde_json::from_str(&body).with_context(|| format!("the answer to `{sql}`"))?;
        Ok(answer
            .rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next()))
    }
}

const SLOWEST_TENANT: &str = "SELECT tenant.id, count(*) AS checkouts, \
    percentile(duration_ns, 0.5) / 1000000 AS p50_ms, \
    percentile(duration_ns, 0.99) / 1000000 AS p99_ms \
    FROM spans WHERE service.name = 'checkout' AND kind = 'server' \
    GROUP BY tenant.id ORDER BY p99_ms DESC";

const VENDOR_OUTCOMES: &str = "SELECT server.address, app.vendor.outcome, \
    app.vendor.fallback, count(*) AS calls \
    FROM spans WHERE app.vendor.outcome IS NOT NULL \
    GROUP BY server.address, app.vendor.outcome, app.vendor.fallback \
    ORDER BY server.address, calls DESC";

const FAILURES: &str = "SELECT service.name, service.version, \
    exception.type, exception.message, count(*) AS times \
    FROM logs WHERE exception.message IS NOT NULL \
    GROUP BY service.name, service.version, exception.type, exception.message \
    ORDER BY times DESC LIMIT 20";

fn questions(slow_trace_id: &str) -> Vec<Question> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let slowest_service = [
        "query",
        "--from",
        "spans",
        "--last",
        "1h",
        "--where",
        "kind = 'server'",
        "--group-by",
        "service.name",
        "--calculate",
        "count",
        "--calculate",
        "p99(duration_ns)",
        "--order-by",
        "-p99(duration_ns)",
        "--limit",
        "10",
    ];
    vec![
        Question {
            words: "Which service is slowest now? (Each includes the services it waits for.)",
            arguments: owned(&slowest_service),
            expected: "storefront",
        },
        Question {
            words: "Which tenant waits longest at checkout?",
            arguments: owned(&["sql", SLOWEST_TENANT]),
            expected: "acme",
        },
        Question {
            words: "Which vendor fails, and what did we use instead?",
            arguments: owned(&["sql", VENDOR_OUTCOMES]),
            expected: "flags.example",
        },
        Question {
            words: "What failed, in which release, and why?",
            arguments: owned(&["sql", FAILURES]),
            expected: "LockTimeout",
        },
        Question {
            words: "Where did one slow checkout spend its time, hop by hop?",
            arguments: owned(&["trace", slow_trace_id]),
            expected: "checkout",
        },
    ]
}

/// The command as a person can paste it into a POSIX shell.
fn shell_line(program: &Path, arguments: &[String]) -> String {
    let program = shell_word(&program.to_string_lossy());
    let words = arguments.iter().map(|argument| shell_word(argument));
    std::iter::once(program)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    let is_special_in_double_quotes = |c: char| "\"$`\\!".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if word.contains('\'') && !word.contains(is_special_in_double_quotes) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
