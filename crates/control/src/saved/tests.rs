use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crawlspace_model::UnixNanos;
use sqlx::query_scalar;

use super::{ADDRESS_BYTES_MAX, QuestionContent, SAVED_MAX, SavedQuestions};
use crate::fake_clock::FakeClock;
use crate::{Actor, Author, Database, Error};

fn content(name: &str) -> QuestionContent {
    QuestionContent::new(name, "", "explore?last=3h&view=table").unwrap()
}

/// Who may change what they made themselves.
fn reader(number: u32) -> Author {
    Author {
        actor: Actor::Key(number),
        name: format!("reader {number}"),
        changes_all: false,
    }
}

async fn open(dir: &tempfile::TempDir) -> (SavedQuestions, Database, Arc<FakeClock>) {
    let database = Database::open(&dir.path().join("control.sqlite"))
        .await
        .unwrap();
    let clock = Arc::new(FakeClock::default());
    let saved = SavedQuestions::new(database.clone(), clock.clone());
    (saved, database, clock)
}

#[test]
fn an_address_is_of_the_window_and_stays_below_its_base() {
    for address in [
        "",
        "explore",
        "?last=1h",
        "trace/4bf92f3577b34da6a3ce929d0e0e4736?span=00f067aa0ba902b7",
        "explore?where=%5B%7B%22field%22%3A%22name%22%7D%5D&columns=a..b//c:d",
        "sql?sql=SELECT%20'%C3%A9'",
    ] {
        let content = QuestionContent::new(" a name ", "", address).unwrap();
        assert_eq!((&*content.name, &*content.address), ("a name", address));
    }
    for address in [
        "/explore",
        "//evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "../explore",
        "explore/..",
        "explore/%2e%2e/api",
        "explore//",
        "\\evil",
        "api/v1/keys",
        "s/1",
        "explore#top",
        "explore?a b",
        "explore?é",
        "explore?\"",
    ] {
        let refused = QuestionContent::new("x", "", address).unwrap_err();
        assert!(
            refused.to_string().contains("no address of the window"),
            "{address}: {refused}"
        );
    }
}

#[test]
fn texts_are_refused_with_what_is_wrong() {
    let long = "ä".repeat(101);
    let description = "ä".repeat(1_001);
    let address = "a".repeat(ADDRESS_BYTES_MAX + 1);
    for (name, description, address, expected) in [
        ("", "", "", "`name` is one line of 1 to 100 characters"),
        (" \n ", "", "", "`name` is one line"),
        ("a\nb", "", "", "`name` is one line"),
        (&*long, "", "", "`name` has at most 100 characters"),
        ("a\u{1b}[31m", "", "", "`name` holds a control character"),
        ("a", &*description, "", "`description` has at most 1000"),
        ("a", "", &*address, "`address` has at most 8192 bytes"),
    ] {
        let refused = QuestionContent::new(name, description, address).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let lines = QuestionContent::new("ä", "one\r\ntwo", "").unwrap();
    assert_eq!(lines.description, "one\ntwo");
}

#[tokio::test]
async fn what_is_saved_is_listed_changed_and_deleted_and_its_number_is_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let (saved, database, clock) = open(&dir).await;
    clock.0.store(10, Relaxed);
    let slow = saved.add(content("slow"), &reader(7)).await.unwrap();
    let errors = saved.add(content("Errors"), &reader(8)).await.unwrap();
    assert_eq!((slow.number, errors.number), (1, 2));
    assert_eq!(slow.stamp.created_by, "reader 7");
    assert_eq!(saved.list().await.unwrap(), [errors.clone(), slow.clone()]);

    clock.0.store(20, Relaxed);
    let changed = saved.replace(1, content("slower"), &reader(7)).await;
    let changed = changed.unwrap();
    assert_eq!(changed, saved.find(1).await.unwrap());
    assert_eq!(changed.content.name, "slower");
    assert_eq!(changed.stamp.created_at, UnixNanos(10));
    assert_eq!(changed.stamp.changed_at, Some(UnixNanos(20)));

    for refused in [
        saved.replace(2, content("mine"), &reader(7)).await,
        saved.delete(2, &reader(7)).await,
    ] {
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("made by reader 8"), "{told}");
    }
    assert_eq!(saved.find(2).await.unwrap(), errors, "nothing changed");

    saved.delete(2, &reader(8)).await.unwrap();
    assert!(matches!(
        saved.find(2).await,
        Err(Error::NoSuch { number: 2, .. })
    ));
    assert!(saved.delete(2, &reader(8)).await.is_err());
    let next = saved.add(content("next"), &reader(8)).await.unwrap();
    assert_eq!(next.number, 3);

    let trail: Vec<String> = query_scalar(
        "SELECT actor || ' ' || action || ' ' || subject || ' ' || detail FROM changes ORDER BY number",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert_eq!(
        trail,
        [
            r#"key 7 create saved question 1 {"name":"slow"}"#,
            r#"key 8 create saved question 2 {"name":"Errors"}"#,
            r#"key 7 change saved question 1 {"name":"slower"}"#,
            r#"key 8 delete saved question 2 {"name":"Errors"}"#,
            r#"key 8 create saved question 3 {"name":"next"}"#,
        ]
    );
}

#[tokio::test]
async fn there_is_an_end_to_what_can_be_saved() {
    let dir = tempfile::tempdir().unwrap();
    let (saved, database, _) = open(&dir).await;
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
         INSERT INTO saved_questions (name, description, address, created_at, created_by) \
         SELECT 'x', '', '', 0, 'local' FROM n",
        SAVED_MAX - 1
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(fill))
        .execute(database.pool())
        .await
        .unwrap();
    saved.add(content("the last"), &reader(1)).await.unwrap();
    let refused = saved.add(content("one more"), &reader(1)).await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("2000 saved questions already"), "{told}");
    saved.delete(2_000, &reader(1)).await.unwrap();
    saved.add(content("one more"), &reader(1)).await.unwrap();
}
