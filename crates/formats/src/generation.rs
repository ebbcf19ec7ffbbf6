//! `{% generation %} … {% endgeneration %}`: what a chat template marks as the assistant's.
//!
//! Jinja has no such tag; transformers adds it as a call block that remembers where its text lies. Here the tag is rewritten
//! to such a call block before the template is read, and the text comes back between two marks, which are then taken out.

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, State};
use std::ops::Range;

/// The function that the rewritten tag calls.
pub(crate) const FUNCTION: &str = "__generation";
/// Code points that Unicode keeps free for the inside of programs: no text holds them.
const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

/// The body of a block between its marks.
pub(crate) fn marked(state: &mut State<'_, '_>, options: Kwargs) -> Result<Value, Error> {
    let body: Value = options.get("caller")?;
    let text = body.call(state, &[])?;
    Ok(Value::from(format!("{OPEN}{text}{CLOSE}")))
}

/// A text holds one of the marks.
pub(crate) fn has_marks(text: &str) -> bool {
    text.contains([OPEN, CLOSE])
}

/// Whether a template marks anything.
pub(crate) fn is_tagged(source: &str) -> bool {
    pieces(source).any(|piece| tag(piece).is_some())
}

/// The template with call blocks in place of the tags. Lines stay where they are.
pub(crate) fn rewritten(source: &str) -> String {
    let call = |piece: &str| {
        let Some((word, inside)) = tag(piece) else { return piece.to_owned() };
        let block = if word == "generation" { format!("call {FUNCTION}()") } else { "endcall".into() };
        piece.replacen(inside, &inside.replacen(word, &block, 1), 1)
    };
    pieces(source).map(call).collect()
}

/// The word of a generation tag and what stands between its braces.
fn tag(piece: &str) -> Option<(&str, &str)> {
    let inside = piece.strip_prefix("{%")?.strip_suffix("%}")?;
    let word = inside.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim();
    ["generation", "endgeneration"].contains(&word).then_some((word, inside))
}

/// Blocks `{% … %}` as pieces of their own, and everything between them; comments and raw text are never blocks.
fn pieces(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = source;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(next(rest));
        rest = after;
        Some(piece)
    })
}

/// The length of the first piece.
fn next(text: &str) -> usize {
    let until = |from: usize, end: &str| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("{#") {
        return until(2, "#}");
    }
    if text.starts_with("{%") {
        let end = until(2, "%}");
        let word = text[2..end].trim_start_matches(['-', '+']).trim_start();
        return if word.starts_with("raw") { until(end, "endraw") } else { end };
    }
    let first = ["{#", "{%"].iter().filter_map(|start| text.find(start)).min();
    first.unwrap_or(text.len())
}

/// The text without marks, and where the marked pieces lie in it, in bytes.
pub(crate) fn unmarked(text: &str) -> (String, Vec<Range<usize>>) {
    let (mut plain, mut spans, mut open) = (String::with_capacity(text.len()), vec![], vec![]);
    for c in text.chars() {
        match c {
            OPEN => open.push(plain.len()),
            CLOSE => spans.extend(open.pop().map(|start| start..plain.len())),
            _ => plain.push(c),
        }
    }
    spans.retain(|span: &Range<usize>| !span.is_empty());
    (plain, spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_rewritten_and_nothing_else() {
        let source = "a{%- generation -%}b{% endgeneration %}{# {% generation %} #}{% raw %}{% generation %}{% endraw %}{% set generation = 1 %}";
        let new = "a{%- call __generation() -%}b{% endcall %}{# {% generation %} #}{% raw %}{% generation %}{% endraw %}{% set generation = 1 %}";
        assert_eq!(rewritten(source), new);
        assert!(is_tagged(source) && !is_tagged("{# {% generation %} #} generation {% broken"));
    }

    #[test]
    fn marks_become_spans() {
        let (text, spans) = unmarked("é\u{fdd0}ab\u{fdd1}c\u{fdd0}\u{fdd1}");
        assert_eq!((text.as_str(), spans.len(), &text[spans[0].clone()]), ("éabc", 1, "ab"));
    }
}
