//! Spans as conlleval reads them, whatever the tags.

use super::{Spans, prefix};
use crate::error::Result;

pub(super) fn spans(name: &str, sentences: &[Vec<&str>]) -> Result<Spans> {
    let mut spans = Spans::new();
    for (sentence, tags) in sentences.iter().enumerate() {
        let (mut before, mut type_before, mut start) = ('O', "", 0);
        for (i, tag) in tags.iter().chain(&["O"]).enumerate() {
            let first = prefix(tag, || format!("{name}[{sentence}][{i}]"))?;
            let kind = type_of(&tag[first.len_utf8()..]);
            if ends(before, first, type_before == kind) {
                spans.entry(type_before.to_owned()).or_default().insert((sentence, start, i));
            }
            if starts(before, first, type_before == kind) {
                start = i;
            }
            (before, type_before) = (first, kind);
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
