//! What a sentence says, before any language says it.

use crate::inventory::{ConceptId, Function};
use crate::selection::Frame;

/// Singular or plural.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    One,
    Many,
}

/// When an event happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tense {
    Past,
    Present,
    Future,
}

pub(crate) const TENSES: [Tense; 3] = [Tense::Past, Tense::Present, Tense::Future];

/// What stands before a noun; `Function::Definite` and the like in the singular.
pub(crate) type Determiner = Function;

/// A participant with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NounPhrase {
    pub(crate) head: ConceptId,
    /// Of pronouns and names, too; a name is always one.
    pub(crate) number: Number,
    /// For nouns without a numeral.
    pub(crate) determiner: Option<Determiner>,
    pub(crate) numeral: Option<ConceptId>,
    pub(crate) adjective: Option<ConceptId>,
    /// "Only" before a name.
    pub(crate) only: bool,
    /// A number of tasks, in the place of a numeral.
    pub(crate) count: Option<Count>,
}

/// How many, in tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// So many, below 100.
    Of(u32),
    /// "How many".
    Asked,
}

/// Where something happens, in tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In there.
    In(NounPhrase),
    /// "Where".
    Asked,
}

/// An event with tense and modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) frame: Frame,
    pub(crate) predicate: ConceptId,
    pub(crate) subject: NounPhrase,
    /// Object, place, or standard of comparison, by the frame.
    pub(crate) object: Option<NounPhrase>,
    pub(crate) recipient: Option<NounPhrase>,
    /// How a place relates: in, on, near, under.
    pub(crate) relation: Function,
    pub(crate) tense: Tense,
    pub(crate) negated: bool,
    pub(crate) manner: Option<ConceptId>,
    pub(crate) time: Option<ConceptId>,
    /// Of clauses with an object, in tasks.
    pub(crate) place: Option<Place>,
}

/// The meaning of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) main: Clause,
    /// A clause about the subject of the main one, which is its subject too.
    pub(crate) relative: Option<Clause>,
    /// A conjunction and a second main clause.
    pub(crate) second: Option<(Function, Clause)>,
    pub(crate) question: bool,
}

impl NounPhrase {
    /// One of these, without modifiers.
    pub(crate) fn bare(head: ConceptId) -> Self {
        Self { head, number: Number::One, determiner: None, numeral: None, adjective: None, only: false, count: None }
    }

    fn words(&self, suffixing: bool) -> usize {
        let determiner = match self.determiner {
            Some(Function::Definite | Function::Indefinite) => !suffixing,
            Some(_) => true,
            None => false,
        };
        1 + count([determiner, self.numeral.is_some(), self.adjective.is_some(), self.only])
    }
}

impl Clause {
    /// Present, affirmed, with a subject alone.
    pub(crate) fn new(frame: Frame, subject: NounPhrase, predicate: ConceptId) -> Self {
        Self {
            frame,
            predicate,
            subject,
            object: None,
            recipient: None,
            relation: Function::In,
            tense: Tense::Present,
            negated: false,
            manner: None,
            time: None,
            place: None,
        }
    }

    /// Words of the clause without its subject.
    fn predicate_words(&self, suffixing: bool) -> usize {
        let copular = self.frame == Frame::Copular;
        let marked = !suffixing;
        let object_marker = marked && self.object.is_some() && self.frame.marks_object();
        let phrases = [self.object, self.recipient];
        let phrases = phrases.iter().flatten();
        let nominal: usize = phrases.map(|np| np.words(suffixing)).sum();
        1 + nominal + count([copular, marked, object_marker, marked && self.recipient.is_some(), self.negated, self.manner.is_some(), self.time.is_some()])
    }

    fn words(&self, suffixing: bool) -> usize {
        self.subject.words(suffixing) + self.predicate_words(suffixing)
    }
}

impl Frame {
    /// Whether the second participant needs a preposition: a place, a standard.
    fn marks_object(self) -> bool {
        matches!(self, Self::Intransitive | Self::Copular)
    }
}

impl Meaning {
    /// A clause, or two: "but" between an affirmed and a negated one, else "and".
    pub(crate) fn of(main: Clause, second: Option<Clause>) -> Self {
        let contrast = second.is_some_and(|second| second.negated != main.negated);
        let conjunction = if contrast { Function::But } else { Function::And };
        Self { main, relative: None, second: second.map(|second| (conjunction, second)), question: false }
    }

    pub(crate) fn question(main: Clause) -> Self {
        Self { question: true, ..Self::of(main, None) }
    }

    /// Words of the sentence in a suffixing language, or in one that is not.
    pub(crate) fn words(&self, suffixing: bool) -> usize {
        let marker = usize::from(!suffixing);
        let relative = self.relative.map_or(0, |clause| clause.predicate_words(suffixing) + marker);
        let second = self.second.map_or(0, |(_, clause)| clause.words(suffixing) + 1);
        let question = if self.question { marker } else { 0 };
        self.main.words(suffixing) + relative + second + question
    }
}

fn count<const N: usize>(present: [bool; N]) -> usize {
    present.iter().filter(|present| **present).count()
}
