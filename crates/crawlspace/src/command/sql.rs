//! `sql`: a SELECT, and its answer as a table.

pub mod worker;

use std::io::Read as _;

use serde_json::json;

use crate::client::Client;
use crate::config::SqlArguments;
use crate::failure::Failure;
use crate::print::{self, Page, table};

use super::show;

pub async fn sql(arguments: SqlArguments, page: &Page) -> Result<(), Failure> {
    let mut sql = arguments.sql;
    if sql == "-" {
        sql.clear();
        std::io::stdin().read_to_string(&mut sql)?;
    }
    let client = Client::new(&arguments.server)?;
    let question = json!({ "sql": sql });
    if arguments.csv {
        let answer = client.ask("/api/v1/sql?format=csv", Some(&question), Some(&sql));
        print::write(&answer.await?)?;
        return Ok(());
    }
    let waiting = print::progress::of_waiting("asking");
    let answer = client.ask("/api/v1/sql", Some(&question), Some(&sql)).await;
    waiting.finish_and_clear();
    show(&arguments.server, page, &answer?, |answer, page| {
        Ok(table::answer(&serde_json::from_slice(answer)?, page))
    })
}
