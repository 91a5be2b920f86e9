use std::future::ready;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use crawlspace_model::{Clock, UnixNanos};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _, query};

use super::{Actor, Created, Keys, Stranger};
use crate::fake_clock::FakeClock;
use crate::{Database, Error, Key, KeyRequest, Scope, Secret, WebOrigin};

const MINUTE: i64 = 60_000_000_000;

async fn open(path: &Path) -> (Keys, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock(AtomicI64::new(MINUTE)));
    let database = Database::open(path).await.unwrap();
    let keys = Keys::open(database, Arc::clone(&clock) as Arc<dyn Clock>)
        .await
        .unwrap();
    (keys, clock)
}

async fn create(keys: &Keys, scope: Scope, origins: &[&str]) -> Created {
    let request = KeyRequest::new("a name", scope, origins).unwrap();
    keys.create(request, Actor::CommandLine).await.unwrap()
}

#[tokio::test]
async fn keys_outlive_a_restart_and_revoked_ones_stay_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sqlite");
    let (keys, clock) = open(&path).await;
    let browser = create(&keys, Scope::Browser, &["https://shop.example"]).await;
    let read = create(&keys, Scope::Read, &[]).await;
    assert_eq!((browser.key.number, read.key.number), (1, 2));
    assert_eq!(keys.check(&read.secret).unwrap().scope, Scope::Read);
    clock.0.store(5 * MINUTE, Relaxed);
    let revoked = keys.revoke(2, Actor::Key(1)).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(UnixNanos(5 * MINUTE)));
    assert_eq!(
        keys.check(&read.secret).unwrap_err(),
        Stranger::Revoked { number: 2 }
    );
    // Killed: not closed.
    drop(keys);

    let (keys, _) = open(&path).await;
    assert_eq!(
        keys.check(&read.secret).unwrap_err(),
        Stranger::Revoked { number: 2 }
    );
    assert_eq!(*keys.check(&browser.secret).unwrap(), browser.key);
    assert!(keys.has_had(Scope::Read) && !keys.has_had(Scope::Admin));
    let again = keys.revoke(2, Actor::Start).await.unwrap();
    assert_eq!(
        again.revoked_at, revoked.revoked_at,
        "the first time counts"
    );
    assert_eq!(
        create(&keys, Scope::Read, &[]).await.key.number,
        3,
        "a number is never given twice"
    );
}

#[tokio::test]
async fn what_is_not_exactly_a_secret_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, _) = open(&dir.path().join("control.sqlite")).await;
    let made = create(&keys, Scope::Ingest, &[]).await;
    let other = create(&keys, Scope::Admin, &[]).await;
    let secret = made.secret.expose().to_owned();
    let (front, random) = secret.rsplit_once('_').unwrap();
    let (_, other_random) = other.secret.expose().rsplit_once('_').unwrap();
    for wrong in [
        String::new(),
        random.to_owned(),
        format!("{secret}0"),
        format!("{secret} "),
        secret[..secret.len() - 1].to_owned(),
        secret.to_uppercase(),
        secret.replace("ingest", "admin"),
        secret.replace("_1_", "_2_"),
        secret.replace("_1_", "_9_"),
        format!("{front}_{other_random}"),
    ] {
        assert_eq!(
            keys.check(&Secret::new(&*wrong)).unwrap_err(),
            Stranger::Unknown,
            "{wrong}"
        );
    }
    assert_eq!(keys.check(&Secret::new(secret)).unwrap().number, 1);
}

