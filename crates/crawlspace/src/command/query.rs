//! `query`: filter, group, calculate; drawn over time where the question has a granularity.

use serde_json::json;

use crate::client::Client;
use crate::config::{self, QueryArguments};
use crate::failure::Failure;
use crate::print::{self, Page, chart, heatmap, table};

use super::show;

pub async fn query(arguments: QueryArguments, page: &Page) -> Result<(), Failure> {
    let heatmap = arguments
        .calculate
        .iter()
        .find(|calculation| calculation.starts_with("heatmap("))
        .cloned();
    let step = arguments.granularity.as_deref().map(config::nanoseconds);
    let groups = arguments.group_by.len();
    let range = &arguments.range;
    let mut question = json!({
        "from": arguments.from,
        "range": range.json(),
        "where": arguments.condition,
        "group_by": arguments.group_by,
        "calculate": arguments.calculate,
        "having": arguments.having,
        "order_by": arguments.order_by,
        "limit": arguments.limit,
        "granularity": arguments.granularity,
    });
    // Members that were not asked for stay out: a server that does not know them yet answers the rest.
    if let Some(fill) = &arguments.fill {
        question["fill"] = json!(fill);
    }
    if arguments.other {
        question["other"] = json!(true);
    }
    // A position may be in either condition: the place is sure only where there is one.
    let condition = arguments.condition.as_deref();
    let text = condition.filter(|_| arguments.having.is_none());
    let client = Client::new(&arguments.server)?;
    if arguments.csv {
        let answer = client.ask("/api/v1/query?format=csv", Some(&question), text);
        print::write(&answer.await?)?;
        return Ok(());
    }
    let waiting = print::progress::of_waiting("asking");
    let answer = client.ask("/api/v1/query", Some(&question), text).await;
    waiting.finish_and_clear();
    show(&arguments.server, page, &answer?, |answer, page| {
        let answer = serde_json::from_slice(answer)?;
        let drawn = match (&heatmap, step) {
            _ if arguments.table => None,
            (Some(calculation), _) => heatmap::heatmap(&answer, calculation, page),
            (None, Some(Ok(step))) => chart::time_chart(&answer, groups, step, page),
            _ => None,
        };
        Ok(match drawn {
            Some(drawn) => format!("{drawn}{}", page.dimmed(&table::footer(&answer))),
            None => table::answer(&answer, page),
        })
    })
}
