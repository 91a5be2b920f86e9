use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Histogram;
use super::percentile::Buckets;

fn explicit(bounds: &[f64], counts: &[u64]) -> Histogram {
    Histogram::Explicit {
        bounds: bounds.to_vec(),
        counts: counts.to_vec(),
    }
}

fn exponential(scale: i32, positive: &[(i64, u64)]) -> Histogram {
    Histogram::Exponential {
        scale,
        zero_count: 0,
        zero_threshold: 0.0,
        positive: positive.iter().copied().collect(),
        negative: BTreeMap::new(),
    }
}

fn percentile(histograms: &[Histogram], fraction: f64) -> Option<(f64, f64)> {
    let mut buckets = Buckets {
        fraction,
        gives_error: false,
        counts: BTreeMap::new(),
    };
    for [lower, upper, count] in histograms.iter().flat_map(Histogram::buckets) {
        let key = (lower.to_bits(), upper.to_bits());
        *buckets.counts.entry(key).or_insert(0.0) += count;
    }
    buckets.percentile()
}

#[test]
fn percentiles_are_those_of_prometheus() {
    // Values of `histogram_quantile` for these buckets, by its documented formula.
    let of = explicit(&[1.0, 2.0, 5.0], &[4, 4, 2, 0]);
    for (fraction, expected) in [(0.2, 0.5), (0.4, 1.0), (0.6, 1.5), (0.9, 3.5), (1.0, 5.0)] {
        let (value, error) = percentile(std::slice::from_ref(&of), fraction).unwrap();
        assert!((value - expected).abs() < 1e-12, "{fraction}: {value}");
        assert!(
            error.is_infinite() == (value <= 1.0) && error >= 0.0,
            "{fraction}: {error}"
        );
    }
    let above = explicit(&[1.0, 2.0], &[0, 0, 3]);
    assert_eq!(percentile(&[above], 0.5), Some((2.0, f64::INFINITY)));
    let below = explicit(&[-1.0, 2.0], &[3, 0, 0]);
    assert_eq!(percentile(&[below], 0.5).unwrap().0, -1.0);
    assert_eq!(percentile(&[explicit(&[], &[7])], 0.5), None);
    assert_eq!(
        percentile(&[exponential(0, &[(1, 4)])], 0.5),
        Some((3.0, 1.0))
    );
}

#[test]
fn a_point_adds_what_the_one_before_did_not_have() {
    let minus = |new: &Histogram, old: &Histogram| new.minus(old);
    let old = explicit(&[1.0], &[2, 3]);
    assert_eq!(
        minus(&explicit(&[1.0], &[2, 5]), &old),
        Some(explicit(&[1.0], &[0, 2]))
    );
    assert_eq!(
        minus(&explicit(&[1.0], &[1, 9]), &old),
        None,
        "a bucket fell"
    );
    assert_eq!(
        minus(&explicit(&[2.0], &[2, 5]), &old),
        None,
        "another layout"
    );
    let fine = exponential(1, &[(2, 3), (3, 1)]);
    let coarse = exponential(0, &[(1, 6), (4, 1)]);
    let expected = exponential(0, &[(1, 2), (4, 1)]);
    assert_eq!(minus(&coarse, &fine), Some(expected), "a coarser scale");
    let full = exponential(1, &[(2, u64::MAX), (3, 1)]);
    assert_eq!(
        full.rescaled(0),
        exponential(0, &[(1, u64::MAX)]),
        "too many"
    );
}

proptest! {
    /// Values put into buckets of two layouts: their true percentile is as near as the error says.
    #[test]
    fn the_true_percentile_is_within_the_error(
        values in prop::collection::vec((0.01..900.0_f64, any::<bool>()), 1..60),
        fraction in 0.0..=1.0_f64,
    ) {
        let layouts = [vec![1.0, 10.0, 100.0, 1_000.0], vec![0.5, 7.0, 300.0, 2_000.0]];
        let of = |is_first: bool| {
            let bounds = &layouts[usize::from(!is_first)];
            let mut counts = vec![0; bounds.len() + 1];
            for (value, _) in values.iter().filter(|(_, layout)| *layout == is_first) {
                counts[bounds.partition_point(|bound| bound < value)] += 1;
            }
            explicit(bounds, &counts)
        };
        let (found, error) = percentile(&[of(true), of(false)], fraction).unwrap();
        let mut sorted: Vec<f64> = values.iter().map(|(value, _)| *value).collect();
        sorted.sort_by(f64::total_cmp);
        let rank = (fraction * sorted.len() as f64).ceil().max(1.0) as usize;
        let truth = sorted[rank - 1];
        prop_assert!((found - truth).abs() <= error + 1e-9, "{found} ± {error}, but {truth}");
    }
}
