//! What people configured: keys, and who may do what. Secrets live here and never in the catalogue.

mod database;
mod error;
mod key;
mod keys;
mod secret;
mod web_origin;

pub use database::keep_from_others;
pub use error::Error;
pub use key::{Access, Key, KeyRequest, Scope};
pub use keys::{Actor, Created, Keys, Stranger};
pub use secret::Secret;
pub use web_origin::WebOrigin;
