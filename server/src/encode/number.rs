//! Numbers as text.

use arrow::util::display::lexical_to_string;

/// A floating point number; those of 16 bits are written as those of 32.
pub(super) trait Float: Copy {
    /// Appends the shortest digits that read back as the same number, `1.0` for a whole one, where all formats write
    /// the number alike; `false`, and nothing is appended, where each has its own way.
    ///
    /// The ways differ in exponents, in what is not finite, and where two texts of the same length are just as near to
    /// the number.
    fn push_plain(self, out: &mut Vec<u8>) -> bool;

    /// The number of 64 bits with the same digits: 0.1 as 32 bits is 0.1, not 0.10000000149011612.
    fn wide(self) -> f64;

    /// The shortest digits, with an exponent from eleven digits on. Only for finite numbers.
    fn json(self) -> String;
}

/// From here on, neither JSON nor the other formats write an exponent.
const SMALLEST: f64 = 1e-4;

impl Float for f64 {
    fn push_plain(self, out: &mut Vec<u8>) -> bool {
        let size = self.abs();
        if size != 0.0 && !(SMALLEST..1e9).contains(&size) {
            return false;
        }
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(self);
        // Numbers of 15 digits all differ. Of 16 or 17 digits, with at most 21 behind the point, two can be equally
        // near only to a number that ends, in full, with one more digit; it has that many bits behind the point.
        if text.len() > 16 && (self * f64::from(1 << 22)).fract() == 0.0 {
            return false;
        }
        out.extend_from_slice(text.as_bytes());
        true
    }

    fn wide(self) -> f64 {
        self
    }

    fn json(self) -> String {
        lexical_to_string(self)
    }
}

impl Float for f32 {
    fn push_plain(self, out: &mut Vec<u8>) -> bool {
        let size = f64::from(self).abs();
        // Further up, a text can lie exactly between two numbers of 32 bits, and whose it is is disputed.
        if size != 0.0 && !(SMALLEST..1e7).contains(&size) {
            return false;
        }
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(self);
        // As above, with numbers of 6 digits that all differ, and of up to 9.
        if text.len() > 7 && (f64::from(self) * f64::from(1 << 14)).fract() == 0.0 {
            return false;
        }
        out.extend_from_slice(text.as_bytes());
        true
    }

    fn wide(self) -> f64 {
        // Through its own text; every text of a float is one.
        self.to_string().parse().unwrap_or_else(|_| self.into())
    }

    fn json(self) -> String {
        lexical_to_string(self)
    }
}

/// Appends a whole number.
pub(super) fn push_integer(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
