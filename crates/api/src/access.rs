//! Who may do what: every request for a route that asks for a scope comes through here first. The key that it came with
//! goes on to the handler as [`Caller`].

mod cors;
mod credential;
mod description;
mod place;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use crawlspace_control::{Access, Actor, Key, Keys, Scope, WebOrigin};
use crawlspace_model::account::Reason;

use crate::Dependencies;
use crate::body;
use crate::otlp::{self, CHALLENGE, Refusal};
use crate::problem::Problem;
pub(crate) use description::{Schemes, describe};

/// What decides about requests.
#[derive(Debug)]
pub struct Gate {
    pub keys: Arc<Keys>,
    /// Whether all requests need a key; those that a proxy hands on do in any case. A key that comes without need is
    /// checked all the same.
    pub key_required: bool,
    /// Names that this server is called by, beside `localhost` and addresses.
    pub hosts: Vec<String>,
}

/// Who was let in: the number of the key, 0 for none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller(pub u32);

impl Caller {
    pub fn actor(self) -> Actor {
        match self.0 {
            0 => Actor::Anyone,
            number => Actor::Key(number),
        }
    }
}

/// Why somebody is not let in, and with which key.
struct Denied {
    key: u32,
    refusal: Refusal,
}

impl Denied {
    fn new(key: Option<&Key>, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            key: key.map_or(0, |key| key.number),
            refusal: Refusal::new(reason, message),
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let Refusal { reason, message } = self.refusal;
        if reason != Reason::Unauthorized {
            return Problem::with_status(StatusCode::FORBIDDEN, message).into_response();
        }
        let problem = Problem::with_status(StatusCode::UNAUTHORIZED, message);
        ([(WWW_AUTHENTICATE, CHALLENGE)], problem).into_response()
    }
}

impl Gate {
    fn admit(&self, access: Access, request: &Request) -> Result<Caller, Denied> {
        let key = self.key_of(access, request)?;
        if let Some(key) = &key
            && !key.scope.allows(access)
        {
            let (number, scope) = (key.number, key.scope.name());
            let message = format!("key {number} is for {scope}: {}", needs(access));
            return Err(Denied::new(Some(key), Reason::Forbidden, message));
        }
        self.check_page(key.as_deref(), request)?;
        Ok(Caller(key.map_or(0, |key| key.number)))
    }

    fn key_of(&self, access: Access, request: &Request) -> Result<Option<Arc<Key>>, Denied> {
        let unauthorized = |message: String| Denied::new(None, Reason::Unauthorized, message);
        let key_required = self.key_required || place::is_forwarded(request);
        match credential::of(access, request) {
            // Without keys to ask for, other credentials are for a proxy that we don't know of.
            Some(secret) if key_required || secret.is_ours() => {
                let found = self.keys.check(&secret);
                found
                    .map(Some)
                    .map_err(|stranger| unauthorized(stranger.to_string()))
            }
            None if key_required => Err(unauthorized(format!(
                "a key is needed: {}. Send it as `Authorization: Bearer <key>` or `x-crawlspace-key: <key>` \
                 (on the command line --key or CRAWLSPACE_KEY); `crawlspace key create` makes one",
                needs(access)
            ))),
            _ => Ok(None),
        }
    }

    /// Pages of other origins get in with a browser key that lists them, and browser keys with nothing else. This is what
    /// keeps a page that someone looks at from using a server on their machine.
    fn check_page(&self, key: Option<&Key>, request: &Request) -> Result<(), Denied> {
        let browser_key = key.filter(|key| key.scope == Scope::Browser);
        let Some(text) = cors::origin(request) else {
            return match browser_key {
                Some(key) => {
                    let message = format!(
                        "key {} is for web pages, and the request names no origin: use an ingest key",
                        key.number
                    );
                    Err(Denied::new(Some(key), Reason::Forbidden, message))
                }
                None if cors::is_of_another_site(request) => {
                    let message = "web pages of other sites get in to send telemetry only, with a browser key";
                    Err(Denied::new(key, Reason::Forbidden, message))
                }
                None => Ok(()),
            };
        };
        let origin = WebOrigin::parse(text).ok();
        let welcome = origin.as_ref().is_some_and(|origin| match browser_key {
            Some(key) => key.origins.contains(origin),
            None => place::is_own(origin, request, &self.hosts),
        });
        if welcome {
            return Ok(());
        }
        let message = match browser_key {
            Some(key) => format!("key {} does not list the origin `{text}`", key.number),
            None => format!(
                "web pages of `{text}` get in with a browser key that lists this origin, and only to send telemetry"
            ),
        };
        Err(Denied::new(key, Reason::Forbidden, message))
    }
}

fn needs(access: Access) -> &'static str {
    match access {
        Access::Send => {
            "sending takes a key for ingest or admin, or from web pages one for browser"
        }
        Access::Read => "reading takes a key for read or admin",
        Access::Administer => "this takes a key for admin",
    }
}

/// Routes of the API behind the gate.
pub(crate) fn guard(
    routes: Router<Dependencies>,
    access: Access,
    dependencies: &Dependencies,
) -> Router<Dependencies> {
    let gate = Arc::clone(&dependencies.gate);
    routes.route_layer(from_fn_with_state((gate, access), admit))
}

async fn admit(
    State((gate, access)): State<(Arc<Gate>, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    match gate.admit(access, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(denied) => denied.into_response(),
    }
}

/// Doors for telemetry behind the gate, with CORS for browser keys; refusals are OTLP's and are in the ledger.
pub(crate) fn guard_doors(
    doors: Router<Dependencies>,
    dependencies: &Dependencies,
) -> Router<Dependencies> {
    // Before the layer, so that it sees pre-flight requests, whose method no door takes.
    doors
        .method_not_allowed_fallback(crate::problem::wrong_method)
        .layer(from_fn_with_state(dependencies.clone(), admit_sender))
}

async fn admit_sender(
    State(dependencies): State<Dependencies>,
    mut request: Request,
    next: Next,
) -> Response {
    let page = cors::listed_origin(&request, &dependencies.gate.keys);
    if cors::is_preflight(&request) {
        return cors::preflight(page);
    }
    let response = match dependencies.gate.admit(Access::Send, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(Denied { key, refusal }) => {
            let response = otlp::deny(&dependencies.ingest, key, &request, refusal);
            // A client that still sends would see a broken connection instead of the answer.
            body::discard(request.into_body()).await;
            response
        }
    };
    cors::allow(page, response)
}

/// The whole API answers only to names that this server has: a page of another site can have its name point here ("DNS
/// rebinding") and would be of the same origin.
pub(crate) async fn check_host(
    State(gate): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    match place::host(&request) {
        Some(host) if !place::is_trusted(host, &gate.hosts) => {
            let detail = format!(
                "this server is not called `{host}`: ask it by its address, or start it with --host {}",
                place::name(host)
            );
            Problem::with_status(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
        }
        _ => next.run(request).await,
    }
}

#[cfg(test)]
mod tests;
