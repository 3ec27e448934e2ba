//! A keyed permutation of the numbers from 1 to 2⁵² − 1, so that no two of them ever share a pseudonym.

use std::fmt;

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bits of a number. Doubles keep integers up to 2⁵³ exactly, so readers of JSON keep these.
const BITS: u32 = 52;

/// Bits of each half.
const HALF: u32 = BITS / 2;

/// All bits of a half.
const MASK: u64 = (1 << HALF) - 1;

/// Rounds of the network. Four make it indistinguishable from a random permutation to those who see few pairs; ten
/// is what the standard for format-preserving encryption (NIST SP 800-38G, FF1) takes for small domains.
const ROUNDS: u8 = 10;

/// A Feistel network of two halves, with HMAC-SHA-256 as the function of its rounds.
///
/// Round `i` (from 0) replaces the halves (L, R) by (R, L ⊕ F), where F is the low 26 bits of the first four bytes,
/// as a big-endian number, of HMAC(key, byte `i` ‖ R as four big-endian bytes).
#[derive(Clone)]
pub(super) struct Permutation {
    mac: Hmac<Sha256>,
}

impl Permutation {
    /// The permutation of a key.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { mac: keyed(key) }
    }

    /// The number in the place of this one, which is neither 0 nor has more than 52 bits; other numbers have none.
    ///
    /// The network permutes 0 too. Whoever would land on 0 takes the place where 0 lands.
    pub(super) fn apply(&self, number: u64) -> Option<u64> {
        if number == 0 || number >> BITS != 0 {
            return None;
        }
        Some(match self.network(number) {
            0 => self.network(0),
            found => found,
        })
    }

    fn network(&self, number: u64) -> u64 {
        let halves = (number >> HALF, number & MASK);
        let (left, right) = (0..ROUNDS).fold(halves, |(left, right), round| (right, left ^ self.round(round, right)));
        left << HALF | right
    }

    fn round(&self, round: u8, half: u64) -> u64 {
        let mut mac = self.mac.clone();
        let [_, _, _, _, a, b, c, d] = half.to_be_bytes();
        mac.update(&[round, a, b, c, d]);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let [a, b, c, d, ..] = digest;
        u64::from(u32::from_be_bytes([a, b, c, d])) & MASK
    }

    /// The number of which this one is the image.
    #[cfg(test)]
    pub(super) fn invert(&self, number: u64) -> u64 {
        let back = |number: u64| {
            let halves = (number >> HALF, number & MASK);
            let (left, right) =
                (0..ROUNDS).rev().fold(halves, |(left, right), round| (right ^ self.round(round, left), left));
            left << HALF | right
        };
        match back(number) {
            0 => back(0),
            found => found,
        }
    }
}

impl fmt::Debug for Permutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permutation(•••)")
    }
}

/// HMAC with a key. A key shorter than the block of the hash is filled up with zeros, as HMAC defines it.
pub(super) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::new(&block)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_are_scattered_and_never_collide() {
        let permutation = Permutation::new(&[1; 32]);
        let images: Vec<u64> = (1..=5_000).filter_map(|number| permutation.apply(number)).collect();
        assert_eq!(images.iter().collect::<HashSet<_>>().len(), 5_000);
        assert!(images.iter().all(|image| (1..1 << BITS).contains(image)));
        // About half of the steps go up, and about half of the images have their highest bit.
        let ups = images.windows(2).filter(|pair| pair[0] < pair[1]).count();
        let high = images.iter().filter(|image| **image >> (BITS - 1) == 1).count();
        assert!((2_300..2_700).contains(&ups) && (2_300..2_700).contains(&high), "{ups} {high}");
    }

    #[test]
    fn numbers_outside_have_no_image() {
        let permutation = Permutation::new(&[1; 32]);
        for number in [0, 1 << BITS, (1 << BITS) + 1, u64::MAX] {
            assert_eq!(permutation.apply(number), None, "{number}");
        }
        assert!(permutation.apply((1 << BITS) - 1).is_some());
    }

    /// The one number that the network sends to 0 takes the image of 0.
    #[test]
    fn nobody_lands_on_zero() {
        let permutation = Permutation::new(&[9; 32]);
        let of_zero = permutation.network(0);
        let to_zero = permutation.invert(of_zero);
        assert_eq!(permutation.network(to_zero), 0);
        assert_eq!(permutation.apply(to_zero), Some(of_zero));
    }

    proptest! {
        #[test]
        fn every_number_has_one_image_and_every_image_one_number(
            key in any::<[u8; 32]>(), number in 1_u64..1 << BITS,
        ) {
            let permutation = Permutation::new(&key);
            let image = permutation.apply(number).unwrap();
            prop_assert!((1..1 << BITS).contains(&image));
            prop_assert_eq!(permutation.invert(image), number);
            // The way back is into the whole domain as well: every number is somebody's image.
            prop_assert_eq!(permutation.apply(permutation.invert(number)), Some(number));
            prop_assert_eq!(Permutation::new(&key).apply(number), Some(image));
        }

        #[test]
        fn another_key_gives_another_image(
            key in any::<[u8; 32]>(), byte in 0_usize..32, number in 1_u64..1 << BITS,
        ) {
            let mut other = key;
            other[byte] ^= 1;
            prop_assert_ne!(Permutation::new(&key).apply(number), Permutation::new(&other).apply(number));
        }
    }
}
