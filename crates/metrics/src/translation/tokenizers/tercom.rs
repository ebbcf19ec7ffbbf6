//! The tokenizer of Tercom, which TER uses.

use super::mteval::{part_points, part_punctuation, text, unescape};
use crate::text::whitespace::{joined, words};

/// What the tokenizer does to a text before it is cut at white space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tercom {
    pub normalized: bool,
    pub no_punct: bool,
    pub asian_support: bool,
    pub case_sensitive: bool,
}

impl Tercom {
    pub(crate) fn apply(self, line: &str) -> String {
        let mut line = if self.case_sensitive { line.to_owned() } else { line.to_lowercase() };
        if self.normalized {
            line = western(&line);
            if self.asian_support {
                line = part(&line);
            }
        }
        if self.no_punct {
            let goes = |c: char| ".,?:;!\"()".contains(c) || (self.asian_support && is_asian_mark(c));
            line.retain(|c| !goes(c));
        }
        joined(words(&line))
    }
}

fn western(line: &str) -> String {
    let line = unescape(&line.replace("\n-", "").replace('\n', " "));
    let parted = text(part_punctuation(format!(" {line} ").as_bytes()));
    text(part_points(parted.replace("'s ", " 's ").as_bytes()))
}

/// Spaces around ideographs and Asian punctuation. sacrebleu also has rules for runs of kana, but they are tied to the start of
/// the text, where a space stands by then, and never apply. The range from U+3200 is meant to end at U+32FF and ends at U+3F22.
fn part(line: &str) -> String {
    let mut out = String::with_capacity(line.len() * 2);
    for c in line.chars() {
        let alone = matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{31c0}'..='\u{31ef}' | '\u{2e80}'..='\u{2eff}')
            || matches!(c, '\u{3200}'..='\u{3f22}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}')
            || is_asian_mark(c);
        if alone {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

fn is_asian_mark(c: char) -> bool {
    let asian = matches!(c, '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{ff61}'..='\u{ff65}' | '\u{30fb}');
    asian || "\u{ff0e}\u{ff0c}\u{ff1f}\u{ff1a}\u{ff1b}\u{ff01}\u{ff02}\u{ff08}\u{ff09}".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say_what_is_parted_and_what_goes() {
        let plain = Tercom::default();
        assert_eq!(plain.apply("The  Dog's 5-4."), "the dog's 5-4.");
        assert_eq!(Tercom { case_sensitive: true, ..plain }.apply("The Dog"), "The Dog");
        assert_eq!(Tercom { normalized: true, ..plain }.apply("The Dog's 5-4. &amp;"), "the dog 's 5 - 4 . &");
        assert_eq!(Tercom { normalized: true, ..plain }.apply("我们。"), "我们。");
        assert_eq!(Tercom { normalized: true, asian_support: true, ..plain }.apply("我们。カナ"), "我 们 。 カナ");
        assert_eq!(Tercom { no_punct: true, ..plain }.apply("a, b。(c)"), "a b。c");
        assert_eq!(Tercom { no_punct: true, asian_support: true, ..plain }.apply("a, b。（c）"), "a bc");
    }
}
