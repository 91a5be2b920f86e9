//! Questions of the query API: looked at on one snapshot, first for what bins have to cover, then for the answer, whose
//! gaps are filled.

use arrow::array::RecordBatch;
use crawlspace_lake::Snapshot;

use super::running::Running;
use super::{Asking, Engine, Query};
use crate::error::Error;
use crate::request::asked::Asked;
use crate::request::heatmap::Extent;
use crate::request::{QueryRequest, parse_duration};
use crate::table::table_named;

impl Engine {
    /// Answers a question of the query API, row by row.
    ///
    /// # Errors
    /// The question is wrong, asks for too much, data can't be read, or too many queries run.
    pub async fn stream_query(
        &self,
        request: &QueryRequest,
        asking: &Asking,
    ) -> Result<Running, Error> {
        let mut asking = asking.clone();
        if let Some(timeout) = &request.timeout {
            asking.time_limit = Some(parse_duration(timeout)?);
        }
        let first = self.query_on(&self.lake.snapshot(), request, &asking).await;
        match &first {
            // Whoever found that out has looked for damaged parts already.
            Err(error) if error.is_unreadable() => {
                self.query_on(&self.lake.snapshot(), request, &asking).await
            }
            _ => first,
        }
    }

    /// Answers it on one snapshot.
    pub(crate) async fn query_on(
        &self,
        snapshot: &Snapshot,
        request: &QueryRequest,
        asking: &Asking,
    ) -> Result<Running, Error> {
        let table = snapshot.table(table_named(&request.from)?);
        let asked = Asked::new(request, table, asking.now)?;
        let question = match asked.heatmap()? {
            Some(field) => {
                let extent = Extent::sql(&asked, field)?;
                let extent = self.rows_on(snapshot, &extent, 1, asking).await?;
                request.heatmap(&asked, field, Extent::of(&extent))?
            }
            None => request.question(&asked)?,
        };
        let query = Query {
            sql: &question.sql,
            keep: question.limit.map_or(self.config.rows_max, |limit| {
                limit.min(self.config.rows_limit_max)
            }),
            hidden: question.hidden,
        };
        let running = self.run_on(snapshot.clone(), query, asking).await?;
        let running = running.asked_as(question.sql.clone(), question.is_open_ended);
        match &question.gaps {
            Some(gaps) => running.filled(gaps).await,
            None => Ok(running),
        }
    }

    /// The rows that SQL of ours gives over one snapshot.
    pub(crate) async fn rows_on(
        &self,
        snapshot: &Snapshot,
        sql: &str,
        keep: usize,
        asking: &Asking,
    ) -> Result<Vec<RecordBatch>, Error> {
        let query = Query {
            sql,
            keep,
            hidden: 0,
        };
        let running = self.run_on(snapshot.clone(), query, asking).await?;
        Ok(running.collect().await?.batches)
    }
}
