//! Spans as a tagging scheme defines them. What may start, go on in and end a span are seqeval's tables, its gaps included.

use super::{Spans, prefix};
use crate::error::{MetricError, Result};

/// A tagging scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `B` only where two spans of a type touch.
    Iob1,
    /// `B` at the start of every span.
    Iob2,
    /// `E` only where two spans of a type touch.
    Ioe1,
    /// `E` at the end of every span.
    Ioe2,
    /// `B`, `I`, `E`, and `S` for spans of one token.
    Iobes,
    /// `B`, `I`, `L`, and `U` for spans of one token.
    Bilou,
}

/// Whether the types of two neighbours are equal, different, or may be either.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Types {
    Same,
    Different,
    Either,
}
use Types::{Different, Either, Same};

/// Prefixes of a token and the next one (`*` is any), and their types.
type Rule = (char, char, Types);

struct Rules {
    prefixes: &'static str,
    start: &'static [Rule],
    inside: &'static [Rule],
    end: &'static [Rule],
}

const IOB1: Rules = Rules {
    prefixes: "IOB",
    start: &[('O', 'I', Either), ('I', 'I', Different), ('B', 'I', Either), ('I', 'B', Same), ('B', 'B', Same)],
    inside: &[('B', 'I', Same), ('I', 'I', Same)],
    end: &[('I', 'I', Different), ('I', 'O', Either), ('I', 'B', Either), ('B', 'O', Either), ('B', 'I', Different), ('B', 'B', Same)],
};
const IOB2: Rules = Rules {
    prefixes: "IOB",
    start: &[('*', 'B', Either)],
    inside: &[('B', 'I', Same), ('I', 'I', Same)],
    end: &[('I', 'O', Either), ('I', 'I', Different), ('I', 'B', Either), ('B', 'O', Either), ('B', 'I', Different), ('B', 'B', Either)],
};
const IOE1: Rules = Rules {
    prefixes: "IOE",
    start: &[('O', 'I', Either), ('I', 'I', Different), ('E', 'I', Either), ('E', 'E', Same)],
    inside: &[('I', 'I', Same), ('I', 'E', Same)],
    end: &[('I', 'I', Different), ('I', 'O', Either), ('I', 'E', Different), ('E', 'I', Same), ('E', 'E', Same)],
};
const IOE2: Rules = Rules {
    prefixes: "IOE",
    start: &[('O', 'I', Either), ('O', 'E', Either), ('E', 'I', Either), ('E', 'E', Either), ('I', 'I', Different), ('I', 'E', Different)],
    inside: &[('I', 'E', Same), ('I', 'I', Same)],
    end: &[('E', '*', Either)],
};
const IOBES: Rules = Rules {
    prefixes: "IOBES",
    start: &[('*', 'B', Either), ('*', 'S', Either)],
    inside: &[('B', 'I', Same), ('B', 'E', Same), ('I', 'I', Same), ('I', 'E', Same)],
    end: &[('S', '*', Either), ('E', '*', Either)],
};
const BILOU: Rules = Rules {
    prefixes: "BILOU",
    start: &[('*', 'B', Either), ('*', 'U', Either)],
    inside: &[('B', 'I', Same), ('B', 'L', Same), ('I', 'I', Same), ('I', 'L', Same)],
    end: &[('U', '*', Either), ('L', '*', Either)],
};

impl Scheme {
    fn rules(self) -> &'static Rules {
        match self {
            Self::Iob1 => &IOB1,
            Self::Iob2 => &IOB2,
            Self::Ioe1 => &IOE1,
            Self::Ioe2 => &IOE2,
            Self::Iobes => &IOBES,
            Self::Bilou => &BILOU,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    prefix: char,
    kind: &'a str,
}

const OUTSIDE: Token = Token { prefix: 'O', kind: "_" };

fn fits(rules: &[Rule], before: Token, token: Token) -> bool {
    let is = |asked: char, found: char| asked == '*' || asked == found;
    rules.iter().any(|(a, b, types)| {
        let same = before.kind == token.kind;
        is(*a, before.prefix) && is(*b, token.prefix) && (*types == Either || same == (*types == Same))
    })
}

pub(super) fn spans(name: &str, sentences: &[Vec<&str>], scheme: Scheme) -> Result<Spans> {
    let rules = scheme.rules();
    let mut spans = Spans::new();
    for (sentence, tags) in sentences.iter().enumerate() {
        let mut tokens = vec![];
        for (i, tag) in tags.iter().enumerate() {
            tokens.push(token(tag, rules, || format!("{name}[{sentence}][{i}]"))?);
        }
        tokens.push(OUTSIDE);
        let mut before = OUTSIDE;
        let mut i = 0;
        while i < tokens.len() {
            let start = i;
            i += 1;
            if fits(rules.start, before, tokens[start]) {
                while i < tokens.len() && fits(rules.inside, tokens[i - 1], tokens[i]) {
                    i += 1;
                }
                // Spans that the scheme does not let end here do not count.
                if fits(rules.end, tokens[i - 1], tokens[i]) {
                    spans.entry(tokens[start].kind.to_owned()).or_default().insert((sentence, start, i));
                }
            }
            before = tokens[i - 1];
        }
    }
    Ok(spans)
}

fn token<'a>(tag: &'a str, rules: &Rules, at: impl Fn() -> String) -> Result<Token<'a>> {
    let first = prefix(tag, &at)?;
    if !rules.prefixes.contains(first) {
        let expected = format!("a tag that begins with one of {}", rules.prefixes);
        return Err(MetricError::new(at(), expected, format!("`{tag}`"), "choose the scheme of the tags, or the lenient mode"));
    }
    let kind = tag[first.len_utf8()..].trim_matches('-');
    Ok(Token { prefix: first, kind: if kind.is_empty() { "_" } else { kind } })
}
