//! From a text with learned ranges to a row of tokens with loss weights.

use std::ops::Range;
use tongues_kernel::{Formatted, Result, Segment, Sequence, Tokenizer};

/// A text, and what of it is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The whole text.
    pub text: String,
    /// Byte ranges that carry loss, in order.
    pub learned: Vec<Range<usize>>,
    /// Where the last answer begins: what lies before may be cut.
    pub answer: usize,
    /// A begin token goes before the text, and an end token, which is learned, after it. Chat templates write their own.
    pub framed: bool,
}

/// One token of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) id: u32,
    /// The bytes it stands for; empty for a token that is not in the text.
    pub(crate) bytes: Range<usize>,
    pub(crate) learned: bool,
}

/// A row before it is cut to size.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) tokens: Vec<Token>,
    /// Tokens at the start that a cut leaves: 1 where the row begins with a begin token.
    pub(crate) kept: usize,
    /// The first token of the last answer.
    pub(crate) answer: usize,
}

impl Row {
    /// Encodes the text. A token carries loss if any byte of it is learned, as in transformers' masks.
    pub(crate) fn new(rendered: &Rendered, tokenizer: &dyn Tokenizer) -> Result<Self> {
        let learned = |bytes: &Range<usize>| rendered.learned.iter().any(|span| bytes.end > span.start && bytes.start < span.end);
        let encoded = tokenizer.encode_with_offsets(&rendered.text)?;
        let mut tokens: Vec<Token> = encoded.into_iter().map(|(id, bytes)| Token { id, learned: learned(&bytes), bytes }).collect();
        let mut answer = tokens.iter().position(|t| t.bytes.end > rendered.answer).unwrap_or(tokens.len());
        if rendered.framed {
            answer += usize::from(frame(&mut tokens, tokenizer, !rendered.learned.is_empty()));
        }
        let kept = usize::from(tokens.first().is_some_and(|t| Some(t.id) == tokenizer.bos()));
        Ok(Self { tokens, kept, answer })
    }

    /// The row as a sequence. The first token is never predicted, so its bytes do not count.
    pub(crate) fn formatted(&self) -> Formatted {
        let mut segments: Vec<Segment> = vec![];
        for token in &self.tokens {
            let (mark, weight) = if token.learned { ("answer", 1.0) } else { ("prompt", 0.0) };
            match segments.last_mut() {
                Some(last) if &*last.mark == mark => last.ids.push(token.id),
                _ => segments.push(Segment { mark: mark.into(), ids: vec![token.id], weight }),
            }
        }
        Formatted { sequence: Sequence { segments, starts: vec![] }, bytes: bytes(self.tokens.iter().skip(1).filter(|t| t.learned)) }
    }
}

/// The start token of this tokenizer, as plain texts have it.
pub(crate) fn start(tokenizer: &dyn Tokenizer) -> Option<u32> {
    tokenizer.bos().or(tokenizer.eos())
}

/// Puts the start before and the end behind; whether there is a new start.
fn frame(tokens: &mut Vec<Token>, tokenizer: &dyn Tokenizer, learn_end: bool) -> bool {
    let last = tokens.last().map_or(0, |t| t.bytes.end);
    if let Some(id) = tokenizer.eos() {
        tokens.push(Token { id, bytes: last..last, learned: learn_end });
    }
    match start(tokenizer).filter(|id| tokens.first().is_none_or(|t| t.id != *id)) {
        Some(id) => tokens.insert(0, Token { id, bytes: 0..0, learned: false }),
        None => return false,
    }
    true
}

/// Bytes of some tokens; those that several share count once.
fn bytes<'t>(tokens: impl Iterator<Item = &'t Token>) -> usize {
    let (mut sum, mut end) = (0, 0);
    for token in tokens {
        sum += token.bytes.end.saturating_sub(token.bytes.start.max(end));
        end = end.max(token.bytes.end);
    }
    sum
}
