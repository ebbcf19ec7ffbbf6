//! The Western part of mteval-v13a, which `13a`, `zh` and Tercom share.
//!
//! All its rules are about ASCII characters, so they run over bytes; the bytes of other characters pass unchanged.

/// Punctuation that always stands alone: ASCII's, but for apostrophe, comma, hyphen and full stop. In the reference the space is one
/// of them too, but more spaces in the place of one part nothing that one does not.
fn stands_alone(byte: u8) -> bool {
    matches!(byte, b'!'..=b'&' | b'('..=b'+' | b'/' | b':'..=b'@' | b'['..=b'`' | b'{'..=b'~')
}

fn is_point(byte: u8) -> bool {
    byte == b'.' || byte == b','
}

/// Spaces around characters that stand alone.
pub(super) fn part_punctuation(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    for &byte in text {
        if stands_alone(byte) {
            out.extend([b' ', byte, b' ']);
        } else {
            out.push(byte);
        }
    }
    out
}

/// Full stops and commas part from what is no digit before them, then from what is no digit after them; hyphens from digits
/// before them. Each rule goes over the text once and does not look at a character twice, as the regular expressions do.
pub(super) fn part_points(text: &[u8]) -> Vec<u8> {
    let mut parted = text.to_vec();
    if text.iter().any(|b| is_point(*b)) {
        let before = pairs(text, |a, b| !a.is_ascii_digit() && is_point(b), |a, b| [a, b' ', b, b' ']);
        parted = pairs(&before, |a, b| is_point(a) && !b.is_ascii_digit(), |a, b| [b' ', a, b' ', b]);
    }
    if parted.contains(&b'-') {
        parted = pairs(&parted, |a, b| a.is_ascii_digit() && b == b'-', |a, b| [a, b' ', b, b' ']);
    }
    parted
}

fn pairs(text: &[u8], found: impl Fn(u8, u8) -> bool, replaced: impl Fn(u8, u8) -> [u8; 4]) -> Vec<u8> {
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

/// Bytes of a text into which only ASCII characters were put, between whole characters.
pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// `&quot;`, `&amp;`, `&lt;`, `&gt;` in that order, so that `&amp;lt;` becomes `<`.
pub(super) fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

pub(super) fn v13a(line: &str) -> String {
    let mut plain;
    let mut line = line;
    if line.contains("<skipped>") || line.contains('\n') {
        plain = line.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
        line = &plain;
    }
    if line.contains('&') {
        plain = unescape(line);
        line = &plain;
    }
    let mut padded = Vec::with_capacity(line.len() + 2);
    padded.push(b' ');
    padded.extend(line.as_bytes());
    padded.push(b' ');
    text(part_points(&part_punctuation(&padded)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::whitespace::{joined, words};

    fn tokens(line: &str) -> String {
        joined(words(&v13a(line)))
    }

    #[test]
    fn rules_of_mteval() {
        assert_eq!(tokens("It costs 1,000.50, doesn't it? (5-4)..."), "It costs 1,000.50 , doesn't it ? ( 5 - 4 ) . . .");
        assert_eq!(tokens("&amp;lt;b&gt; &quot;x&quot;"), "< b > \" x \"");
        assert_eq!(tokens("well-\nknown\nwords <skipped>end"), "wellknown words end");
        assert_eq!(tokens("дом.Сад,1"), "дом . Сад , 1");
        assert_eq!(tokens(""), "");
    }
}
