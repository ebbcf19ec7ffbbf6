//! White space as Python's `str.split`, `strip` and `isspace` have it: Unicode's, and the four separators of ASCII.

/// Whether Python calls the character white space.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The pieces between white space, none of them empty.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|w| !w.is_empty())
}

/// The text without white space at its end.
pub(crate) fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// The text without white space at both ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The pieces with one space between them.
pub(crate) fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for word in words {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_wide_spaces_part_words() {
        let text = "\u{1c}a\u{1d}b\u{a0}c\u{3000}d\u{2028}\u{85}e\n";
        assert_eq!(words(text).collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
        assert_eq!(words("a\u{200b}b").count(), 1, "a zero-width space is no white space");
        assert_eq!(trim_end(" x\u{1f} "), " x");
    }
}
