//! Random numbers and arithmetic with the same result on every machine.
//!
//! The C library's `exp` and `ln` differ in the last bit between systems, and one bit is enough to move a session.
//! So everything here is made of IEEE operations with an exact definition and of integers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Number of entries of a [`Quantiles`] table: values rarer than one in twice this many are never drawn.
const QUANTILES: usize = 4096;

/// Scrambles two numbers into one (the finaliser of splitmix64): properties of users and modules that need no state.
pub fn scramble(a: u64, b: u64) -> u64 {
    let mut x = a ^ b.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A number in 0..1 from 64 random bits.
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// A number in 0..n from 64 random bits; 0 when n is 0.
pub fn below(bits: u64, n: u64) -> u64 {
    ((u128::from(bits) * u128::from(n)) >> 64) as u64
}

/// A reproducible stream of random bits, one for every (seed, user, stream).
#[derive(Debug, Clone)]
pub struct Source(ChaCha8Rng);

impl Source {
    /// The stream of a user: `stream` tells days and purposes apart.
    pub fn new(seed: u64, user: u32, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..12].copy_from_slice(&user.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self(rng)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in 0..n; 0 when n is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        below(self.bits(), n)
    }

    /// True so many times in a thousand.
    pub fn permille(&mut self, n: u32) -> bool {
        self.below(1000) < u64::from(n)
    }
}

/// A distribution of whole numbers as a table of its quantiles.
#[derive(Debug, Clone)]
pub struct Quantiles(Vec<u32>);

impl Quantiles {
    /// Log-normal with this median and this standard deviation of the logarithm, rounded, cut to `min..=max`.
    pub fn log_normal(median: f64, sigma: f64, min: u32, max: u32) -> Self {
        let value = |index: usize| {
            let p = (index as f64 + 0.5) / QUANTILES as f64;
            let x = median * exp(sigma * normal_quantile(p));
            (x + 0.5).clamp(f64::from(min), f64::from(max)) as u32
        };
        Self((0..QUANTILES).map(value).collect())
    }

    /// The value that 64 random bits choose.
    pub fn draw(&self, bits: u64) -> u32 {
        self.0[(bits >> 52) as usize]
    }

    /// The exact mean of what [`Quantiles::draw`] gives.
    pub fn mean(&self) -> f64 {
        self.0.iter().map(|&x| f64::from(x)).sum::<f64>() / self.0.len() as f64
    }
}

/// A choice among weighted possibilities.
#[derive(Debug, Clone)]
pub struct Weighted(Vec<u64>);

impl Weighted {
    /// A choice with these weights; the first possibility always when no weight is positive.
    pub fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let sums: Vec<f64> = weights
            .into_iter()
            .map(|weight| {
                sum += weight.max(0.0);
                sum
            })
            .collect();
        let scale = if sum > 0.0 { (1u64 << 53) as f64 / sum } else { 0.0 };
        Self(sums.into_iter().map(|bound| (bound * scale) as u64).collect())
    }

    /// The index that 64 random bits choose.
    pub fn draw(&self, bits: u64) -> usize {
        let x = bits >> 11;
        self.0.partition_point(|&bound| bound <= x).min(self.0.len().saturating_sub(1)) * usize::from(self.any())
    }

    fn any(&self) -> bool {
        self.0.last().is_some_and(|&bound| bound > 0)
    }
}

/// A Poisson number with mean `lambda`, from bits derived from `key`.
pub fn poisson(lambda: f64, key: u64) -> u32 {
    // Sums of Poisson numbers are Poisson: pieces of at most 16 keep exp(-piece) well above zero.
    let (mut count, mut rest, mut piece) = (0, lambda, 0);
    while rest > 0.0 {
        let mean = rest.min(16.0);
        rest -= mean;
        let u = unit(scramble(key, piece));
        piece += 1;
        let (mut term, mut k) = (exp(-mean), 0u32);
        let mut sum = term;
        while u >= sum && k < 100 {
            k += 1;
            term *= mean / f64::from(k);
            sum += term;
        }
        count += k;
    }
    count
}

