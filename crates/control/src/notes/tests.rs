use std::sync::Arc;

use crawlspace_model::UnixNanos;

use super::{Notes, NotesWanted};
use crate::fake_clock::FakeClock;
use crate::{About, Actor, Author, Database, Error, NoteContent};

fn content(start: i64, end: Option<i64>, text: &str) -> NoteContent {
    NoteContent::new(UnixNanos(start), end.map(UnixNanos), text, Vec::new()).unwrap()
}

fn about(field: &str, value: &str) -> About {
    About {
        field: field.to_owned(),
        value: value.to_owned(),
    }
}

fn reader(number: u32) -> Author {
    Author {
        actor: Actor::Key(number),
        name: String::new(),
        changes_all: false,
    }
}

async fn open(dir: &tempfile::TempDir) -> Notes {
    let database = Database::open(&dir.path().join("control.sqlite"))
        .await
        .unwrap();
    Notes::new(database, Arc::new(FakeClock::default()))
}

#[test]
fn wrong_notes_are_refused_with_what_is_wrong() {
    let long = "x".repeat(2_001);
    for (end, text, about, expected) in [
        (None, " ", vec![], "`text` is empty"),
        (None, &*long, vec![], "`text` has at most 2000 characters"),
        (None, "a\u{0}", vec![], "`text` holds a control character"),
        (Some(9), "a", vec![], "`end` is before its `time`"),
        (None, "a", vec![about("f", "v"); 11], "at most 10 fields"),
        (None, "a", vec![about("", "v")], "`about` is one line of 1"),
        (None, "a", vec![about("f", "")], "`about` is one line of 1"),
    ] {
        let refused = NoteContent::new(UnixNanos(10), end.map(UnixNanos), text, about);
        let told = refused.unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn notes_of_a_range_are_those_that_have_a_part_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let notes = open(&dir).await;
    for (start, end) in [(10, None), (20, Some(40)), (50, None), (50, None)] {
        let note = content(start, end, "x");
        notes.add(note, &reader(1)).await.unwrap();
    }
    for (start, end, limit, expected, cut) in [
        (None, None, 10, &[4, 3, 2, 1][..], false),
        (None, None, 3, &[4, 3, 2], true),
        (None, None, 4, &[4, 3, 2, 1], false),
        (Some(10), Some(11), 10, &[1], false),
        (Some(11), Some(20), 10, &[], false),
        (Some(11), Some(21), 10, &[2], false),
        (Some(30), Some(35), 10, &[2], false),
        (Some(40), Some(50), 10, &[2], false),
        (Some(41), None, 10, &[4, 3], false),
        (None, Some(50), 10, &[2, 1], false),
    ] {
        let wanted = NotesWanted {
            start: start.map(UnixNanos),
            end: end.map(UnixNanos),
            limit,
        };
        let found = notes.list(wanted).await.unwrap();
        let numbers: Vec<u32> = found.notes.iter().map(|note| note.number).collect();
        assert_eq!((&*numbers, found.cut), (expected, cut), "{wanted:?}");
    }
}

#[tokio::test]
async fn notes_are_changed_and_deleted_by_those_who_made_them() {
    let dir = tempfile::tempdir().unwrap();
    let notes = open(&dir).await;
    let mut first = content(10, None, "a deploy");
    first.about = vec![about("service.name", "cart")];
    let made = notes.add(first.clone(), &reader(1)).await.unwrap();
    assert_eq!(made, notes.find(1).await.unwrap());
    assert_eq!(made.content, first);
    let better = content(10, Some(30), "a deploy\nthat went wrong");
    let refused = notes.replace(1, better.clone(), &reader(2)).await;
    assert!(matches!(refused, Err(Error::NotYours { .. })));
    assert!(notes.delete(1, &reader(2)).await.is_err());
    let changed = notes.replace(1, better.clone(), &reader(1)).await.unwrap();
    assert_eq!(changed, notes.find(1).await.unwrap());
    assert_eq!(changed.content, better);
    notes.delete(1, &reader(1)).await.unwrap();
    assert!(matches!(notes.find(1).await, Err(Error::NoSuch { .. })));
    let next = notes.add(first, &reader(1)).await.unwrap();
    assert_eq!(next.number, 2);
}
