//! The place that a request is for: the name of the server in it.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::Request;
use axum::http::header::HOST;
use crawlspace_control::WebOrigin;

/// The name or address, with its port, that the client believes to be speaking to.
pub(super) fn host(request: &Request) -> Option<&str> {
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    // HTTP/2 has it in the URL. What is no text is a name that nobody has.
    authority.or_else(|| Some(request.headers().get(HOST)?.to_str().unwrap_or("?")))
}

/// Addresses are what they are; `localhost` never leaves the machine. Any other name has to be given.
pub(super) fn is_trusted(host: &str, given: &[String]) -> bool {
    let name = name(host).trim_end_matches('.').to_ascii_lowercase();
    let address = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_address = name.parse::<IpAddr>().is_ok()
        || address.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok());
    let is_local = name == "localhost" || name.ends_with(".localhost");
    is_address || is_local || given.iter().any(|given| given.eq_ignore_ascii_case(&name))
}

/// Whether a proxy hands the request on: then it can come from anywhere, although the connection is from this machine.
pub(super) fn is_forwarded(request: &Request) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| request.headers().contains_key(*name))
}

/// Without the port.
pub(super) fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a page of this origin came from this server.
pub(super) fn is_own(origin: &WebOrigin, request: &Request, given: &[String]) -> bool {
    let Some(host) = host(request) else {
        return false;
    };
    let scheme = origin
        .as_str()
        .split_once("://")
        .map_or("", |(scheme, _)| scheme);
    // A proxy in front may speak HTTPS to the page, and HTTP to us: the scheme says nothing.
    is_trusted(host, given)
        && WebOrigin::parse(&format!("{scheme}://{host}")).is_ok_and(|own| own == *origin)
}

#[cfg(test)]
mod tests {
    use super::is_trusted;

    #[test]
    fn addresses_local_names_and_given_names_are_trusted() {
        let given = ["crawlspace.example".to_owned()];
        for (host, expected) in [
            ("127.0.0.1:4320", true),
            ("10.1.2.3", true),
            ("[::1]:4320", true),
            ("[::1]", true),
            ("localhost", true),
            ("LOCALHOST:4320", true),
            ("localhost.:4320", true),
            ("shop.localhost:80", true),
            ("Crawlspace.example:443", true),
            ("evil.example", false),
            ("evil.example:4320", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("evillocalhost", false),
            ("crawlspace.example.evil.example", false),
            ("[::1", false),
            ("", false),
            ("?", false),
        ] {
            assert_eq!(is_trusted(host, &given), expected, "{host}");
        }
    }
}
