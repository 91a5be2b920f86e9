use std::path::Path;
use std::sync::Arc;

use crawlspace_model::UnixNanos;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, query_scalar, raw_sql};

use super::{Database, LAYOUT};
use crate::fake_clock::FakeClock;
use crate::{Actor, Keys, NoteContent, Notes, Scope, Secret};

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    options.connect().await.unwrap()
}

/// A database as version 1 left it, with a key, and then `sql`.
async fn of_version_1(path: &Path, secret: &Secret, sql: &str) {
    let mut connection = connect(path).await;
    let hash = secret.hash().to_hex();
    let key = format!(
        "INSERT INTO keys VALUES (1, 'old', 'read', x'{hash}', '[]', 5, NULL, NULL); PRAGMA user_version = 1; {sql}"
    );
    for sql in [LAYOUT[0], &key] {
        raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
}

async fn version(path: &Path) -> i64 {
    let mut connection = connect(path).await;
    let version = query_scalar("PRAGMA user_version").fetch_one(&mut connection);
    version.await.unwrap()
}

#[tokio::test]
async fn a_database_of_version_1_is_brought_to_todays_layout_with_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sqlite");
    let secret = Secret::make(Scope::Read, 1);
    of_version_1(&path, &secret, "").await;
    let clock = Arc::new(FakeClock::default());
    let database = Database::open(&path).await.unwrap();
    assert_eq!(version(&path).await, 2);
    let keys = Keys::open(database.clone(), clock.clone()).await.unwrap();
    assert_eq!(keys.check(&secret).unwrap().name, "old");
    let content = NoteContent::new(UnixNanos(7), None, "a deploy", Vec::new()).unwrap();
    let author = keys.author(Actor::Key(1));
    let note = Notes::new(database.clone(), clock.clone())
        .add(content, &author)
        .await
        .unwrap();
    database.close().await;

    let again = Database::open(&path).await.unwrap();
    assert_eq!(Notes::new(again, clock).find(1).await.unwrap(), note);
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_older_layout_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sqlite");
    let secret = Secret::make(Scope::Read, 1);
    // The second table of the step is there already, the first is made before that is found out.
    of_version_1(&path, &secret, "CREATE TABLE notes (x)").await;
    let refused = Database::open(&path).await.unwrap_err();
    assert!(refused.to_string().contains("notes"), "{refused}");
    assert_eq!(version(&path).await, 1);
    let mut connection = connect(&path).await;
    let made: i64 =
        query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'saved_questions'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(made, 0, "nothing of the step is there");
}

#[tokio::test]
async fn databases_of_others_and_of_the_future_are_left_alone() {
    for (sql, expected) in [
        ("CREATE TABLE theirs (x)", "of something else"),
        ("PRAGMA user_version = 3", "has format version 3"),
        ("PRAGMA user_version = -1", "has format version -1"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sqlite");
        let mut connection = connect(&path).await;
        raw_sql(sql).execute(&mut connection).await.unwrap();
        let refused = Database::open(&path).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
}
