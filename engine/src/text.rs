//! Sentences for operators, in each language of the product.

/// Language of the texts that operators read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Lang {
    /// English, the default.
    #[default]
    En,
    /// French.
    Fr,
}

impl Lang {
    /// The language of a code such as `en`, `fr` or `fr_FR.UTF-8`; `None` when it is neither.
    pub fn from_code(code: &str) -> Option<Self> {
        match code.get(..2)?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "fr" => Some(Self::Fr),
            _ => None,
        }
    }
}

/// One sentence in English and in French. Build it with [`text!`](crate::text!).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// English form.
    pub en: String,
    /// French form.
    pub fr: String,
}

impl Text {
    /// The sentence in one language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Fr => &self.fr,
        }
    }
}

/// Formats one sentence in both languages: `text!("no table {name}", "aucune table {name}")`.
///
/// Values are captured by name in both formats, so both languages name the same facts.
#[macro_export]
macro_rules! text {
    ($en:literal, $fr:literal $(,)?) => {
        $crate::Text { en: format!($en), fr: format!($fr) }
    };
}
