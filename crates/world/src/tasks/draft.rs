//! An item before any language, and how a language renders it.

use crate::atom::{Aspect, Role};
use crate::inventory::{ConceptId, Inventory};
use crate::meaning::{Clause, Meaning};
use crate::random::hash;
use crate::realise::{Speaker, Speech};
use crate::tasks::item::{Gold, ItemField, Span};
use crate::utterance::Text;
use crate::words::number;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Say(Box<Meaning>),
    /// Words outside a sentence, always in their first form, and the mark after them.
    List(Vec<ConceptId>, &'static str),
    Sign(&'static str),
}

impl Piece {
    pub(crate) fn say(meaning: Meaning) -> Self {
        Self::Say(Box::new(meaning))
    }

    pub(crate) fn number(inventory: &Inventory, value: u32, mark: &'static str) -> Self {
        Self::List(number(inventory, value), mark)
    }
}

/// A text of an item.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) pieces: Vec<Piece>,
    /// In the language of the source.
    pub(crate) foreign: bool,
    /// Part of the answer: without spelling errors.
    pub(crate) clean: bool,
}

impl Field {
    pub(crate) fn new(name: &'static str, pieces: Vec<Piece>) -> Self {
        Self { name, pieces, foreign: false, clean: false }
    }

    pub(crate) fn answer(name: &'static str, pieces: Vec<Piece>) -> Self {
        Self { clean: true, ..Self::new(name, pieces) }
    }
}

/// What is true of an item.
#[derive(Clone, Debug)]
pub(crate) enum Truth {
    Field(&'static str),
    Label(String),
    Number(u32),
    /// The participants of every clause fill slots.
    Slots,
}

/// An item before any language.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) meaning: u64,
    pub(crate) keys: Vec<u64>,
    pub(crate) stated: Vec<u64>,
    pub(crate) fields: Vec<Field>,
    pub(crate) truth: Truth,
}

impl Draft {
    /// The fields in a language. All choose the same synonyms, so that an answer
    /// repeats the words of its question.
    pub(crate) fn fields(&self, speaker: &Speaker<'_>, source: &Speaker<'_>, key: u64) -> Vec<ItemField> {
        let fields = self.fields.iter().enumerate();
        let rendered = fields.map(|(index, field)| {
            let speaker = if field.foreign { source } else { speaker };
            let noise = (!field.clean).then(|| hash(key, "field", &[index as u64]));
            ItemField { name: field.name, text: render(&field.pieces, speaker, key, noise) }
        });
        rendered.collect()
    }

    pub(crate) fn gold(&self, fields: &[ItemField]) -> Gold {
        match &self.truth {
            Truth::Field(name) => Gold::Field(name),
            Truth::Label(label) => Gold::Label(label.clone()),
            Truth::Number(value) => Gold::Number(*value),
            Truth::Slots => Gold::Spans(fields.first().map_or(Vec::new(), |field| slots(&field.text))),
        }
    }
}

fn render(pieces: &[Piece], speaker: &Speaker<'_>, key: u64, noise: Option<u64>) -> Text {
    let mut speech = Speech::new(speaker, key, noise);
    for piece in pieces {
        match piece {
            Piece::Say(meaning) => speech.say(meaning),
            Piece::List(words, mark) => speech.list(words, mark),
            Piece::Sign(sign) => speech.sign(sign),
        }
    }
    speech.finish()
}

/// The slots of a text: neighbouring words that say something of one participant,
/// a preposition aside.
fn slots(text: &Text) -> Vec<Span> {
    let mut spans: Vec<(Span, (u16, u8, Role))> = Vec::new();
    for (index, token) in text.tokens.iter().enumerate() {
        let Some(atom) = token.atoms.iter().find(|atom| slot(atom.role).is_some() && atom.aspect != Aspect::Case) else {
            continue;
        };
        let owner = (atom.piece, atom.clause, atom.role);
        match spans.last_mut() {
            Some((span, last)) if *last == owner && span.tokens.end == index => {
                span.tokens.end = index + 1;
                span.bytes.end = token.bytes.end;
            }
            _ => {
                let label = slot(atom.role).unwrap_or_default();
                spans.push((Span { label, tokens: index..index + 1, bytes: token.bytes.clone() }, owner));
            }
        }
    }
    spans.into_iter().map(|(span, _)| span).collect()
}

fn slot(role: Role) -> Option<&'static str> {
    match role {
        Role::Subject => Some("AGENT"),
        Role::Object => Some("THEME"),
        Role::Recipient => Some("RECIPIENT"),
        Role::Clause | Role::Place | Role::Loose => None,
    }
}

/// Clauses as sentences of two each.
pub(crate) fn sentences(clauses: &[Clause]) -> Vec<Piece> {
    clauses.chunks(2).map(|pair| Piece::say(Meaning::of(pair[0], pair.get(1).copied()))).collect()
}
