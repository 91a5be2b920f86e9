//! The HTTP surface: routes, what they take and answer, and one table from error kinds to statuses.
//! Handlers are thin: the work is done by `ingest` and `query`.

mod answer;
mod ask;
mod body;
mod cell;
mod operations;
mod otlp;
mod problem;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use crawlspace_ingest::Ingest;
use crawlspace_lake::Lake;
use crawlspace_model::Clock;
use crawlspace_query::Engine;
use tower_http::catch_panic::CatchPanicLayer;

pub use server::serve;

/// What the routes work with.
#[derive(Clone)]
pub struct Dependencies {
    pub ingest: Arc<Ingest>,
    pub engine: Arc<Engine>,
    pub lake: Arc<Lake>,
    pub clock: Arc<dyn Clock>,
}

/// Every route: for the main port.
pub fn router(dependencies: Dependencies) -> Router {
    let own = Router::new()
        .route("/", get(operations::index))
        .route("/livez", get(operations::livez))
        .route("/readyz", get(operations::readyz))
        .route("/api/v1/sql", post(ask::sql))
        .route("/api/v1/query", post(ask::query))
        .route("/api/v1/traces/{id}", get(ask::trace))
        .route("/api/v1/tables", get(operations::tables))
        .route("/api/v1/maintenance/flush", post(operations::flush))
        .route("/api/v1/maintenance/compact", post(operations::compact));
    finish(own, dependencies)
}

/// Telemetry and health only: for the port that SDKs and collectors send OTLP/HTTP to.
pub fn otlp_router(dependencies: Dependencies) -> Router {
    let own = Router::new()
        .route("/livez", get(operations::livez))
        .route("/readyz", get(operations::readyz));
    finish(own, dependencies)
}

fn finish(own: Router<Dependencies>, dependencies: Dependencies) -> Router {
    let otlp = Router::new()
        .route("/v1/traces", post(otlp::traces))
        .layer(CatchPanicLayer::custom(otlp::panicked));
    own.fallback(problem::unknown_route)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .merge(otlp)
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(dependencies)
}

#[cfg(test)]
mod tests;