#[tokio::test]
async fn uses_are_kept_to_the_minute() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sqlite");
    let (keys, clock) = open(&path).await;
    let made = create(&keys, Scope::Ingest, &[]).await;
    let used_at = |keys: &Keys| keys.list()[0].used_at.map(|at| at.0);
    assert_eq!(used_at(&keys), None);
    for (now, expected) in [
        (10 * MINUTE, 10 * MINUTE),
        (11 * MINUTE - 1, 10 * MINUTE),
        (11 * MINUTE, 11 * MINUTE),
    ] {
        clock.0.store(now, Relaxed);
        keys.check(&made.secret).unwrap();
        assert_eq!(used_at(&keys), Some(expected));
    }
    keys.run(ready(())).await;
    let (keys, _) = open(&path).await;
    assert_eq!(used_at(&keys), Some(11 * MINUTE));
}

#[tokio::test]
async fn origins_count_as_long_as_their_key_lives() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, _) = open(&dir.path().join("control.sqlite")).await;
    create(
        &keys,
        Scope::Browser,
        &["https://a.example", "https://b.example"],
    )
    .await;
    let listed = |origin: &str| keys.is_origin_listed(&WebOrigin::parse(origin).unwrap());
    assert!(
        listed("https://b.example:443")
            && !listed("http://b.example")
            && !listed("https://c.example")
    );
    keys.revoke(1, Actor::Anyone).await.unwrap();
    assert!(!listed("https://b.example"));
}

#[tokio::test]
async fn the_database_is_the_owners_alone_holds_no_secret_and_tells_who_changed_what() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sqlite");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (keys, _) = open(&path).await;
    let made = create(&keys, Scope::Admin, &[]).await;
    assert!(matches!(
        keys.revoke(7, Actor::Start).await,
        Err(Error::NoSuchKey { number: 7 })
    ));
    keys.revoke(1, Actor::Key(1)).await.unwrap();
    keys.revoke(1, Actor::Key(1)).await.unwrap();

    let (_, random) = made.secret.expose().rsplit_once('_').unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{entry:?}"
        );
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(
            !bytes
                .windows(random.len())
                .any(|window| window == random.as_bytes()),
            "{entry:?}"
        );
        files += 1;
    }
    assert!(files >= 2, "SQLite's side files are looked at too");

    let mut connection = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    let changes = query("SELECT actor, action, subject FROM changes ORDER BY number");
    let changes: Vec<[String; 3]> = changes
        .fetch_all(&mut connection)
        .await
        .unwrap()
        .iter()
        .map(|row| std::array::from_fn(|column| row.get(column)))
        .collect();
    assert_eq!(
        changes,
        [
            ["command line", "create", "key 1"],
            ["key 1", "revoke", "key 1"]
        ]
    );
}

#[tokio::test]
async fn a_key_changes_what_was_made_with_it_and_one_for_admin_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, _) = open(&dir.path().join("control.sqlite")).await;
    create(&keys, Scope::Read, &[]).await;
    create(&keys, Scope::Admin, &[]).await;
    let unnamed = KeyRequest::new("", Scope::Read, &[""; 0]).unwrap();
    keys.create(unnamed, Actor::CommandLine).await.unwrap();
    let author = |number| keys.author(Actor::Key(number));
    let local = keys.author(Actor::Anyone);
    assert_eq!(author(1).name, "a name");
    assert_eq!(author(3).name, "key 3");
    assert_eq!(local.name, "local");
    let now = UnixNanos(1);
    for (maker, changers) in [
        (author(1), [true, true, false, true]),
        (author(3), [false, true, true, true]),
        (local.clone(), [false, true, false, true]),
    ] {
        let stamp = maker.stamp(now);
        let found = [author(1), author(2), author(3), local.clone()];
        assert_eq!(
            found.map(|one| one.may_change(&stamp)),
            changers,
            "{maker:?}"
        );
    }
}

#[test]
fn a_key_has_no_text_form_with_its_secret() {
    let secret = Secret::new("cspace_read_1_00");
    let key = Key {
        number: 1,
        name: String::new(),
        scope: Scope::Read,
        origins: Vec::new(),
        created_at: UnixNanos(0),
        used_at: None,
        revoked_at: None,
    };
    assert!(!format!("{:?}", Created { key, secret }).contains("cspace"));
}
