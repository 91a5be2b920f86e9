//! Questions with numbers that are too large, too many or none at all: each has an answer, or a refusal that says why.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::compute::{cast, sum};
use arrow::datatypes::{DataType, Float64Type};
use crawlspace_model::{Table, UnixNanos};
use crawlspace_wire::batch::{Cell, TableBuilder};
use serde_json::{Value, json};

use super::{Item, Row, Step, World, runtime, small_world};
use crate::{Answer, Config, Engine, Error, QueryRequest, Range};

async fn ask(world: &World, question: Value) -> Result<Answer, Error> {
    let request: QueryRequest = serde_json::from_value(question).unwrap();
    let now = UnixNanos(1_795_391_409_000_000_000);
    world.engine.query(&request, now).await
}

#[test]
fn gaps_are_filled_in_as_many_steps_as_an_answer_may_have() {
    runtime().block_on(async {
        let world = small_world().await;
        let mut question = json!({
            "from": "spans", "range": {"start": "0"}, "granularity": "1ms", "fill": "zero",
            "group_by": ["user.id"], "where": "user.id = 'nobody'"
        });
        let answer = ask(&world, question.clone()).await.unwrap();
        assert_eq!(answer.footer.rows, 0, "no group has steps");
        question["where"] = json!("user.id = 'ada'");
        let error = ask(&world, question).await.unwrap_err().to_string();
        assert!(
            error.contains("the number of steps is over the limit of 1000000"),
            "{error}"
        );
    });
}

#[test]
fn ranges_longer_than_64_bits_of_nanoseconds_have_answers() {
    runtime().block_on(async {
        let world = small_world().await;
        let range = json!({"start": "1700-01-01T00:00:00Z", "end": "2261-01-01T00:00:00Z"});
        for granularity in ["52w", "1000w", "200000d"] {
            let question = json!({
                "from": "spans", "range": range, "granularity": granularity, "fill": "null",
                "calculate": ["count", "rate"]
            });
            let answer = ask(&world, question).await;
            assert!(answer.is_ok(), "{granularity}: {answer:?}");
        }
        for calculation in ["rate", "heatmap(duration_ns)"] {
            let question = json!({"from": "spans", "range": range, "calculate": [calculation]});
            let answer = ask(&world, question).await;
            assert!(answer.is_ok(), "{calculation}: {answer:?}");
        }
    });
}

#[test]
fn heatmaps_are_of_finite_numbers() {
    runtime().block_on(async {
        let mut world = World::new().await;
        let row = |number| Row {
            attributes: vec![("user.id", Item::Double(number))],
            duration: 1,
        };
        let question = json!({"from": "spans", "calculate": ["heatmap(user.id)"]});
        let wild = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(row);
        world.take(&Step::Publish(wild.to_vec())).await;
        let answer = ask(&world, question.clone()).await.unwrap();
        assert_eq!(answer.footer.rows, 0, "no bins without numbers");
        let tame = [1.0, 2.0, 5.0].map(row);
        world.take(&Step::Publish(tame.to_vec())).await;
        let answer = ask(&world, question).await.unwrap();
        assert_eq!(answer.footer.rows, 3);
        let column = |index: usize| {
            let cells = answer.batches.iter().flat_map(|rows| {
                let column = cast(rows.column(index), &DataType::Float64).unwrap();
                column.as_primitive::<Float64Type>().values().to_vec()
            });
            cells.collect::<Vec<f64>>()
        };
        assert_eq!((column(1)[0], column(2)[2]), (1.0, 5.0), "the bins' bounds");
        assert_eq!(column(3), [1.0; 3]);
    });
}

#[test]
fn sums_that_go_down_too_have_no_increase() {
    runtime().block_on(async {
        let world = World::new().await;
        let mut builder = TableBuilder::new(Table::Metrics);
        for (name, is_monotonic) in [("up", Some(true)), ("both", Some(false)), ("old", None)] {
            for (time, value) in [(1_000, 5.0), (2_000, 7.0)] {
                builder.set("time", Cell::Time(time));
                builder.set("received_at", Cell::Time(time));
                for (column, text) in
                    [("name", name), ("kind", "sum"), ("temporality", "cumulative")]
                {
                    builder.set(column, Cell::Text(text));
                }
                if let Some(is_monotonic) = is_monotonic {
                    builder.set("monotonic", Cell::Bool(is_monotonic));
                }
                builder.set("value", Cell::Double(value));
                builder.set("sample_weight", Cell::Double(1.0));
                builder.end_row();
            }
        }
        world
            .lake
            .publish(1, vec![(Table::Metrics, builder.finish())]);
        for (name, expected) in [("up", Some(2.0)), ("both", None), ("old", Some(2.0))] {
            let question = json!({
                "from": "metrics", "where": format!("name = '{name}'"), "calculate": ["increase(value)"]
            });
            let answer = ask(&world, question).await.unwrap();
            let found = answer.batches[0].column(0).as_primitive::<Float64Type>();
            assert_eq!(sum(found), expected, "{name}");
            assert_eq!(found.len(), 1);
        }
    });
}

#[test]
fn the_list_of_fields_takes_a_turn_and_ends_in_time() {
    runtime().block_on(async {
        let mut world = small_world().await;
        world.take(&Step::Flush).await;
        let config = Config {
            time_limit: Duration::ZERO,
            ..Config::default()
        };
        let hurried = Engine::new(Arc::clone(&world.lake), config);
        let (range, now) = (Range::default(), UnixNanos(0));
        let late = hurried.in_turn(pending::<Result<(), Error>>()).await;
        assert!(matches!(late, Err(Error::TimeLimit { .. })), "{late:?}");
        let turns = world.engine.begun();
        let found = world.engine.fields("spans", &range, "user", now).await;
        assert_eq!(found.unwrap().fields[0].events, 3);
        assert_eq!(world.engine.begun(), turns + 1);
        let end = i64::MIN.to_string();
        let range = Range {
            end: Some(end),
            ..Range::default()
        };
        let refused = world.engine.fields("spans", &range, "", now).await;
        assert!(matches!(refused, Err(Error::Request(_))), "{refused:?}");
    });
}
