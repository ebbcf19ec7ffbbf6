//! Signatures: what a score was computed with, in sacrebleu's words.

use super::{References, SACREBLEU_VERSION};

/// Keys that every metric has in front, with their short forms.
const COMMON: [(&str, &str); 8] =
    [("nrefs", "#"), ("bs", "bs"), ("ar", "ar"), ("seed", "rs"), ("test", "t"), ("lang", "l"), ("origlang", "o"), ("subset", "S")];

/// A signature such as `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0`. Its version is sacrebleu's, whose score
/// this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    common: [Option<String>; 8],
    /// Key, short form, value.
    own: Vec<(&'static str, &'static str, String)>,
}

impl Signature {
    pub(crate) fn new(references: &References, own: Vec<(&'static str, &'static str, String)>) -> Self {
        let mut signature = Self { common: Default::default(), own };
        signature.set("nrefs", references.count().map_or_else(|| "var".to_owned(), |n| n.to_string()));
        signature
    }

    /// The same with a key that is not the metric's: `bs` and `ar` (samples), `seed`, `test`, `lang`, `origlang` or `subset`. Other keys change
    /// nothing.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    fn set(&mut self, key: &str, value: impl Into<String>) {
        if let Some(i) = COMMON.iter().position(|(name, _)| *name == key) {
            self.common[i] = Some(value.into());
        }
    }

    /// Long or short keys.
    pub fn format(&self, short: bool) -> String {
        let mut out = String::new();
        let mut push = |long: &str, brief: &str, value: &str| out.push_str(&format!("{}:{value}|", if short { brief } else { long }));
        for ((long, brief), value) in COMMON.iter().zip(&self.common) {
            if let Some(value) = value {
                push(long, brief, value);
            }
        }
        self.own.iter().for_each(|(long, brief, value)| push(long, brief, value));
        push("version", "v", SACREBLEU_VERSION);
        out.pop();
        out
    }
}

pub(crate) fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

pub(crate) fn case(lowercase: bool) -> String {
    if lowercase { "lc" } else { "mixed" }.to_owned()
}
