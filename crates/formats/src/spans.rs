//! Which part of a conversation's text is learned.

use crate::ChatTemplate;
use crate::conversation::{ASSISTANT, Conversation};
use std::ops::Range;
use tongues_kernel::{Result, Turn, refuse};

/// What carries loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The answer: `target`, or the last turn of the assistant.
    Target,
    /// Every token.
    All,
    /// Every turn of the assistant.
    Assistant,
}

/// The text of a conversation with the byte ranges of the assistant's turns that may be learned, in order.
///
/// A turn's range ends behind the token (and line end) that closes it, as TRL's training templates have it. Where the template
/// does not mark its turns, a turn is what the text up to it with the turn has more than the text before it with the
/// generation prompt, as TRL tells a completion from its prompt.
pub(crate) fn assistant(template: &ChatTemplate, conversation: &Conversation, loss: Loss) -> Result<(String, Vec<Range<usize>>)> {
    let turns = &conversation.turns;
    let (text, marked) = template.render(turns, false)?;
    let all: Vec<usize> = (0..turns.len()).filter(|i| &*turns[*i].0 == ASSISTANT).collect();
    let mut wanted: Vec<usize> = all.iter().copied().filter(|i| *i >= conversation.learn_from).collect();
    if loss == Loss::Target {
        wanted.drain(..wanted.len().saturating_sub(1));
    }
    if template.is_tagged() && marked.len() == all.len() {
        let spans = all.iter().zip(marked).filter(|(i, _)| wanted.contains(i)).map(|(_, span)| span);
        return Ok((text, spans.collect()));
    }
    if template.is_tagged() && conversation.learn_from == 0 && loss == Loss::Assistant {
        return Ok((text, marked));
    }
    let spans = wanted.into_iter().map(|i| turn(template, turns, i, &text)).collect::<Result<_>>()?;
    Ok((text, spans))
}

/// The range of one turn in the whole text.
fn turn(template: &ChatTemplate, turns: &[Turn], i: usize, text: &str) -> Result<Range<usize>> {
    let remedy = "mark the assistant's text with {% generation %} in a template of your own (`chat = \"file.jinja\"`), or learn the last turn alone (`loss = \"target\"`)";
    if i == 0 {
        return refuse(template.place(), "a question before the first answer", "a conversation that the assistant begins", remedy);
    }
    let (before, _) = template.render(&turns[..i], true)?;
    let (upto, _) = template.render(&turns[..=i], false)?;
    for (longer, shorter, found) in [(upto.as_str(), before.as_str(), "before"), (text, upto.as_str(), "up to")] {
        if !longer.starts_with(shorter) {
            let same = longer.bytes().zip(shorter.bytes()).take_while(|(a, b)| a == b).count();
            let found = format!("a template that writes the turns {found} turn {} differently when more turns follow (from byte {same} on)", i + 1);
            return refuse(template.place(), "a template that writes a turn the same whatever follows it", found, remedy);
        }
    }
    Ok(before.len()..upto.len())
}
