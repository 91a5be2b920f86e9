//! The rows of keys in the database.

use crawlspace_model::UnixNanos;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction, query, query_scalar};

use crate::database::Database;
use crate::{Error, Key, Scope, WebOrigin};

impl Database {
    /// All keys there ever were, with the hashes of their secrets.
    pub async fn keys(&self) -> Result<Vec<(Key, blake3::Hash)>, Error> {
        let rows = query(
            "SELECT number, name, scope, hash, origins, created_at, used_at, revoked_at FROM keys ORDER BY number",
        )
        .fetch_all(self.pool())
        .await
        .map_err(|source| self.error(source))?;
        let keys = rows.iter().map(|row| {
            key(row)
                .map_err(|source| self.unknown(format!("holds a key that can't be read: {source}")))
        });
        keys.collect()
    }

    pub async fn next_number(&self, in_: &mut Transaction<'static, Sqlite>) -> Result<u32, Error> {
        query_scalar("SELECT coalesce(max(number), 0) + 1 FROM keys")
            .fetch_one(&mut **in_)
            .await
            .map_err(|source| self.error(source))
    }

    pub async fn insert(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        key: &Key,
        hash: blake3::Hash,
    ) -> Result<(), Error> {
        query("INSERT INTO keys (number, name, scope, hash, origins, created_at) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(key.number)
            .bind(&key.name)
            .bind(key.scope.name())
            .bind(hash.as_bytes().as_slice())
            .bind(origins_of(key).to_string())
            .bind(key.created_at.0)
            .execute(&mut **in_)
            .await
            .map_err(|source| self.error(source))?;
        Ok(())
    }

    /// False when it was revoked before.
    pub async fn revoke(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        number: u32,
        at: UnixNanos,
    ) -> Result<bool, Error> {
        let done = query("UPDATE keys SET revoked_at = ? WHERE number = ? AND revoked_at IS NULL")
            .bind(at.0)
            .bind(number)
            .execute(&mut **in_)
            .await
            .map_err(|source| self.error(source))?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn note_use(
        &self,
        in_: &mut Transaction<'static, Sqlite>,
        number: u32,
        at: UnixNanos,
    ) -> Result<(), Error> {
        query("UPDATE keys SET used_at = ? WHERE number = ?")
            .bind(at.0)
            .bind(number)
            .execute(&mut **in_)
            .await
            .map_err(|source| self.error(source))?;
        Ok(())
    }
}

/// What the audit trail says of a key.
pub(super) fn detail(key: &Key) -> Value {
    serde_json::json!({"name": key.name, "scope": key.scope.name(), "origins": origins_of(key)})
}

fn origins_of(key: &Key) -> Value {
    key.origins.iter().map(WebOrigin::as_str).collect()
}

fn key(row: &SqliteRow) -> Result<(Key, blake3::Hash), Box<dyn std::error::Error + Send + Sync>> {
    let origins: Vec<String> = serde_json::from_str(row.try_get("origins")?)?;
    let key = Key {
        number: row.try_get("number")?,
        name: row.try_get("name")?,
        scope: Scope::parse(row.try_get("scope")?)?,
        origins: origins
            .iter()
            .map(|text| WebOrigin::parse(text))
            .collect::<Result<_, _>>()?,
        created_at: UnixNanos(row.try_get("created_at")?),
        used_at: row.try_get::<Option<i64>, _>("used_at")?.map(UnixNanos),
        revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(UnixNanos),
    };
    let hash = blake3::Hash::from_slice(row.try_get("hash")?)?;
    Ok((key, hash))
}
