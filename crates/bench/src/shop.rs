//! The shop that the corpus is about: its services, and the attributes that each kind of span carries.
//! Random draws happen in a fixed order; the comparison with the peers rests on it.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::draws::Draws;

pub struct Service {
    pub name: &'static str,
    pub language: &'static str,
    pub table: &'static str,
    pub routes: [&'static str; 5],
}

pub const SERVICES: [Service; 6] = [
    Service {
        name: "frontend",
        language: "nodejs",
        table: "sessions",
        routes: ["/", "/product/{id}", "/cart", "/checkout", "/search"],
    },
    Service {
        name: "checkout",
        language: "go",
        table: "orders",
        routes: [
            "/api/checkout",
            "/api/quote",
            "/api/order/{id}",
            "/api/confirm",
            "/api/validate",
        ],
    },
    Service {
        name: "cart",
        language: "dotnet",
        table: "cart_items",
        routes: [
            "/api/cart/{user}",
            "/api/cart/add",
            "/api/cart/remove",
            "/api/cart/empty",
            "/api/cart/merge",
        ],
    },
    Service {
        name: "payment",
        language: "java",
        table: "payments",
        routes: [
            "/api/charge",
            "/api/refund",
            "/api/card/verify",
            "/api/3ds",
            "/api/methods",
        ],
    },
    Service {
        name: "catalog",
        language: "rust",
        table: "products",
        routes: [
            "/api/products",
            "/api/products/{id}",
            "/api/recommend",
            "/api/search",
            "/api/categories",
        ],
    },
    Service {
        name: "shipping",
        language: "python",
        table: "shipments",
        routes: [
            "/api/rates",
            "/api/ship",
            "/api/track/{id}",
            "/api/address",
            "/api/carriers",
        ],
    },
];

const METHODS: [&str; 5] = ["GET", "GET", "POST", "POST", "PUT"];
const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-south-1"];
const STEPS: [&str; 4] = ["validate", "serialize", "price", "render"];

const USER_AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
];

/// A list of attributes under construction, in the order they are sent.
#[derive(Default)]
pub struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn push(mut self, key: &str, value: Value) -> Self {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue {
            key: key.to_owned(),
            value,
            ..KeyValue::default()
        });
        self
    }

    pub fn text(self, key: &str, value: impl Into<String>) -> Self {
        self.push(key, Value::StringValue(value.into()))
    }

    fn int(self, key: &str, value: i64) -> Self {
        self.push(key, Value::IntValue(value))
    }

    fn number(self, key: &str, value: f64) -> Self {
        self.push(key, Value::DoubleValue(value))
    }

    fn flag(self, key: &str, value: bool) -> Self {
        self.push(key, Value::BoolValue(value))
    }

    pub fn into_list(self) -> Vec<KeyValue> {
        self.0
    }
}

/// Who made the request that a trace tells of; the same on all its spans.
pub struct Visitor {
    pub user: String,
    session: String,
    tenant: String,
    client_address: String,
    user_agent: &'static str,
}

impl Visitor {
    pub fn draw(draws: &mut Draws) -> Self {
        let user = format!("u-{:07}", draws.below(2_000_000));
        let session = format!("{:016x}", draws.bits());
        // Squared, so that the first tenants are far busier than the last.
        let position = draws.fraction();
        let tenant = format!("tenant-{}", (position * position * 50.0) as u64);
        let user_agent = draws.pick(&USER_AGENTS);
        let client_address = format!("203.0.{}.{}", draws.below(256), draws.below(256));
        Self {
            user,
            session,
            tenant,
            client_address,
            user_agent,
        }
    }

    /// The attributes that every span ends with.
    fn describe(&self, draws: &mut Draws, attributes: Attributes) -> Attributes {
        attributes
            .text("user.id", &self.user)
            .text("session.id", &self.session)
            .text("tenant.id", &self.tenant)
            .int("thread.id", draws.below(64) as i64)
            .text("thread.name", format!("worker-{}", draws.below(16)))
            .text(
                "code.function.name",
                format!("com.shop.handler.Handler{}.handle", draws.below(40)),
            )
            .int("code.line.number", draws.below(900) as i64)
            .text(
                "request.id",
                format!("{:016x}{:016x}", draws.bits(), draws.bits()),
            )
    }
}

/// The resource of one of a service's three instances: 12 attributes.
pub fn resource(index: usize, instance: u64) -> Resource {
    let service = &SERVICES[index];
    let attributes = Attributes::default()
        .text("service.name", service.name)
        .text("service.namespace", "shop")
        .text(
            "service.version",
            format!("1.{}.{}", index + 3, instance % 2),
        )
        .text(
            "service.instance.id",
            format!("{:08x}-5d1c-4a0e-9f57-{instance:012x}", index * 7919 + 13),
        )
        .text("deployment.environment.name", "production")
        .text("host.name", format!("ip-10-0-{index}-{}", instance + 10))
        .text("k8s.namespace.name", "shop")
        .text(
            "k8s.pod.name",
            format!("{}-7f9c5d{index:02}-x{instance}", service.name),
        )
        .text("cloud.region", REGIONS[(instance % 3) as usize])
        .text("telemetry.sdk.name", "opentelemetry")
        .text("telemetry.sdk.language", service.language)
        .text("telemetry.sdk.version", "1.31.0");
    Resource {
        attributes: attributes.into_list(),
        ..Resource::default()
    }
}

