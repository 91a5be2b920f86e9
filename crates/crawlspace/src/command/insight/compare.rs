//! `compare`: what is different about some events.

use serde_json::{Value, json};

use crate::client::Client;
use crate::config::CompareArguments;
use crate::failure::Failure;
use crate::print::{self, Page, comparison};

use crate::command::show;

pub async fn compare(arguments: CompareArguments, page: &Page) -> Result<(), Failure> {
    let question = question(&arguments)?;
    // A position may be in either condition: the place is sure only where there is one.
    let condition = arguments.selection.as_deref();
    let text = condition.filter(|_| arguments.baseline.is_none());
    let client = Client::new(&arguments.server)?;
    let waiting = print::progress::of_waiting("comparing");
    let answer = client.ask("/api/v1/compare", Some(&question), text).await;
    waiting.finish_and_clear();
    show(&arguments.server, page, &answer?, comparison::comparison)
}

fn question(arguments: &CompareArguments) -> Result<Value, Failure> {
    let mut question = json!({
        "from": arguments.from,
        "range": arguments.range.json(),
        "selection": {"where": arguments.selection},
        "limit": arguments.limit,
    });
    if let Some(baseline) = &arguments.baseline {
        question["baseline"] = json!({"where": baseline});
    }
    let bounds = arguments.range.bounds()?;
    if arguments.before {
        let (start, end) = match bounds {
            (Some(start), Some(end)) if start < end => (start, end),
            (Some(start), None) => (start, now()),
            _ => {
                return Err(Failure::Usage(
                    "--before needs a range: give --last, or --start and --end".to_owned(),
                ));
            }
        };
        let condition = arguments.baseline.as_ref().or(arguments.selection.as_ref());
        let first = start.saturating_sub(end.saturating_sub(start));
        let range = |start: i64, end: Option<i64>| json!({"start": start.to_string(), "end": end.map(|end| end.to_string())});
        question["selection"]["range"] = range(start, bounds.1);
        question["baseline"] = json!({"where": condition, "range": range(first, Some(start))});
    } else if arguments.selection.is_none() {
        // Everything but the baseline.
        question["selection"]["where"] = json!(
            arguments
                .baseline
                .as_ref()
                .map(|baseline| { format!("NOT coalesce({baseline}, FALSE)") })
        );
    }
    Ok(question)
}

fn now() -> i64 {
    use crawlspace_model::Clock as _;
    crawlspace_model::SystemClock.now().0
}
