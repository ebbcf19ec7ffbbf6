//! Scripts by Unicode's ranges.

use crate::text::classes::ranges;
use std::sync::OnceLock;

/// A script, by Unicode's name.
pub type Script = &'static str;

/// The scripts that are told apart; characters of others, and those that many scripts share, belong to none.
pub const SCRIPTS: [Script; 42] = [
    "Arabic",
    "Armenian",
    "Bengali",
    "Bopomofo",
    "Canadian_Aboriginal",
    "Cherokee",
    "Coptic",
    "Cyrillic",
    "Devanagari",
    "Ethiopic",
    "Georgian",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hebrew",
    "Hiragana",
    "Javanese",
    "Kannada",
    "Katakana",
    "Khmer",
    "Lao",
    "Latin",
    "Malayalam",
    "Meetei_Mayek",
    "Mongolian",
    "Myanmar",
    "Nko",
    "Ol_Chiki",
    "Oriya",
    "Sinhala",
    "Sundanese",
    "Syriac",
    "Tai_Le",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Vai",
];

/// The script of a character.
pub fn script_of(c: char) -> Option<Script> {
    static RUNS: OnceLock<Vec<(char, char, Script)>> = OnceLock::new();
    let runs = RUNS.get_or_init(|| {
        let of = |script: Script| ranges(&format!(r"\p{{Script={script}}}")).into_iter().map(move |(from, to)| (from, to, script));
        let mut runs: Vec<_> = SCRIPTS.iter().flat_map(|s| of(s)).collect();
        runs.sort_unstable();
        runs
    });
    let (from, _, script) = runs.get(runs.partition_point(|(_, to, _)| *to < c))?;
    (*from <= c).then_some(*script)
}

/// Characters by script, the most frequent first; of equal counts in the order of their names. Punctuation, digits and spaces do not
/// count.
pub fn script_counts(text: &str) -> Vec<(Script, usize)> {
    let mut counts: Vec<(Script, usize)> = SCRIPTS.iter().map(|s| (*s, 0)).collect();
    for script in text.chars().filter_map(script_of) {
        if let Ok(i) = counts.binary_search_by(|(name, _)| name.cmp(&script)) {
            counts[i].1 += 1;
        }
    }
    counts.retain(|(_, count)| *count > 0);
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_has_characters_and_names_are_in_order() {
        assert!(SCRIPTS.is_sorted());
        assert!(SCRIPTS.iter().all(|s| !ranges(&format!(r"\p{{Script={s}}}")).is_empty()));
    }

    #[test]
    fn texts_are_counted_by_script() {
        assert_eq!(script_counts("Привет, мир! ok 5"), [("Cyrillic", 9), ("Latin", 2)]);
        assert_eq!(script_counts("日本の語カ"), [("Han", 3), ("Hiragana", 1), ("Katakana", 1)]);
        assert_eq!(script_counts("123 …"), []);
        assert_eq!(
            [script_of('ا'), script_of('ก'), script_of('ह'), script_of('ሀ'), script_of('.')],
            [Some("Arabic"), Some("Thai"), Some("Devanagari"), Some("Ethiopic"), None]
        );
    }
}