/// e to the power of x, for |x| below 700.
pub fn exp(x: f64) -> f64 {
    use std::f64::consts::{LN_2, LOG2_E};
    let k = (x * LOG2_E).round();
    let r = x - k * LN_2;
    // Taylor's series for |r| <= ln(2)/2: the first term left out is below 1e-18.
    let sum = (1..=16).rev().fold(1.0, |sum, n| 1.0 + sum * r / f64::from(n));
    let power = (1023 + k.clamp(-1022.0, 1023.0) as i64) as u64;
    sum * f64::from_bits(power << 52)
}

/// The natural logarithm of a positive, normal number.
pub fn ln(x: f64) -> f64 {
    use std::f64::consts::{LN_2, SQRT_2};
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7FF) as i64 - 1023;
    let mut m = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if m > SQRT_2 {
        m /= 2.0;
        exponent += 1;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), whose series converges quickly as |s| < 0.18.
    let s = (m - 1.0) / (m + 1.0);
    let series = (0..12).rev().fold(0.0, |sum, n| sum * s * s + 1.0 / f64::from(2 * n + 1));
    exponent as f64 * LN_2 + 2.0 * s * series
}

/// x to the power of y, for positive x.
pub fn pow(x: f64, y: f64) -> f64 {
    exp(y * ln(x))
}

/// The p-quantile of the standard normal distribution, 0 < p < 1, by bisection on its distribution function.
pub fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-6.0, 6.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if normal_below(middle) < p { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// Probability that a standard normal number is below x, for |x| <= 6: phi(x) times the series of odd powers.
fn normal_below(x: f64) -> f64 {
    const TWO_PI: f64 = std::f64::consts::TAU;
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > 1e-17 {
        n += 2.0;
        term *= x * x / n;
        sum += term;
    }
    0.5 + exp(-x * x / 2.0) / TWO_PI.sqrt() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_agrees_with_the_library() {
        for i in -400..400 {
            let x = f64::from(i) / 7.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp({x})");
            let y = x.exp();
            assert!((ln(y) - y.ln()).abs() < 1e-13, "ln({y})");
        }
        assert!((pow(3.0, 0.5) - 3f64.sqrt()).abs() < 1e-14);
    }

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        for (p, x) in [(0.5, 0.0), (0.8413447460685429, 1.0), (0.975, 1.959963984540054), (0.0001, -3.719016485455709)]
        {
            assert!((normal_quantile(p) - x).abs() < 1e-9, "{p}");
        }
    }

    #[test]
    fn log_normal_has_its_median_and_mean() {
        let table = Quantiles::log_normal(100.0, 0.5, 0, 1_000_000);
        assert_eq!(table.draw(1 << 63), 100);
        // The mean of a log-normal distribution is median * exp(sigma^2 / 2).
        assert!((table.mean() / (100.0 * 0.125f64.exp()) - 1.0).abs() < 0.002, "{}", table.mean());
    }

    #[test]
    fn weights_are_kept_and_poisson_has_its_mean() {
        let choice = Weighted::new([1.0, 0.0, 3.0]);
        let mut counts = [0; 3];
        let mut source = Source::new(1, 2, 3);
        (0..40_000).for_each(|_| counts[choice.draw(source.bits())] += 1);
        assert!(counts[1] == 0 && (9_600..10_400).contains(&counts[0]), "{counts:?}");
        assert_eq!(Weighted::new([0.0, 0.0]).draw(u64::MAX), 0);
        for lambda in [0.3, 5.0, 40.0] {
            let total: u32 = (0..20_000).map(|key| poisson(lambda, key)).sum();
            assert!((f64::from(total) / 20_000.0 / lambda - 1.0).abs() < 0.03, "{lambda}");
        }
    }

    #[test]
    fn streams_are_apart_and_repeat() {
        let first = Source::new(1, 2, 3).bits();
        assert_eq!(first, Source::new(1, 2, 3).bits());
        for other in [(2, 2, 3), (1, 3, 3), (1, 2, 4)] {
            assert_ne!(first, Source::new(other.0, other.1, other.2).bits());
        }
        assert_eq!((below(u64::MAX, 10), below(0, 10), below(5, 0)), (9, 0, 0));
    }
}
