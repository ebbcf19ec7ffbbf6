//! Which function word or suffix tense, number, person and place ask for.

use crate::inventory::Function;
use crate::lexicon::Suffix;
use crate::meaning::{NounPhrase, Number, Tense};

/// The plural form of a determiner.
pub(crate) fn plural(determiner: Function) -> Function {
    match determiner {
        Function::Definite => Function::DefiniteMany,
        Function::Indefinite => Function::IndefiniteMany,
        Function::This => Function::These,
        Function::That => Function::Those,
        Function::My => Function::MyMany,
        Function::Your => Function::YourMany,
        other => other,
    }
}

/// The auxiliary that agrees with the subject.
pub(crate) fn auxiliary(tense: Tense, number: Number) -> Function {
    match (tense, number) {
        (Tense::Past, Number::One) => Function::Past,
        (Tense::Past, Number::Many) => Function::PastMany,
        (Tense::Present, Number::One) => Function::Present,
        (Tense::Present, Number::Many) => Function::PresentMany,
        (Tense::Future, Number::One) => Function::Future,
        (Tense::Future, Number::Many) => Function::FutureMany,
    }
}

/// The suffix of a tense.
pub(crate) fn tense_suffix(tense: Tense) -> Suffix {
    match tense {
        Tense::Past => Suffix::Past,
        Tense::Present => Suffix::Present,
        Tense::Future => Suffix::Future,
    }
}

/// The suffix of the verb that agrees with its subject.
pub(crate) fn person_suffix(subject: &NounPhrase) -> Suffix {
    let is = |word: Function| subject.head == word.id();
    if is(Function::I) {
        Suffix::First
    } else if is(Function::We) {
        Suffix::FirstMany
    } else if is(Function::You) {
        Suffix::Second
    } else if is(Function::YouAll) {
        Suffix::SecondMany
    } else if subject.number == Number::Many {
        Suffix::ThirdMany
    } else {
        Suffix::Third
    }
}

/// The suffix that says what a preposition of place says.
pub(crate) fn relation_suffix(relation: Function) -> Suffix {
    match relation {
        Function::On => Suffix::On,
        Function::Near => Suffix::Near,
        Function::Under => Suffix::Under,
        _ => Suffix::In,
    }
}
