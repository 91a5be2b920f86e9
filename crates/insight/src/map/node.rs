//! What the map's nodes are: the ends of calls, put together where they are the same thing.

use std::net::IpAddr;

use super::calls::End;
use super::catalogue::Catalogue;
use super::naming::{Naming, Target};

/// What a node is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// It sends spans of its own, as does a browser.
    Service,
    Browser,
    /// A database.
    Store,
    Queue,
    /// Somebody else's service.
    Vendor,
    /// Called by a name that is not public, and sends no spans: perhaps a service of ours without instrumentation.
    Host,
}

/// What makes a node this one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Identity {
    Owner {
        service: Option<String>,
        is_browser: bool,
    },
    Store {
        system: String,
        address: Option<String>,
        namespace: Option<String>,
    },
    Queue {
        system: Option<String>,
        name: Option<String>,
    },
    /// A vendor of the catalogue.
    Known {
        name: String,
        category: String,
    },
    Vendor {
        name: String,
    },
    Host {
        name: String,
    },
}

impl Identity {
    pub(super) fn kind(&self) -> NodeKind {
        match self {
            Self::Owner {
                is_browser: true, ..
            } => NodeKind::Browser,
            Self::Owner { .. } => NodeKind::Service,
            Self::Store { .. } => NodeKind::Store,
            Self::Queue { .. } => NodeKind::Queue,
            Self::Known { .. } | Self::Vendor { .. } => NodeKind::Vendor,
            Self::Host { .. } => NodeKind::Host,
        }
    }

    pub(super) fn category(&self) -> Option<&str> {
        match self {
            Self::Known { category, .. } => Some(category),
            _ => None,
        }
    }

    /// For people.
    pub(super) fn name(&self) -> String {
        let joined = |parts: [Option<&String>; 2]| {
            let parts = parts.into_iter().flatten().map(String::as_str);
            parts.collect::<Vec<_>>().join(" ")
        };
        match self {
            Self::Owner { service, .. } => service
                .clone()
                .unwrap_or_else(|| "(no service.name)".to_owned()),
            Self::Store {
                system,
                address,
                namespace,
            } => joined([Some(system), namespace.as_ref().or(address.as_ref())]),
            Self::Queue { system, name } => joined([system.as_ref(), name.as_ref()]),
            Self::Known { name, .. } | Self::Vendor { name } | Self::Host { name } => name.clone(),
        }
    }

    /// The same at any time, and no other node's.
    pub(super) fn id(&self) -> String {
        let parts = |parts: &[&Option<String>]| {
            let part = |part: &&Option<String>| part.as_deref().unwrap_or("").replace('/', "%2F");
            parts.iter().map(part).collect::<Vec<_>>().join("/")
        };
        match self {
            Self::Owner {
                service,
                is_browser,
            } => {
                let kind = if *is_browser { "browser" } else { "service" };
                format!("{kind}:{}", parts(&[service]))
            }
            Self::Store {
                system,
                address,
                namespace,
            } => format!(
                "store:{}",
                parts(&[&Some(system.clone()), address, namespace])
            ),
            Self::Queue { system, name } => format!("queue:{}", parts(&[system, name])),
            Self::Known { name, .. } | Self::Vendor { name } => format!("vendor:{name}"),
            Self::Host { name } => format!("host:{name}"),
        }
    }
}

/// Makes identities of ends.
pub(super) struct Identities<'a> {
    naming: &'a Naming<'a>,
    catalogue: &'a Catalogue,
}

impl<'a> Identities<'a> {
    pub(super) fn new(naming: &'a Naming<'a>, catalogue: &'a Catalogue) -> Self {
        Self { naming, catalogue }
    }

    pub(super) fn of(&self, end: End) -> Identity {
        let text = |number| self.naming.texts.get(number).map(str::to_owned);
        let target = match end {
            End::Owner(number) => {
                let owner = self.naming.owners[number as usize];
                return Identity::Owner {
                    service: text(owner.service),
                    is_browser: owner.is_browser,
                };
            }
            End::Target(number) => number,
        };
        match self.naming.targets[target as usize] {
            Target::Store {
                system,
                address,
                namespace,
            } => Identity::Store {
                system: text(system).unwrap_or_default(),
                address: text(address),
                namespace: text(namespace),
            },
            Target::Queue { system, name } => Identity::Queue {
                system: text(system),
                name: text(name),
            },
            Target::Remote { name } => {
                let name = text(name).unwrap_or_default();
                self.remote(name, self.naming.is_named[target as usize])
            }
            Target::None => Identity::Host {
                name: String::new(),
            },
        }
    }

    /// A service of ours whose span did not come, a vendor, or a host of ours that sends none.
    fn remote(&self, name: String, is_named: bool) -> Identity {
        let owners = self.naming.owners.iter().filter(|owner| !owner.is_browser);
        let mut services = owners.filter_map(|owner| self.naming.texts.get(owner.service));
        if let Some(service) = services.find(|service| service.to_lowercase() == name) {
            return Identity::Owner {
                service: Some(service.to_owned()),
                is_browser: false,
            };
        }
        match self.catalogue.find(&name) {
            Some(vendor) => Identity::Known {
                name: vendor.name.clone(),
                category: vendor.category.clone(),
            },
            None if is_named || is_public(&name) => Identity::Vendor { name },
            None => Identity::Host { name },
        }
    }
}

/// Whether others can reach a host of that name: one with a dot, and none of those for networks of one's own (RFC 6761,
/// RFC 6762, RFC 8375, ICANN's `internal`, Kubernetes' `svc`).
fn is_public(host: &str) -> bool {
    const PRIVATE: [&str; 9] = [
        "internal",
        "local",
        "localhost",
        "localdomain",
        "lan",
        "intranet",
        "corp",
        "home.arpa",
        "svc",
    ];
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(address) => {
                !address.is_private()
                    && !address.is_loopback()
                    && !address.is_link_local()
                    && !address.is_unspecified()
            }
            IpAddr::V6(address) => {
                !address.is_loopback()
                    && !address.is_unspecified()
                    && !address.is_unique_local()
                    && !address.is_unicast_link_local()
            }
        };
    }
    let is_private = PRIVATE.iter().any(|suffix| {
        host.strip_suffix(suffix)
            .is_some_and(|rest| rest.ends_with('.'))
    });
    host.contains('.') && !is_private
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn names_of_networks_of_ones_own_are_not_public() {
        for (host, expected) in [
            ("pay.example", true),
            ("8.8.8.8", true),
            ("inventory-1", false),
            ("db.shop.internal", false),
            ("api.default.svc", false),
            ("api.default.svc.cluster.local", false),
            ("10.1.2.3", false),
            ("127.0.0.1", false),
            ("[::1]", false),
            ("fd00::1", false),
            ("2606:4700::1", true),
            ("localhost", false),
        ] {
            assert_eq!(is_public(host), expected, "{host}");
        }
    }
}
