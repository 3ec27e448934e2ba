//! Placeholder.

/// Key.
#[derive(Clone)]
pub struct PseudonymKey;

impl PseudonymKey {
    /// Key.
    pub fn from_bytes(_: [u8; 32]) -> Self {
        Self
    }
}
impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymKey")
    }
}
