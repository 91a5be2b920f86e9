//! Which fields there are, and what is in one of them.

use arrow::array::ArrayRef;
use axum::Json;
use axum::extract::{Path, State};
use crawlspace_model::UnixNanos;
use crawlspace_query::{Field, FieldDetail, Fields, Range};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Dependencies;
use crate::cell;
use crate::parameters::Parameters;
use crate::problem::{Problem, Refusals};

/// Which table, and when. Times are RFC 3339 or a number since 1970.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FieldsParameters {
    /// `spans`, `logs`, `metrics` or `changes`; `spans` without.
    from: Option<String>,
    /// So long until now, like `1h`.
    #[param(example = "1h")]
    last: Option<String>,
    start: Option<String>,
    /// Not included.
    end: Option<String>,
    /// A part of the names, in any case.
    q: Option<String>,
}

/// Which table, when, and how much.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FieldParameters {
    /// `spans`, `logs`, `metrics` or `changes`; `spans` without.
    from: Option<String>,
    /// So long until now, like `1h`.
    #[param(example = "1h")]
    last: Option<String>,
    start: Option<String>,
    /// Not included.
    end: Option<String>,
    /// Values to give, at most 1,000; 20 without.
    limit: Option<usize>,
}

/// The fields of a table.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Fields)]
pub(crate) struct FieldsAnswer {
    table: String,
    /// Events in the parts and batches that were looked at.
    events: u64,
    /// Fixed columns first, then attributes by name.
    fields: Vec<FieldAnswer>,
    /// Fields that fit, listed or not.
    fields_found: usize,
    /// Parts that are damaged and set aside.
    damaged_parts: usize,
}

/// A field of a table.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Field)]
pub(crate) struct FieldAnswer {
    name: String,
    /// `string`, `int64`, `float64`, `boolean`, `timestamp_ns`, `list` and so on.
    r#type: &'static str,
    /// Events that have it.
    events: u64,
    /// Whether these are all: in the list, values kept in `overflow` are not counted.
    exact: bool,
    /// `events` of all events, from 0 to 1.
    share: f64,
    /// In nanoseconds since 1970; in the list, that of the part or batch.
    first_seen: Option<String>,
    last_seen: Option<String>,
}

/// One field, counted event by event.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FieldDetail)]
pub(crate) struct FieldDetailAnswer {
    table: String,
    #[serde(flatten)]
    field: FieldAnswer,
    /// How many different values there are, exactly.
    distinct: u64,
    min: Value,
    max: Value,
    /// The most frequent values.
    values: Vec<ValueAnswer>,
}

/// A value of a field.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FieldValue)]
pub(crate) struct ValueAnswer {
    value: Value,
    /// Events that have it, each by its weight.
    events: Value,
}

/// The fields of a table
///
/// Counted from the footers of parts and from memory, so over whole parts that meet the range.
#[utoipa::path(
    get, path = "/api/v1/fields", tag = "ask", params(FieldsParameters),
    responses((status = 200, description = "At most 2,000 fields.", body = FieldsAnswer), Refusals)
)]
pub(crate) async fn fields(
    State(dependencies): State<Dependencies>,
    Parameters(parameters): Parameters<FieldsParameters>,
) -> Result<Json<FieldsAnswer>, Problem> {
    let FieldsParameters {
        from,
        last,
        start,
        end,
        q,
    } = parameters;
    let from = from.unwrap_or_else(|| "spans".to_owned());
    let (range, now) = (Range { last, start, end }, dependencies.clock.now());
    let q = q.unwrap_or_default();
    let found = dependencies.engine.fields(&from, &range, &q, now).await?;
    let Fields {
        events,
        fields,
        found,
        damaged_parts,
    } = found;
    let fields = fields
        .into_iter()
        .map(|field| FieldAnswer::new(field, events));
    Ok(Json(FieldsAnswer {
        table: from.to_lowercase(),
        events,
        fields: fields.collect(),
        fields_found: found,
        damaged_parts,
    }))
}

/// One field and its most frequent values
///
/// Counted event by event over the range.
#[utoipa::path(
    get, path = "/api/v1/fields/{name}", tag = "ask",
    params(("name" = String, Path, description = "The field.", example = "http.route"), FieldParameters),
    responses((status = 200, description = "The field.", body = FieldDetailAnswer), Refusals)
)]
pub(crate) async fn field(
    State(dependencies): State<Dependencies>,
    Path(name): Path<String>,
    Parameters(parameters): Parameters<FieldParameters>,
) -> Result<Json<FieldDetailAnswer>, Problem> {
    let FieldParameters {
        from,
        last,
        start,
        end,
        limit,
    } = parameters;
    let from = from.unwrap_or_else(|| "spans".to_owned());
    let (range, now) = (Range { last, start, end }, dependencies.clock.now());
    let found = dependencies.engine.field(&from, &name, &range, limit, now);
    let FieldDetail {
        field,
        events,
        distinct,
        bounds,
        values,
    } = found.await?;
    let values = values.iter().flat_map(|rows| {
        (0..rows.num_rows()).map(|row| ValueAnswer {
            value: json(rows.column(0), row),
            events: json(rows.column(1), row),
        })
    });
    Ok(Json(FieldDetailAnswer {
        table: from.to_lowercase(),
        field: FieldAnswer::new(field, events),
        distinct,
        min: json(bounds.column(0), 0),
        max: json(bounds.column(1), 0),
        values: values.collect(),
    }))
}

impl FieldAnswer {
    fn new(field: Field, of: u64) -> Self {
        let text = |time: UnixNanos| time.0.to_string();
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = if of == 0 {
            0.0
        } else {
            field.events as f64 / of as f64
        };
        Self {
            name: field.name,
            r#type: cell::type_name(&field.data_type),
            events: field.events,
            exact: field.is_exact,
            share,
            first_seen: field.seen.map(|(first, _)| text(first)),
            last_seen: field.seen.map(|(_, last)| text(last)),
        }
    }
}

/// A cell as answers have it.
fn json(column: &ArrayRef, row: usize) -> Value {
    let mut bytes = Vec::new();
    cell::cell(column.as_ref())(row, &mut bytes);
    serde_json::from_slice(&bytes).unwrap_or_default()
}
