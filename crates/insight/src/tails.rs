//! How improbable a count is: tails of the binomial, the negative binomial and Student's distribution, all by the
//! regularized incomplete beta function (DLMF 8.17).

/// ln Γ(x) for x > 0: Stirling's series (DLMF 5.11.1), after the recurrence has made x large.
fn ln_gamma(x: f64) -> f64 {
    const LARGE: f64 = 10.0;
    const COEFFICIENTS: [f64; 5] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1_260.0,
        -1.0 / 1_680.0,
        1.0 / 1_188.0,
    ];
    let (mut x, mut shift) = (x, 0.0);
    while x < LARGE {
        shift -= x.ln();
        x += 1.0;
    }
    let square = x * x;
    let series = COEFFICIENTS
        .iter()
        .rev()
        .fold(0.0, |sum, c| c + sum / square)
        / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}

/// I_x(a, b): by its continued fraction (DLMF 8.17.22), evaluated from the front (Lentz).
pub(crate) fn beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(b, a, 1.0 - x);
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    front.exp() / a / fraction(a, b, x)
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TERMS_MAX: u32 = 10_000;
    const PRECISION: f64 = 1e-14;
    const TINY: f64 = 1e-300;
    let kept = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for term in 1..TERMS_MAX {
        let m = f64::from(term / 2);
        let coefficient = if term % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / kept(1.0 + coefficient * d);
        c = kept(1.0 + coefficient / c);
        value *= c * d;
        if (c * d - 1.0).abs() < PRECISION {
            break;
        }
    }
    value
}

/// The probability of at least `least` successes in `trials`, each with `chance`.
pub(crate) fn binomial_at_least(least: f64, trials: f64, chance: f64) -> f64 {
    if least <= 0.0 {
        1.0
    } else if least > trials {
        0.0
    } else {
        beta(least, trials - least + 1.0, chance)
    }
}

/// The probability of a count of at least `least`, where `mean` is expected and the mean itself varies from time to time
/// by the share `spread` (as a standard deviation): the negative binomial, Poisson's where nothing varies.
pub(crate) fn count_at_least(least: f64, mean: f64, spread: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let shape = 1.0 / spread.max(1e-4).powi(2);
    beta(least, shape, mean / (mean + shape))
}

/// The same of a count of at most `most`.
pub(crate) fn count_at_most(most: f64, mean: f64, spread: f64) -> f64 {
    let shape = 1.0 / spread.max(1e-4).powi(2);
    beta(shape, most.max(0.0) + 1.0, shape / (mean + shape))
}

/// The probability that Student's t is at least so far from 0, on either side.
pub(crate) fn student_beyond(t: f64, freedom: f64) -> f64 {
    beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

#[cfg(test)]
mod tests {
    use super::{binomial_at_least, count_at_least, count_at_most, ln_gamma, student_beyond};

    fn near(value: f64, expected: f64) {
        assert!(
            (value / expected - 1.0).abs() < 1e-6,
            "{value} is not {expected}"
        );
    }

    fn factorial(number: u32) -> f64 {
        (1..=number).map(f64::from).product()
    }

    #[test]
    fn gamma_is_the_factorial() {
        for number in [1, 2, 5, 20, 50] {
            near(ln_gamma(f64::from(number) + 1.0).exp(), factorial(number));
        }
        near(ln_gamma(0.5).exp(), std::f64::consts::PI.sqrt());
    }

    #[test]
    fn tails_are_the_sums_of_their_terms() {
        let choose = |n: u32, k: u32| factorial(n) / factorial(k) / factorial(n - k);
        for (least, trials, chance) in [
            (3_u32, 20_u32, 0.001_f64),
            (1, 5, 0.5),
            (20, 20, 0.9),
            (7, 30, 0.1),
        ] {
            let term = |k: u32| {
                let (k_, rest) = (
                    i32::try_from(k).unwrap(),
                    i32::try_from(trials - k).unwrap(),
                );
                choose(trials, k) * chance.powi(k_) * (1.0 - chance).powi(rest)
            };
            let sum: f64 = (least..=trials).map(term).sum();
            near(
                binomial_at_least(f64::from(least), f64::from(trials), chance),
                sum,
            );
        }
        // Poisson's, up to its shape being finite.
        let poisson: f64 = (0..=3)
            .map(|k| (-8.0_f64).exp() * 8.0_f64.powi(k) / factorial(k.unsigned_abs()))
            .sum();
        assert!((count_at_most(3.0, 8.0, 0.0) / poisson - 1.0).abs() < 1e-3);
        near(
            count_at_most(3.0, 8.0, 0.3) + count_at_least(4.0, 8.0, 0.3),
            1.0,
        );
        // Of a table: t of 2.228 with 10 degrees of freedom leaves 5%.
        assert!((student_beyond(2.228, 10.0) - 0.05).abs() < 1e-4);
    }
}
