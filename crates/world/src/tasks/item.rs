//! What a task gives: fields in one language, and the gold answer.

use crate::split::Split;
use crate::utterance::{Text, Token};
use std::ops::Range;

/// The tasks of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// Documents: sentences, and statements of facts. Field `text`.
    LanguageModel,
    /// Fields `source` (in another language) and `target`.
    Translation,
    /// Questions about facts that documents state. Fields `question`, `context` (the
    /// statements that answer it), `answer`.
    FactQa,
    /// Word problems. Fields `problem`, `chain` (the worked steps), `answer`.
    Arithmetic,
    /// Fields `premise` and `hypothesis`; label `entailment`, `neutral` or `contradiction`.
    Nli,
    /// Who does what to whom. Field `text`; spans `AGENT`, `THEME`, `RECIPIENT`.
    Slots,
    /// What the speaker wants. Field `text`; labels `intent-0` to `intent-7`.
    Intent,
    /// Fields `query`, `positive`, and a `negative` each.
    Retrieval,
    /// Changes of a sentence, in order. Fields `prompt`, `response`.
    Instruction,
    /// The same with a wrong response. Fields `prompt`, `chosen`, `rejected`.
    Preference,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::LanguageModel,
        Self::Translation,
        Self::FactQa,
        Self::Arithmetic,
        Self::Nli,
        Self::Slots,
        Self::Intent,
        Self::Retrieval,
        Self::Instruction,
        Self::Preference,
    ];

    /// Its name, such as `nli`.
    pub fn name(self) -> &'static str {
        match self {
            Self::LanguageModel => "lm",
            Self::Translation => "translation",
            Self::FactQa => "qa",
            Self::Arithmetic => "arithmetic",
            Self::Nli => "nli",
            Self::Slots => "slots",
            Self::Intent => "intent",
            Self::Retrieval => "retrieval",
            Self::Instruction => "instruction",
            Self::Preference => "preference",
        }
    }

    /// The task of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }
}

/// One item of a task in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Task, split and index, such as `nli.train.000123`: the same in every language.
    pub id: String,
    /// The task.
    pub task: Task,
    /// Name of the language.
    pub language: String,
    /// The split.
    pub split: Split,
    /// What it means, the same in every language; distinct within a split.
    pub meaning: u64,
    /// Events, facts or problems it is about. None of one split is among those of
    /// another, in any task and language.
    pub keys: Vec<u64>,
    /// Facts that it states, of whatever split: see [`TaskConfig::stated_held_out`](crate::TaskConfig::stated_held_out).
    pub stated: Vec<u64>,
    /// The texts, in the order that [`Task`] gives.
    pub fields: Vec<ItemField>,
    /// The answer.
    pub gold: Gold,
}

impl Item {
    /// The first field of that name.
    pub fn field(&self, name: &str) -> Option<&ItemField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A text of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemField {
    /// Its name; several candidates may share one.
    pub name: &'static str,
    /// Text and words.
    pub text: Text,
}

/// The answer of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gold {
    /// The text of the field of that name.
    Field(&'static str),
    /// One of a closed set, the same in every language.
    Label(String),
    /// A number, which the last field says.
    Number(u32),
    /// Spans of the first field, in order.
    Spans(Vec<Span>),
}

/// Words of a text that fill a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Name of the slot, such as `AGENT`.
    pub label: &'static str,
    /// Which words.
    pub tokens: Range<usize>,
    /// The same in bytes of the text, from the first word to the last.
    pub bytes: Range<usize>,
}

/// A tag for each word: `B-` and `I-` with the label for the first and further
/// words of a span, `O` outside.
pub fn bio(tokens: &[Token], spans: &[Span]) -> Vec<String> {
    let tag = |index: usize| match spans.iter().find(|span| span.tokens.contains(&index)) {
        Some(span) if span.tokens.start == index => format!("B-{}", span.label),
        Some(span) => format!("I-{}", span.label),
        None => "O".to_owned(),
    };
    (0..tokens.len()).map(tag).collect()
}
