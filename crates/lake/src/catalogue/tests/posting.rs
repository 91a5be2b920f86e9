//! What is entered into the books with commits, and what is left of it.

use crawlspace_model::account::{Account, Count, Line, Outcome, Reason};
use crawlspace_model::{Signal, UnixNanos};
use proptest::prelude::{any, proptest};

use super::super::posting::{Posting, Seen, bytes_of, seen_of};
use super::super::{Catalogue as _, Change};
use super::{Lake, START, sql};

fn line(outcome: Outcome) -> Line {
    Line {
        day: 20_780,
        key: 7,
        signal: Signal::Metrics,
        outcome,
    }
}

fn seen(number: u8, received_at: UnixNanos) -> Seen {
    Seen {
        hash: [number; 16],
        received_at,
        accepted: 3,
        rejected: 1,
    }
}

fn change(records: u64, seen: Vec<Seen>) -> Change {
    let mut account = Account::of(line(Outcome::Stored), Count::request(records));
    account.add(
        line(Outcome::Refused(Reason::InvalidRecord)),
        Count::new(0, 1),
    );
    Change {
        posting: Posting { account, seen },
        ..Change::default()
    }
}

#[tokio::test]
async fn entries_add_up_over_commits_and_requests_are_forgotten_in_time() {
    let lake = Lake::new().await;
    let early = seen(1, UnixNanos(START));
    lake.catalogue
        .commit(&change(5, vec![early]))
        .await
        .unwrap();
    let late = seen(2, lake.pass(300));
    lake.catalogue.commit(&change(2, vec![late])).await.unwrap();
    let spoilt = Change {
        removed_parts: vec![99],
        ..change(1, vec![seen(3, UnixNanos(START))])
    };
    lake.catalogue.commit(&spoilt).await.unwrap_err();

    let books = lake.reopen().await.unwrap().load().await.unwrap().books;
    let mut account = Account::of(line(Outcome::Stored), Count::new(2, 7));
    account.add(
        line(Outcome::Refused(Reason::InvalidRecord)),
        Count::new(0, 2),
    );
    assert_eq!(books.account, account);
    assert_eq!(books.since, UnixNanos(START));
    assert_eq!(books.seen, [early, late]);

    for (seconds, left) in [(300, vec![early, late]), (1, vec![late]), (300, vec![])] {
        lake.pass(seconds);
        lake.catalogue.commit(&Change::default()).await.unwrap();
        let books = lake.catalogue.load().await.unwrap().books;
        assert_eq!(books.seen, left, "{seconds} seconds later");
        assert_eq!(books.account, account);
    }
}

#[tokio::test]
async fn a_catalogue_of_before_there_were_books_gets_them() {
    let lake = Lake::new().await;
    for statement in [
        "DROP TABLE crawlspace_account",
        "DROP TABLE crawlspace_seen",
        "DELETE FROM crawlspace_state WHERE key = 'counted_since'",
    ] {
        let one = format!("{statement}; SELECT 1");
        assert_eq!(sql::<i64>(&lake.path(), &one).await, 1);
    }
    let since = lake.pass(60);
    let again = lake.reopen().await.unwrap();
    again.commit(&change(4, Vec::new())).await.unwrap();
    let books = again.load().await.unwrap().books;
    assert_eq!(books.since, since);
    assert_eq!(books.account, change(4, Vec::new()).posting.account);
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(
        hash in any::<[u8; 16]>(), received_at in any::<i64>(), accepted in any::<u32>(), rejected in any::<u32>(),
    ) {
        let seen = Seen { hash, received_at: UnixNanos(received_at), accepted, rejected };
        assert_eq!(seen_of(&bytes_of(&seen)), seen);
    }
}
