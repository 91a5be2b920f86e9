//! Which snapshots expire, and when the objects of removed parts are scheduled for deletion.

use std::collections::BTreeSet;

use crawlspace_model::{Table, UnixNanos};

use super::super::Catalogue as _;
use super::{Lake, START, part, sql};

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
