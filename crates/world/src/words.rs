//! Words that tasks need and sentences do without: question words, numbers,
//! possession, and the verbs of instructions.
//!
//! They come after all concepts of sentences and are coined last, so that the
//! sentences of a world do not depend on them.

use crate::inventory::{ConceptId, Inventory};

/// A word of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Extra {
    Where, HowMany,
    Have, Give, Find, Lose,
    Negate, MakePast, MakeFuture, Ask, Swap,
    /// The other digits and ten follow it.
    Zero,
}

pub(crate) const EXTRAS: u16 = Extra::Zero as u16 + 11;

impl Extra {
    pub(crate) fn id(self, inventory: &Inventory) -> ConceptId {
        inventory.extras().start + self as u16
    }
}

/// The word for a digit, or for ten.
pub(crate) fn digit(inventory: &Inventory, value: u32) -> ConceptId {
    Extra::Zero.id(inventory) + value.min(10) as u16
}

/// The words of a number below 100, the largest unit first: 23 is "two ten three".
pub(crate) fn number(inventory: &Inventory, value: u32) -> Vec<ConceptId> {
    let (tens, units) = (value / 10, value % 10);
    let mut words = Vec::new();
    if tens > 1 {
        words.push(digit(inventory, tens));
    }
    if tens > 0 {
        words.push(digit(inventory, 10));
    }
    if units > 0 || tens == 0 {
        words.push(digit(inventory, units));
    }
    words
}
