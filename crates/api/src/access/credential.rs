//! Where a request has its key.

use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use crawlspace_control::{Access, Secret};

const HEADER: &str = "x-crawlspace-key";
const PARAMETER: &str = "key";

/// The key of a request, unchecked: of its headers; of its URL where telemetry is sent, since beacons of browsers have no
/// headers. In other URLs it would stay in histories and the logs of proxies.
pub(super) fn of(access: Access, request: &Request) -> Option<Secret> {
    let header = |name| request.headers().get(name)?.to_str().ok();
    let text = header(AUTHORIZATION.as_str())
        .and_then(bearer)
        .or_else(|| header(HEADER))
        .or_else(|| match access {
            Access::Send => parameter(request.uri().query()?),
            Access::Read | Access::Administer => None,
        })?;
    Some(Secret::new(text.trim()))
}

/// RFC 6750; the scheme's case does not matter (RFC 9110).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Not decoded: no secret has a letter that is encoded in URLs.
fn parameter(query: &str) -> Option<&str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(name, value)| (name == PARAMETER).then_some(value))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use crawlspace_control::{Access, Secret};

    use super::of;

    #[test]
    fn a_key_is_in_a_header_or_behind_a_doors_question_mark() {
        let url = "/v1/traces?x=1&key=u&y";
        for (name, value, access, expected) in [
            ("authorization", "Bearer a", Access::Read, Some("a")),
            ("authorization", "bearer   a ", Access::Send, Some("a")),
            ("authorization", "Basic a", Access::Read, None),
            ("authorization", "Basic a", Access::Send, Some("u")),
            ("authorization", "a", Access::Administer, None),
            ("x-crawlspace-key", "b", Access::Administer, Some("b")),
            ("x-crawlspace-key", "b", Access::Send, Some("b")),
            ("x-other", "c", Access::Send, Some("u")),
            ("x-other", "c", Access::Read, None),
        ] {
            let request = Request::post(url).header(name, value);
            let found = of(access, &request.body(Body::empty()).unwrap());
            assert_eq!(
                found.as_ref().map(Secret::expose),
                expected,
                "{name}: {value}, {access:?}"
            );
        }
        let plain = Request::post("/v1/traces?keys=1")
            .body(Body::empty())
            .unwrap();
        assert!(of(Access::Send, &plain).is_none());
    }
}
