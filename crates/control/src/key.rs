//! What a key is, what it may do, and what can be asked for as one.

use crawlspace_model::UnixNanos;
use serde::Serialize;

use crate::{Error, WebOrigin};

const NAME_CHARS_MAX: usize = 100;
const ORIGINS_MAX: usize = 50;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Servers and collectors that send telemetry.
    Ingest,
    /// Web pages that send telemetry: anyone can read such a key, so it is good for nothing else.
    Browser,
    /// People and programs that ask.
    Read,
    /// Everything, keys included.
    Admin,
}

/// What a route lets its caller do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Send,
    Read,
    Administer,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Browser, Self::Read, Self::Admin];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Browser => "browser",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// # Errors
    /// When no scope has this name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == name);
        found.ok_or_else(|| Error::Scope {
            scope: name.to_owned(),
        })
    }

    #[must_use]
    pub fn allows(self, access: Access) -> bool {
        match access {
            Access::Send => self != Self::Read,
            Access::Read => matches!(self, Self::Read | Self::Admin),
            Access::Administer => self == Self::Admin,
        }
    }
}

/// A key, without its secret: nobody has that but its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// From 1; never given to another key.
    pub number: u32,
    /// For people; may be empty.
    pub name: String,
    pub scope: Scope,
    /// The pages that may use it; of browser keys only.
    pub origins: Vec<WebOrigin>,
    pub created_at: UnixNanos,
    /// To a minute.
    pub used_at: Option<UnixNanos>,
    pub revoked_at: Option<UnixNanos>,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    name: String,
    scope: Scope,
    origins: Vec<WebOrigin>,
}

impl KeyRequest {
    /// # Errors
    /// When the name can't be shown on a line, an origin is none, or a key of this scope needs origins or can't have any.
    pub fn new(name: &str, scope: Scope, origins: &[impl AsRef<str>]) -> Result<Self, Error> {
        let name = name.trim();
        if name.chars().count() > NAME_CHARS_MAX || name.contains(char::is_control) {
            return Err(Error::Name {
                max: NAME_CHARS_MAX,
            });
        }
        if origins.len() > ORIGINS_MAX {
            return Err(Error::TooManyOrigins { max: ORIGINS_MAX });
        }
        match (scope, origins.is_empty()) {
            (Scope::Browser, true) => return Err(Error::NoOrigins),
            (Scope::Browser, false) | (_, true) => {}
            (_, false) => {
                return Err(Error::NeedlessOrigins {
                    scope: scope.name(),
                });
            }
        }
        let origins = origins
            .iter()
            .map(|text| WebOrigin::parse(text.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: name.to_owned(),
            scope,
            origins,
        })
    }

    pub(crate) fn into_key(self, number: u32, created_at: UnixNanos) -> Key {
        Key {
            number,
            name: self.name,
            scope: self.scope,
            origins: self.origins,
            created_at,
            used_at: None,
            revoked_at: None,
        }
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, KeyRequest, Scope};

    #[test]
    fn only_admin_keys_do_everything() {
        for (scope, expected) in [
            (Scope::Ingest, [true, false, false]),
            (Scope::Browser, [true, false, false]),
            (Scope::Read, [false, true, false]),
            (Scope::Admin, [true, true, true]),
        ] {
            let found =
                [Access::Send, Access::Read, Access::Administer].map(|access| scope.allows(access));
            assert_eq!(found, expected, "{scope:?}");
            assert_eq!(Scope::parse(scope.name()).unwrap(), scope);
        }
    }

    #[test]
    fn wrong_requests_are_refused_with_what_to_do() {
        let origin = "https://shop.example";
        for (name, scope, origins, expected) in [
            ("a\nb", Scope::Read, vec![], "one line"),
            ("x", Scope::Browser, vec![], "needs the origins"),
            ("x", Scope::Ingest, vec![origin], "only browser keys"),
            (
                "x",
                Scope::Browser,
                vec![origin, "*"],
                "`*` is not the origin",
            ),
            ("x", Scope::Browser, vec![origin; 51], "at most 50"),
        ] {
            let refused = KeyRequest::new(name, scope, &origins)
                .unwrap_err()
                .to_string();
            assert!(refused.contains(expected), "{refused}");
        }
        assert!(KeyRequest::new(&"ä".repeat(100), Scope::Read, &[""; 0]).is_ok());
    }
}
