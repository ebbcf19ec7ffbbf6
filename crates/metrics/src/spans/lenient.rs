//! Spans as conlleval reads them, whatever the tags.

use super::{Spans, prefix};
use crate::error::Result;

/// Sentences are one text with a tag `O` behind each, as the reference reads them: prefixes that are not `B`, `I`, `E` or `S` may end
/// a span without having begun one, which then reaches back to the last beginning.
pub(super) fn spans(name: &str, sentences: &[Vec<&str>]) -> Result<Spans> {
    let mut spans = Spans::new();
    let (mut before, mut type_before, mut start, mut place) = ('O', "", 0, 0);
    for (sentence, tags) in sentences.iter().enumerate() {
        for (i, tag) in tags.iter().chain(&["O"]).enumerate() {
            let first = prefix(tag, || format!("{name}[{sentence}][{i}]"))?;
            let kind = type_of(&tag[first.len_utf8()..]);
            if ends(before, first, type_before == kind) {
                spans.entry(type_before.to_owned()).or_default().insert((0, start, place));
            }
            if starts(before, first, type_before == kind) {
                start = place;
            }
            (before, type_before) = (first, kind);
            place += 1;
        }
    }
    Ok(spans)
}

/// What stands behind the first hyphen, or all of it; `_` for nothing.
fn type_of(rest: &str) -> &str {
    let kind = rest.split_once('-').map_or(rest, |(_, kind)| kind);
    if kind.is_empty() { "_" } else { kind }
}

fn ends(before: char, tag: char, same: bool) -> bool {
    matches!((before, tag), ('E' | 'S', _) | ('B' | 'I', 'B' | 'S' | 'O')) || (before != 'O' && before != '.' && !same)
}

fn starts(before: char, tag: char, same: bool) -> bool {
    matches!((before, tag), (_, 'B' | 'S') | ('E' | 'S' | 'O', 'E' | 'I')) || (tag != 'O' && tag != '.' && !same)
}
