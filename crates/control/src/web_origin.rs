//! The origin of a web page (RFC 6454), as browsers send it.

use std::fmt;

use serde::Serialize;

use crate::Error;

/// Scheme, host and port, in the form of the header `Origin`: lower case, without the usual port of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// # Errors
    /// When the text is no origin of a page on HTTP or HTTPS.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::WebOrigin {
            text: text.to_owned(),
        };
        let lower = text.trim().to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://").ok_or_else(wrong)?;
        let usual_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return Err(wrong()),
        };
        // As pasted from a browser's address bar.
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let authority = authority.strip_suffix(usual_port).unwrap_or(authority);
        if !is_authority(authority) {
            return Err(wrong());
        }
        Ok(Self(format!("{scheme}://{authority}")))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host, or an address in brackets, with or without a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            return rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        }
        _ => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_host = |host: &str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    is_host(host) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::WebOrigin;

    #[test]
    fn an_origin_has_one_form_and_nothing_but_scheme_host_and_port() {
        for (text, expected) in [
            ("https://shop.example", Some("https://shop.example")),
            (" HTTPS://Shop.Example:443/ ", Some("https://shop.example")),
            ("http://shop.example:80", Some("http://shop.example")),
            ("https://shop.example:80", Some("https://shop.example:80")),
            ("http://localhost:5173", Some("http://localhost:5173")),
            ("http://[::1]:8080", Some("http://[::1]:8080")),
            ("http://[::1]", Some("http://[::1]")),
            ("*", None),
            ("null", None),
            ("", None),
            ("https://", None),
            ("https://*.shop.example", None),
            ("shop.example", None),
            ("ftp://shop.example", None),
            ("https://shop.example/cart", None),
            ("https://user@shop.example", None),
            ("https://shop.example?x", None),
            ("https://shop.example:70000", None),
            ("https://shop.example:", None),
            ("https://[::1", None),
            ("https://shop.example\r\nx: y", None),
            ("https://bücher.example", None),
        ] {
            let found = WebOrigin::parse(text).ok();
            assert_eq!(found.as_ref().map(WebOrigin::as_str), expected, "{text}");
        }
    }
}
