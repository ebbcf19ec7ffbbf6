//! Unicode's general categories, as one table of bits.

use regex_syntax::hir::{Class, HirKind};
use std::sync::OnceLock;

/// Punctuation (P).
pub(crate) const PUNCTUATION: u8 = 1;
/// Symbols (S).
pub(crate) const SYMBOL: u8 = 2;
/// Numbers (N).
pub(crate) const NUMBER: u8 = 4;
/// Letters (L).
pub(crate) const LETTER: u8 = 8;
/// Marks (M).
pub(crate) const MARK: u8 = 16;

/// The characters of a class such as `\p{P}`, as ranges.
pub(crate) fn ranges(class: &str) -> Vec<(char, char)> {
    // The classes asked for are constants of this crate, and a test goes through all of them.
    let Ok(hir) = regex_syntax::parse(class) else { return vec![] };
    match hir.kind() {
        HirKind::Class(Class::Unicode(set)) => set.iter().map(|r| (r.start(), r.end())).collect(),
        _ => vec![],
    }
}

fn table() -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = vec![0u8; 0x11_0000];
        for (class, bit) in [(r"\p{P}", PUNCTUATION), (r"\p{S}", SYMBOL), (r"\p{N}", NUMBER), (r"\p{L}", LETTER), (r"\p{M}", MARK)] {
            for (from, to) in ranges(class) {
                table[from as usize..=to as usize].iter_mut().for_each(|t| *t |= bit);
            }
        }
        table
    })
}

/// Whether the character is in one of the classes.
pub(crate) fn is(c: char, classes: u8) -> bool {
    table()[c as usize] & classes != 0
}

/// `\w` of Python: letters, numbers and the underscore.
pub(crate) fn is_word(c: char) -> bool {
    c == '_' || is(c, LETTER | NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_there() {
        assert!(is('。', PUNCTUATION) && is('€', SYMBOL) && is('٣', NUMBER) && is('ж', LETTER) && is('\u{301}', MARK));
        assert!(!is('a', PUNCTUATION | SYMBOL | NUMBER | MARK) && !is(' ', LETTER));
        assert!(is_word('_') && !is_word('\u{301}') && is_word('½'));
    }
}
