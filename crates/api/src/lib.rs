//! The HTTP surface: routes, what they take and answer, and one table from error kinds to statuses.
//! Handlers are thin: the work is done by `ingest` and `query`.

mod access;
mod answer;
mod ask;
mod body;
mod cell;
mod control;
mod openapi;
mod operations;
mod otlp;
mod parameters;
mod problem;
mod server;
mod window;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use crawlspace_control::{Access, Notes, SavedQuestions};
use crawlspace_ingest::Ingest;
use crawlspace_insight::Insight;
use crawlspace_lake::Lake;
use crawlspace_lake::backup::Backups;
use crawlspace_model::Clock;
use crawlspace_query::Engine;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use access::Gate;
pub use control::keys::{CreatedAnswer, KeyAnswer};
use control::{keys, notes, saved};
use otlp::Language;
pub use server::{Connections, serve};
pub use window::{Window, WindowFile};

/// What the routes work with.
#[derive(Clone)]
pub struct Dependencies {
    pub ingest: Arc<Ingest>,
    pub engine: Arc<Engine>,
    pub insight: Arc<Insight>,
    pub lake: Arc<Lake>,
    pub backups: Arc<Backups>,
    pub clock: Arc<dyn Clock>,
    pub gate: Arc<Gate>,
    pub saved: Arc<SavedQuestions>,
    pub notes: Arc<Notes>,
    pub window: Arc<Window>,
    pub connections: Arc<Connections>,
}

/// Every route: for the main port.
pub fn router(dependencies: Dependencies) -> Router {
    let open = open_routes().split_for_parts().0;
    let own = guarded_routes()
        .into_iter()
        .fold(open, |own, (access, routes)| {
            let routes = routes.split_for_parts().0;
            own.merge(access::guard(routes, access, &dependencies))
        });
    finish(own.fallback(window::file_or_page), dependencies)
}

/// For all ports, until there are dependencies to answer with.
pub fn starting_router() -> Router {
    Router::new()
        .route("/livez", get(operations::livez))
        .fallback(operations::starting)
}

/// Telemetry and health only: for the ports that SDKs and collectors send to. Both speak OTLP/HTTP and OTLP/gRPC: who
/// has the transports mixed up is understood all the same.
pub fn otlp_router(dependencies: Dependencies) -> Router {
    let own = OpenApiRouter::new()
        .routes(routes!(operations::livez))
        .routes(routes!(operations::readyz));
    let own = own.split_for_parts().0;
    finish(own.fallback(otlp::grpc::unknown_route), dependencies)
}

// The routes, each in the group of the access that it asks a key for. `docs/reference/openapi.json` is made of them.

/// The API's own groups that not everybody may use; doors for telemetry are the other one.
fn guarded_routes() -> [(Access, OpenApiRouter<Dependencies>); 2] {
    [
        (Access::Read, reading_routes()),
        (Access::Administer, administration_routes()),
    ]
}

fn open_routes() -> OpenApiRouter<Dependencies> {
    OpenApiRouter::new()
        .routes(routes!(operations::index))
        .routes(routes!(operations::livez))
        .routes(routes!(operations::readyz))
        .routes(routes!(openapi::document))
}

fn reading_routes() -> OpenApiRouter<Dependencies> {
    OpenApiRouter::new()
        .routes(routes!(ask::sql))
        .routes(routes!(ask::query))
        .routes(routes!(ask::trace::trace))
        .routes(routes!(ask::fields::fields))
        .routes(routes!(ask::fields::field))
        .routes(routes!(ask::tail::tail))
        .routes(routes!(ask::map::map))
        .routes(routes!(ask::entity::entity))
        .routes(routes!(ask::odd::odd))
        .routes(routes!(ask::compare::compare))
        .routes(routes!(saved::list, saved::add))
        .routes(routes!(saved::one, saved::replace, saved::delete))
        .routes(routes!(notes::list, notes::add))
        .routes(routes!(notes::one, notes::replace, notes::delete))
        .routes(routes!(operations::tables))
        .routes(routes!(operations::ledger::ledger))
        .routes(routes!(operations::limits::limits))
        .routes(routes!(operations::metrics::metrics))
}

fn administration_routes() -> OpenApiRouter<Dependencies> {
    OpenApiRouter::new()
        .routes(routes!(operations::flush))
        .routes(routes!(operations::compact))
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(operations::backup::backup))
        .routes(routes!(operations::doctor::doctor))
        .routes(routes!(operations::selfcheck::selfcheck))
}

fn ingest_routes() -> OpenApiRouter<Dependencies> {
    OpenApiRouter::new()
        .routes(routes!(otlp::http::traces))
        .routes(routes!(otlp::http::logs))
        .routes(routes!(otlp::http::metrics))
}

fn finish(own: Router<Dependencies>, dependencies: Dependencies) -> Router {
    let (otlp, _) = ingest_routes().split_for_parts();
    let otlp = otlp.layer(CatchPanicLayer::custom(otlp::panicked(Language::Protobuf)));
    let grpc = otlp::grpc::routes().layer(CatchPanicLayer::custom(otlp::panicked(Language::Grpc)));
    own.layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(
            Arc::clone(&dependencies.gate),
            access::check_host,
        ))
        .merge(access::guard_doors(otlp.merge(grpc), &dependencies))
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(dependencies)
}

#[cfg(test)]
mod tests;