/// Which end of an HTTP call a span describes.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Server,
    Client,
}

/// Name and attributes of an HTTP span. `service` and `route` are where the span is recorded, as indices.
pub fn http(
    draws: &mut Draws,
    visitor: &Visitor,
    (service, route): (usize, usize),
    side: Side,
    failed: bool,
) -> (String, Vec<KeyValue>) {
    let host = format!("{}.shop.svc.cluster.local", SERVICES[service].name);
    let template = SERVICES[service].routes[route];
    let method = METHODS[route];
    let status = if failed {
        draws.pick(&[500, 503, 404])
    } else {
        draws.pick(&[200, 200, 200, 201, 204])
    };
    let path = template
        .replace("{id}", &draws.below(5000).to_string())
        .replace("{user}", &visitor.user);
    let attributes = Attributes::default()
        .text("http.request.method", method)
        .int("http.response.status_code", status)
        .text("http.route", template)
        .text("url.scheme", "http")
        .text("server.address", &host)
        .int("server.port", 8080)
        .text("network.protocol.version", "1.1")
        .int(
            "http.response.body.size",
            draws.log_normal(2500.0, 1.2) as i64,
        );
    let attributes = match side {
        Side::Server => attributes
            .text("url.path", path)
            .text("client.address", &visitor.client_address)
            .text("user_agent.original", visitor.user_agent),
        Side::Client => attributes
            .text("url.full", format!("http://{host}:8080{path}"))
            .int("http.request.resend_count", 0)
            .text(
                "network.peer.address",
                format!("10.0.{service}.{}", 10 + draws.below(3)),
            ),
    };
    let attributes = attributes.flag("app.feature.new_flow", draws.below(2) == 0);
    let attributes = visitor.describe(draws, attributes);
    (format!("{method} {template}"), attributes.into_list())
}

/// Name and attributes of a database call.
pub fn database(
    draws: &mut Draws,
    visitor: &Visitor,
    service: usize,
    failed: bool,
) -> (String, Vec<KeyValue>) {
    let table = SERVICES[service].table;
    let operation = draws.pick(&["SELECT", "INSERT", "UPDATE"]);
    let statement = match operation {
        "SELECT" => format!(
            "SELECT * FROM {table} WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_at DESC LIMIT 50"
        ),
        "INSERT" => format!(
            "INSERT INTO {table} (id, tenant_id, user_id, payload, created_at) VALUES ($1, $2, $3, $4, now())"
        ),
        _ => format!(
            "UPDATE {table} SET payload = $1, updated_at = now() WHERE id = $2 AND tenant_id = $3"
        ),
    };
    let attributes = Attributes::default()
        .text("db.system.name", "postgresql")
        .text("db.namespace", "shop")
        .text("db.operation.name", operation)
        .text("db.collection.name", table)
        .text("db.query.text", statement)
        .int("db.response.returned_rows", draws.below(50) as i64)
        .text("server.address", format!("pg-{service}.db.internal"))
        .int("server.port", 5432)
        .text("network.peer.address", format!("10.1.0.{service}"))
        .number(
            "app.pool.wait_ms",
            (draws.log_normal(0.4, 0.8) * 1000.0).round() / 1000.0,
        )
        .flag("app.cache.hit", draws.below(4) == 0)
        .text("error.type", if failed { "timeout" } else { "none" });
    let attributes = visitor.describe(draws, attributes);
    (format!("{operation} {table}"), attributes.into_list())
}

/// Name and attributes of a step inside a service.
pub fn step(draws: &mut Draws, visitor: &Visitor, service: usize) -> (String, Vec<KeyValue>) {
    let attributes = Attributes::default()
        .text("app.operation", draws.pick(&STEPS))
        .int("app.items.count", draws.below(20) as i64)
        .number(
            "app.cost.usd",
            (draws.log_normal(30.0, 1.0) * 100.0).round() / 100.0,
        )
        .text("app.currency", draws.pick(&["EUR", "USD", "INR"]))
        .flag("app.retry", false)
        .text("app.build", format!("b{}", 100 + service))
        .int("app.memory.alloc", draws.log_normal(200_000.0, 0.7) as i64)
        .text("app.shard", format!("shard-{}", draws.below(32)))
        .text("app.plan", draws.pick(&["free", "pro", "enterprise"]))
        .text(
            "app.locale",
            draws.pick(&["en-GB", "de-DE", "fr-FR", "pt-PT"]),
        )
        .int("app.queue.depth", draws.below(100) as i64)
        .flag("app.sampled", true);
    let attributes = visitor.describe(draws, attributes);
    let name = format!("{}.{}", SERVICES[service].name, draws.pick(&STEPS));
    (name, attributes.into_list())
}
