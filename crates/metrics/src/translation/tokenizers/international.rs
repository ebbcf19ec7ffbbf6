//! `intl`: the international tokenization of mteval-v14, at Unicode's punctuation and symbols.

use crate::text::classes::{NUMBER, PUNCTUATION, SYMBOL, is};

pub(super) fn tokenize(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let before = pairs(&chars, |a, b| !is(a, NUMBER) && is(b, PUNCTUATION), |a, b| [a, ' ', b, ' ']);
    let after = pairs(&before, |a, b| is(a, PUNCTUATION) && !is(b, NUMBER), |a, b| [' ', a, ' ', b]);
    let mut out = String::with_capacity(line.len() * 2);
    for c in after {
        if is(c, SYMBOL) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

fn pairs(text: &[char], found: impl Fn(char, char) -> bool, replaced: impl Fn(char, char) -> [char; 4]) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    let mut i = 0;
    while i < text.len() {
        match text.get(i + 1) {
            Some(&next) if found(text[i], next) => {
                out.extend(replaced(text[i], next));
                i += 2;
            }
            _ => {
                out.push(text[i]);
                i += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::whitespace::{joined, words};

    #[test]
    fn marks_between_digits_stay() {
        let tokens = |line| joined(words(&tokenize(line)));
        assert_eq!(tokens("Es kostet 1.000,50€, „oder“?"), "Es kostet 1.000,50 € , „ oder “ ?");
        assert_eq!(tokens("in 2014."), "in 2014.", "the known fault of mteval-v14 is kept");
    }
}
