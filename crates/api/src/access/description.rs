//! What the API's description says of keys: which scopes a route takes, and how it refuses.

use crawlspace_control::{Access, Scope};
use utoipa::Modify;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::Dependencies;

const BEARER: &str = "bearer";
const HEADER: &str = "header";
const PARAMETER: &str = "parameter";

/// The ways to send a key.
pub(crate) struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A key, as `Authorization: Bearer`. Not asked for on loopback, unless `--auth`.",
            ))
            .build();
        let header = ApiKeyValue::with_description(
            "x-crawlspace-key",
            "The same key, in a header of its own.",
        );
        let parameter = ApiKeyValue::with_description(
            "key",
            "The same key, in the URL: where telemetry is sent only.",
        );
        let components = document.components.get_or_insert_default();
        for (name, scheme) in [
            (BEARER, SecurityScheme::Http(bearer)),
            (HEADER, SecurityScheme::ApiKey(ApiKey::Header(header))),
            (PARAMETER, SecurityScheme::ApiKey(ApiKey::Query(parameter))),
        ] {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// Says of each route that it asks for this.
pub(crate) fn describe(
    mut routes: OpenApiRouter<Dependencies>,
    access: Access,
) -> OpenApiRouter<Dependencies> {
    for item in routes.get_openapi_mut().paths.paths.values_mut() {
        for operation in operations(item) {
            describe_operation(operation, access);
        }
    }
    routes
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn describe_operation(operation: &mut Operation, access: Access) {
    let scopes = || {
        Scope::ALL
            .into_iter()
            .filter(|scope| scope.allows(access))
            .map(Scope::name)
    };
    let mut ways = vec![BEARER, HEADER];
    if access == Access::Send {
        ways.push(PARAMETER);
    }
    let ways = ways
        .into_iter()
        .map(|way| SecurityRequirement::new(way, scopes()));
    operation.security = Some(ways.collect());
    for (status, description) in [
        ("401", "No key, or one that is unknown or revoked."),
        (
            "403",
            "The key's scope does not allow this, or the page's origin is not welcome.",
        ),
    ] {
        let refusal = ResponseBuilder::new().description(description);
        let problem = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(problem)).build();
        let refusal = refusal.content("application/problem+json", content).build();
        let responses = &mut operation.responses.responses;
        // Doors for telemetry describe theirs.
        responses
            .entry(status.to_owned())
            .or_insert_with(|| refusal.into());
    }
}
