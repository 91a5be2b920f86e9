//! Which snapshots expire, and when the objects of removed parts are scheduled for deletion.

use std::collections::BTreeSet;

use crawlspace_model::{Table, UnixNanos};

use super::super::{Catalogue as _, Change, ColumnType};
use super::{Lake, SECOND, START, column, next_id, part, sql};

#[tokio::test]
async fn expiry_schedules_what_no_snapshot_left_can_see() {
    let lake = Lake::new().await;
    let parts = vec![
        part(Table::Spans, "a.parquet"),
        part(Table::Logs, "b.parquet"),
        part(Table::Logs, "c.parquet"),
    ];
    let ids = lake.add(parts).await;
    lake.pass(60);
    lake.remove(vec![ids[0]]).await;
    let between = lake.pass(60);
    lake.remove(vec![ids[1]]).await;
    let all = [
        "main/logs/b.parquet",
        "main/logs/c.parquet",
        "main/spans/a.parquet",
    ]
    .map(str::to_owned);

    assert_eq!(
        lake.catalogue.expire(UnixNanos(START)).await.unwrap(),
        0,
        "none is older than the first"
    );
    assert!(
        lake.catalogue
            .scheduled(UnixNanos(i64::MAX))
            .await
            .unwrap()
            .is_empty()
    );
    // Snapshots 0 to 3: all but that of the second `remove`.
    let expired_at = lake.pass(60);
    assert_eq!(lake.catalogue.expire(between).await.unwrap(), 4);
    // Snapshot 4 is left, the one that ended `b`: no snapshot sees a removed part any more.
    let scheduled = lake
        .catalogue
        .scheduled(UnixNanos(expired_at.0 + 1_000))
        .await
        .unwrap();
    assert_eq!(scheduled, [all[0].clone(), all[2].clone()]);
    assert!(
        lake.catalogue
            .scheduled(expired_at)
            .await
            .unwrap()
            .is_empty(),
        "nothing was scheduled before that"
    );
    assert_eq!(
        lake.catalogue.objects().await.unwrap(),
        BTreeSet::from(all.clone())
    );

    lake.catalogue.forget(&all[..1]).await.unwrap();
    assert_eq!(
        lake.catalogue.scheduled(UnixNanos(i64::MAX)).await.unwrap(),
        all[2..]
    );
    assert_eq!(
        lake.catalogue.objects().await.unwrap(),
        BTreeSet::from([all[1].clone(), all[2].clone()])
    );
    let contents = lake.catalogue.load().await.unwrap();
    assert_eq!(
        (contents.snapshot, contents.tables[&Table::Logs].parts[0].id),
        (4, ids[2])
    );
    let stats: i64 = sql(
        &lake.path(),
        "SELECT count(DISTINCT data_file_id) FROM ducklake_file_column_stats",
    )
    .await;
    assert_eq!(stats, 1);
}

#[tokio::test]
async fn expiry_keeps_parts_that_an_older_snapshot_left_still_sees() {
    let lake = Lake::new().await;
    let ids = lake.add(vec![part(Table::Spans, "a.parquet")]).await;
    let seen = lake.pass(60);
    lake.add(vec![]).await;
    lake.pass(60);
    lake.remove(ids).await;
    assert_eq!(lake.catalogue.expire(seen).await.unwrap(), 3);
    assert!(
        lake.catalogue
            .scheduled(UnixNanos(i64::MAX))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        lake.catalogue.expire(UnixNanos(i64::MAX)).await.unwrap(),
        1,
        "never the newest"
    );
    assert_eq!(
        lake.catalogue.scheduled(UnixNanos(i64::MAX)).await.unwrap(),
        ["main/spans/a.parquet"]
    );
    lake.add(vec![part(Table::Spans, "b.parquet")]).await;
}

#[tokio::test]
async fn what_was_announced_and_never_committed_is_given_up() {
    let lake = Lake::new().await;
    lake.add(vec![part(Table::Spans, "a.parquet")]).await;
    for path in ["main/spans/b.parquet", "main/spans/c.parquet"] {
        lake.catalogue.announce(path).await.unwrap();
        lake.pass(60);
    }
    let given_up = lake
        .catalogue
        .give_up(UnixNanos(START + 30 * SECOND))
        .await
        .unwrap();
    assert_eq!(given_up, ["main/spans/b.parquet"]);
    assert_eq!(
        lake.catalogue.scheduled(UnixNanos(i64::MAX)).await.unwrap(),
        given_up
    );
    let mut change = Change {
        new_parts: vec![part(Table::Spans, "b.parquet")],
        ..Change::default()
    };
    let late = lake.catalogue.commit(&change).await.unwrap_err();
    assert!(late.to_string().contains("was given up"), "{late}");
    change.new_parts = vec![part(Table::Spans, "c.parquet")];
    lake.catalogue.commit(&change).await.unwrap();
    let left = lake.catalogue.give_up(UnixNanos(i64::MAX)).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn columns_long_gone_leave_the_catalogue_and_their_ids_are_never_used_again() {
    let lake = Lake::new().await;
    let next = next_id(&lake.catalogue.load().await.unwrap(), Table::Spans);
    let new_columns = ["first", "last"].into_iter().zip(next..);
    let added = Change {
        new_columns: new_columns
            .map(|(name, id)| (Table::Spans, column(id, name, name, ColumnType::Text)))
            .collect(),
        ..Change::default()
    };
    lake.commit(&added).await.unwrap();
    let dropped = Change {
        dropped_columns: vec![(Table::Spans, next), (Table::Spans, next + 1)],
        ..Change::default()
    };
    lake.commit(&dropped).await.unwrap();
    lake.pass(60);
    lake.catalogue.expire(UnixNanos(i64::MAX)).await.unwrap();
    let ended = "SELECT count(*) FROM ducklake_column WHERE end_snapshot IS NOT NULL";
    assert_eq!(sql::<i64>(&lake.path(), ended).await, 1);
    let versions = "SELECT count(*) FROM ducklake_schema_versions WHERE table_id = 1";
    assert_eq!(sql::<i64>(&lake.path(), versions).await, 1);
    let contents = lake.reopen().await.unwrap().load().await.unwrap();
    assert_eq!(next_id(&contents, Table::Spans), next + 2);
}
