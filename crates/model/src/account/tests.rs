use super::{Account, Count, Line, Outcome, Reason, day_of};
use crate::{Signal, UnixNanos};

fn line(day: i32, outcome: Outcome) -> Line {
    Line {
        day,
        key: 0,
        signal: Signal::Traces,
        outcome,
    }
}

#[test]
fn every_outcome_is_found_by_its_name() {
    let outcomes = [Outcome::Stored, Outcome::Deduplicated, Outcome::SampledOut]
        .into_iter()
        .chain(Reason::ALL.map(Outcome::Refused));
    for outcome in outcomes {
        assert_eq!(Outcome::of_name(outcome.name()), Some(outcome));
    }
    assert_eq!(Outcome::of_name("lost"), None);
}

#[test]
fn what_is_deferred_is_not_received_and_the_rest_is() {
    let mut account = Account::of(line(1, Outcome::Stored), Count::new(2, 20));
    account.add(line(2, Outcome::Stored), Count::request(5));
    account.add(line(1, Outcome::Deduplicated), Count::request(5));
    account.add(
        line(1, Outcome::Refused(Reason::InvalidRecord)),
        Count::new(0, 3),
    );
    account.add(
        line(1, Outcome::Refused(Reason::TooLarge)),
        Count::request(0),
    );
    account.add(
        line(1, Outcome::Refused(Reason::Unavailable)),
        Count::new(9, 0),
    );
    let mut twice = account.clone();
    twice.add_all(&account);
    for (account, times) in [(account, 1), (twice, 2)] {
        let all = account.totals(|_| ());
        let total = &all[&()];
        assert_eq!(total.received, Count::new(5 * times, 33 * times));
        assert_eq!(total.stored, Count::new(3 * times, 25 * times));
        assert_eq!(total.refused[&Reason::TooLarge], Count::new(times, 0));
        assert_eq!(
            total.deferred[&Reason::Unavailable],
            Count::new(9 * times, 0)
        );
        let days = account.totals(|line| line.day);
        assert_eq!(days[&2].received, Count::new(times, 5 * times));
    }
}

#[test]
fn days_change_at_midnight_in_utc() {
    let midnight = 1_795_564_800_000_000_000;
    let days = [midnight - 1, midnight, -1, i64::MIN].map(|nanos| day_of(UnixNanos(nanos)));
    assert_eq!(days, [20_781, 20_782, -1, -106_752]);
}
