//! Words on their way to text: stem, affixes, what they say, where they stand.

use crate::atom::Atom;
use crate::inventory::ConceptId;
use crate::language::LanguageConfig;
use crate::lexicon::{Lexicon, Suffix};
use crate::random::hash;
use std::ops::Range;

/// A word of a text with its truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands in the text, in bytes, without the mark after it.
    pub bytes: Range<usize>,
    /// Number of its concept, the same in every language; none of a sign.
    pub lexeme: Option<u16>,
    /// The word of the pivot with its affixes by the Leipzig rules: `kamu-PL-ACC`,
    /// or `ACC-PL-kamu` where affixes stand first.
    pub gloss: String,
    /// The pieces of meaning it says, in rising order.
    pub atoms: Vec<Atom>,
}

/// A text of one language with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text in the script of the language.
    pub text: String,
    /// Its words in order.
    pub tokens: Vec<Token>,
}

impl Text {
    /// The word at a place, as it is written.
    ///
    /// # Panics
    /// Beyond the last word.
    pub fn word(&self, index: usize) -> &str {
        &self.text[self.tokens[index].bytes.clone()]
    }
}

/// A word before it is written, in Latin letters.
#[derive(Debug, Default)]
pub(crate) struct Word {
    pub(crate) lexeme: Option<ConceptId>,
    pub(crate) stem: String,
    pub(crate) affixes: Vec<(Suffix, String)>,
    pub(crate) atoms: Vec<Atom>,
    /// The first of a sentence.
    pub(crate) capital: bool,
    /// Marks after it.
    pub(crate) mark: &'static str,
}

impl Word {
    /// Stem and affixes; the first affix is next to the stem.
    fn form(&self, prefixing: bool) -> String {
        let affixes = self.affixes.iter().map(|(_, form)| form.as_str());
        match prefixing {
            true => affixes.rev().chain([self.stem.as_str()]).collect(),
            false => [self.stem.as_str()].into_iter().chain(affixes).collect(),
        }
    }

    fn gloss(&self, pivot: &Lexicon, prefixing: bool) -> String {
        let stem = self.lexeme.map_or(self.stem.as_str(), |id| pivot.form(id));
        let tags = self.affixes.iter().map(|(affix, _)| tag(*affix));
        let parts: Vec<_> = match prefixing {
            true => tags.rev().chain([stem]).collect(),
            false => [stem].into_iter().chain(tags).collect(),
        };
        parts.join("-")
    }
}

/// Writes words one after the other; `noise` draws the spelling errors.
pub(crate) fn write(words: Vec<Word>, config: &LanguageConfig, pivot: &Lexicon, noise: Option<u64>) -> Text {
    let mut text = String::new();
    let mut tokens = Vec::with_capacity(words.len());
    for (index, word) in words.into_iter().enumerate() {
        let mut form = word.form(config.prefixing);
        let drawn = noise.map(|key| hash(key, "noise", &[index as u64])).filter(|drawn| drawn % 1000 < u64::from(config.noise_permille));
        if let (Some(drawn), true) = (drawn, word.lexeme.is_some()) {
            form = misspelt(&form, drawn / 1000);
        }
        // Forms are ASCII letters, so the first byte is the first letter.
        if let (true, Some(first)) = (word.capital, form.get_mut(..1)) {
            first.make_ascii_uppercase();
        }
        if !text.is_empty() {
            text.push(' ');
        }
        let start = text.len();
        text.push_str(&config.script.write(&form));
        let gloss = word.gloss(pivot, config.prefixing);
        let mut atoms = word.atoms;
        atoms.sort_unstable();
        tokens.push(Token { bytes: start..text.len(), lexeme: word.lexeme, gloss, atoms });
        text.push_str(word.mark);
    }
    Text { text, tokens }
}

/// The word with a letter doubled, dropped, or exchanged with the next one.
fn misspelt(form: &str, drawn: u64) -> String {
    let mut letters: Vec<char> = form.chars().collect();
    let at = (drawn / 3) as usize % letters.len().max(1);
    match drawn % 3 {
        0 if letters.len() > 2 => drop(letters.remove(at)),
        1 if at + 1 < letters.len() && letters[at] != letters[at + 1] => letters.swap(at, at + 1),
        _ => letters.insert(at, letters[at]),
    }
    letters.into_iter().collect()
}

/// The tag of an affix in a gloss.
fn tag(affix: Suffix) -> &'static str {
    match affix {
        Suffix::Plural => "PL",
        Suffix::Accusative => "ACC",
        Suffix::Dative => "DAT",
        Suffix::In => "IN",
        Suffix::On => "ON",
        Suffix::Near => "NEAR",
        Suffix::Under => "UNDER",
        Suffix::Than => "THAN",
        Suffix::Past => "PST",
        Suffix::Present => "PRS",
        Suffix::Future => "FUT",
        Suffix::First => "1SG",
        Suffix::Second => "2SG",
        Suffix::Third => "3SG",
        Suffix::FirstMany => "1PL",
        Suffix::SecondMany => "2PL",
        Suffix::ThirdMany => "3PL",
        Suffix::Relative => "REL",
        Suffix::Question => "Q",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_error_changes_the_word_by_one_letter() {
        for word in ["ka", "aa", "tomelo", "shauk"] {
            for drawn in 0..40 {
                let found = misspelt(word, drawn);
                assert_ne!(found, word);
                assert!(found.len().abs_diff(word.len()) <= 1);
            }
        }
    }
}
