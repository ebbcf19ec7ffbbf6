//! `zh`: Chinese characters one by one.

use super::mteval::{part_points, part_punctuation, text};
use crate::text::whitespace::trim;

/// The ranges of sacrebleu. Two of them were meant for the supplementary planes and, written with four digits, became
/// U+2001 to U+2A6D and U+2F81 to U+2FA1; scores are only equal if they stay so.
const RANGES: [(char, char); 22] = [
    ('\u{3400}', '\u{4db5}'),
    ('\u{4e00}', '\u{9fa5}'),
    ('\u{9fa6}', '\u{9fbb}'),
    ('\u{f900}', '\u{fa2d}'),
    ('\u{fa30}', '\u{fa6a}'),
    ('\u{fa70}', '\u{fad9}'),
    ('\u{2001}', '\u{2a6d}'),
    ('\u{2f81}', '\u{2fa1}'),
    ('\u{ff00}', '\u{ffef}'),
    ('\u{2e80}', '\u{2eff}'),
    ('\u{3000}', '\u{303f}'),
    ('\u{31c0}', '\u{31ef}'),
    ('\u{2f00}', '\u{2fdf}'),
    ('\u{2ff0}', '\u{2fff}'),
    ('\u{3100}', '\u{312f}'),
    ('\u{31a0}', '\u{31bf}'),
    ('\u{fe10}', '\u{fe1f}'),
    ('\u{fe30}', '\u{fe4f}'),
    ('\u{2600}', '\u{26ff}'),
    ('\u{2700}', '\u{27bf}'),
    ('\u{3200}', '\u{32ff}'),
    ('\u{3300}', '\u{33ff}'),
];

pub(super) fn tokenize(line: &str) -> String {
    let mut parted = String::with_capacity(line.len() * 2);
    for c in trim(line).chars() {
        if c >= '\u{2001}' && RANGES.iter().any(|&(from, to)| (from..=to).contains(&c)) {
            parted.extend([' ', c, ' ']);
        } else {
            parted.push(c);
        }
    }
    text(part_points(&part_punctuation(parted.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::whitespace::{joined, words};

    #[test]
    fn characters_part_and_other_words_do_not() {
        let tokens = |line| joined(words(&tokenize(line)));
        assert_eq!(tokens("我有3.5个 apples，好."), "我 有 3.5 个 apples ， 好 .");
        assert_eq!(tokens("\u{2014}a\u{20000}b"), "\u{2014} a\u{20000}b");
    }
}
