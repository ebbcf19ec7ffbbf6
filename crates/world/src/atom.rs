//! The smallest pieces of meaning, and how words of two languages share them.
//!
//! A language says some pieces by a word, others by an affix, others not at all.
//! Two words of two renderings of one meaning are aligned when they say a piece
//! in common: an auxiliary is aligned with the verb that has a suffix for tense.

use crate::utterance::Token;

/// Who or what of a clause a piece belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The clause itself: its predicate, tense, negation, adverbs.
    Clause,
    /// The subject.
    Subject,
    /// The object; of an adjective, the standard of comparison.
    Object,
    /// The recipient.
    Recipient,
    /// The place.
    Place,
    /// A word, number or sign outside any clause.
    Loose,
}

/// What a piece says of its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// The noun, name or pronoun; of a clause, the verb or adjective.
    Head,
    /// Article, demonstrative or possessive.
    Determiner,
    /// Plural.
    Plural,
    /// Numeral, or words outside any clause; the number says which word of them.
    Numeral(u8),
    /// Adjective.
    Adjective,
    /// Plural again, on the adjective of a noun.
    AdjectivePlural,
    /// Case again, on the adjective of a noun.
    AdjectiveCase,
    /// "Only".
    Only,
    /// The preposition or the case affix.
    Case,
    /// Tense.
    Tense,
    /// Agreement with the subject in person and number.
    Agreement,
    /// Negation.
    Negation,
    /// "Be".
    Copula,
    /// The mark of a question.
    Question,
    /// The mark of a relative clause.
    Relative,
    /// The conjunction before the clause.
    Conjunction,
    /// Adverb of manner.
    Manner,
    /// Adverb of time.
    Time,
}

/// One piece of meaning in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom {
    /// Which sentence, number or sign of the text, from 0.
    pub piece: u16,
    /// Main clause 0, relative clause 1, second clause 2.
    pub clause: u8,
    /// Whose piece it is.
    pub role: Role,
    /// What it says.
    pub aspect: Aspect,
}

/// Pairs of places, in the first text and in the second, of words that say a
/// piece of meaning in common; in rising order. Both texts must render one meaning.
pub fn align(left: &[Token], right: &[Token]) -> Vec<(usize, usize)> {
    let shared = |a: &Token, b: &Token| a.atoms.iter().any(|atom| b.atoms.contains(atom));
    let pairs = left.iter().enumerate().flat_map(|(i, a)| right.iter().enumerate().filter(move |(_, b)| shared(a, b)).map(move |(j, _)| (i, j)));
    pairs.collect()
}
