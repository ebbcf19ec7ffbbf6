//! From the number of a sentence to its meaning.
//!
//! Sentence `i` of a split takes the next event of a frame that its place in a
//! block of sixteen names. When the events of a frame are used up they come
//! again in another tense or number, so no two sentences of a split mean the
//! same.

use crate::compose::Composer;
use crate::events::EventSpace;
use crate::inventory::{Inventory, WordClass};
use crate::meaning::Meaning;
use crate::random::{Stream, hash};
use crate::selection::{FRAMES, Frame, NOUN_CLASSES};
use crate::split::Split;
use crate::zipf::Zipf;

use Frame::{Copular as C, Ditransitive as D, Intransitive as I, Transitive as T};

const BLOCK: [Frame; 16] = [T, I, T, D, T, C, I, T, D, T, I, T, C, T, D, I];

/// Tense times number of the subject: how often an event can be used.
const VARIANTS: u64 = 6;

/// What meanings are made from.
pub(crate) struct Planner {
    seed: u64,
    /// The events, by frame.
    pub(crate) spaces: [EventSpace; 4],
    /// Adjectives by the class of their noun.
    pub(crate) adjectives: [Zipf; 6],
    /// Adverbs of manner, by the verb modulo three.
    pub(crate) manners: [Zipf; 3],
    /// Adverbs of time, by tense.
    pub(crate) times: [Zipf; 3],
    pub(crate) numerals: Zipf,
}

/// The event and variant of a sentence.
#[derive(Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) frame: Frame,
    pub(crate) number: u64,
    pub(crate) variant: u64,
}

impl Planner {
    pub(crate) fn new(inventory: &Inventory, seed: u64) -> Self {
        let plain = |class| inventory.class(class).map(|id| (id, 1));
        let third = |class, part| {
            let range = inventory.class(class).filter(move |id| id % 3 == part);
            Zipf::new(range.map(|id| (id, 1)))
        };
        Self {
            seed,
            spaces: FRAMES.map(|frame| EventSpace::new(inventory, frame, seed)),
            adjectives: NOUN_CLASSES.map(|class| {
                let all = inventory.class(Frame::Copular.word_class());
                Zipf::new(all.map(|id| (id, u64::from(inventory.suits(id, class)))))
            }),
            manners: [0, 1, 2].map(|part| third(WordClass::Manner, part)),
            times: [0, 1, 2].map(|part| third(WordClass::Time, part)),
            numerals: Zipf::new(plain(WordClass::Numeral)),
        }
    }

    /// How many sentences the split has.
    pub(crate) fn capacity(&self, split: Split) -> u64 {
        let blocks = FRAMES.map(|frame| {
            let events = self.spaces[frame as usize].size(split);
            events * VARIANTS / per_block(&BLOCK, frame)
        });
        blocks.into_iter().min().unwrap_or(0) * BLOCK.len() as u64
    }

    /// The meaning of a sentence and its number, which names event and variant.
    pub(crate) fn plan(&self, inventory: &Inventory, split: Split, index: u64) -> (Meaning, u64) {
        let choice = self.choose(split, index);
        let stream = Stream::new(self.seed, "sentence", &[split as u64, index]);
        let mut composer = Composer { planner: self, inventory, split, stream };
        let number = (choice.number << 5) | ((choice.frame as u64) << 3) | choice.variant;
        (composer.compose(choice), number)
    }

    fn choose(&self, split: Split, index: u64) -> Choice {
        let (block, place) = (index / BLOCK.len() as u64, (index % BLOCK.len() as u64) as usize);
        let frame = BLOCK[place];
        let nth = block * per_block(&BLOCK, frame) + per_block(&BLOCK[..place], frame);
        let space = &self.spaces[frame as usize];
        let number = space.number_at(split, nth % space.size(split));
        let first = hash(self.seed, "variant", &[frame as u64, number]) % VARIANTS;
        Choice { frame, number, variant: (first + nth / space.size(split)) % VARIANTS }
    }
}

fn per_block(block: &[Frame], frame: Frame) -> u64 {
    block.iter().filter(|other| **other == frame).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WorldConfig;
    use crate::events::Event;
    use crate::inventory::{ConceptId, Function};
    use crate::meaning::Clause;

    #[test]
    fn every_clause_is_an_event_of_its_split() {
        let inventory = Inventory::new(&WorldConfig::default());
        let planner = Planner::new(&inventory, 7);
        for split in [Split::Train, Split::Dev, Split::Test] {
            let (mut relatives, mut seconds) = (0, 0);
            for index in 0..3000 {
                let (meaning, _) = planner.plan(&inventory, split, index);
                let second = meaning.second.map(|(_, clause)| clause);
                for clause in [Some(meaning.main), meaning.relative, second] {
                    let Some(clause) = clause else { continue };
                    let space = &planner.spaces[clause.frame as usize];
                    assert!(space.contains(split, &event(&inventory, &clause)));
                }
                relatives += u32::from(meaning.relative.is_some());
                seconds += u32::from(second.is_some());
            }
            assert!((150..450).contains(&relatives), "{split:?} {relatives}");
            assert!((150..450).contains(&seconds), "{split:?} {seconds}");
        }
    }

    /// The event of a clause, from its words.
    fn event(inventory: &Inventory, clause: &Clause) -> Event {
        let group = |id: ConceptId| match id {
            id if id == Function::We.id() => Function::I.id(),
            id if id == Function::YouAll.id() => Function::You.id(),
            id if id == Function::They.id() => Function::He.id(),
            id => inventory.get(id).group,
        };
        Event {
            predicate: group(clause.predicate),
            subject: group(clause.subject.head),
            object: clause.object.map(|np| group(np.head)),
            recipient: clause.recipient.map(|np| group(np.head)),
        }
    }
}
