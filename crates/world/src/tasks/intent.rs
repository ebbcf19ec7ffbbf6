//! Intent. A speaker says of two things or more that they will not do them, and of
//! one that they will, in any order: that one is the intent. A text names as many
//! intents as it has clauses, so the place of the negations decides.

use crate::events::Event;
use crate::inventory::{ConceptId, Function};
use crate::meaning::{Clause, NounPhrase, Tense};
use crate::random::{Stream, hash};
use crate::selection::{Frame, NounClass, patterns};
use crate::tasks::Maker;
use crate::tasks::cast::distinct;
use crate::tasks::draft::{Draft, Field, Truth, sentences};

const INTENTS: usize = 8;
const SPEAKERS: [(Function, Function); 2] = [(Function::I, Function::We), (Function::You, Function::YouAll)];

impl Maker<'_> {
    pub(crate) fn intent(&self, stream: &mut Stream) -> Option<Draft> {
        let intents = self.intents();
        let verbs = distinct(stream, &intents, self.config.clauses as usize);
        let (one, many) = SPEAKERS[stream.below(2) as usize];
        let speaker = if stream.chance(1, 2) { one } else { many };
        let meant = stream.below(verbs.len() as u64) as usize;
        let mut parts = vec![speaker.id().into(), meant as u64];
        let (mut clauses, mut keys) = (Vec::new(), Vec::new());
        for (index, verb) in verbs.iter().enumerate() {
            let (object, key) = (0..64).find_map(|_| self.wanted(stream, *verb, one))?;
            keys.push(key);
            parts.extend([u64::from(*verb), u64::from(object)]);
            let object = NounPhrase { determiner: Some(Function::Definite), ..NounPhrase::bare(object) };
            let clause = Clause::new(Frame::Transitive, speaker_phrase(speaker), *verb);
            clauses.push(Clause { object: Some(object), tense: Tense::Future, negated: index != meant, ..clause });
        }
        let number = intents.iter().position(|verb| Some(verb) == verbs.get(meant))?;
        let truth = Truth::Label(format!("intent-{number}"));
        let fields = vec![Field::new("text", sentences(&clauses))];
        (verbs.len() == self.config.clauses as usize).then_some(Draft { meaning: hash(0, "intent", &parts), keys, stated: Vec::new(), fields, truth })
    }

    /// The verbs of persons and things that are intents, the most frequent first.
    fn intents(&self) -> Vec<ConceptId> {
        let suits = |id: &ConceptId| {
            let pattern = &patterns(Frame::Transitive)[usize::from(self.inventory.get(*id).pattern)];
            pattern.subject.contains(&NounClass::Person) && pattern.object.contains(&NounClass::Thing)
        };
        self.inventory.groups(Frame::Transitive.word_class()).filter(suits).take(INTENTS).collect()
    }

    /// A thing that the speaker may want to do it to, and the key of that event.
    fn wanted(&self, stream: &mut Stream, verb: ConceptId, subject: Function) -> Option<(ConceptId, u64)> {
        let object = *self.cast.things.get(stream.below(self.cast.things.len() as u64) as usize)?;
        Some((object, self.own_event(verb, subject, object)?))
    }

    /// The key of an event of sentences, if it belongs to the split.
    fn own_event(&self, predicate: ConceptId, subject: Function, object: ConceptId) -> Option<u64> {
        let event = Event { predicate, subject: subject.id(), object: Some(object), recipient: None };
        let space = &self.planner.spaces[Frame::Transitive as usize];
        let number = space.find(&event).filter(|_| space.contains(self.split, &event))?;
        Some(event_key(Frame::Transitive, number))
    }
}

/// The key of an event that sentences tell: `meaning >> 3` of its sentences.
pub(crate) fn event_key(frame: Frame, number: u64) -> u64 {
    (number << 2) | frame as u64
}

fn speaker_phrase(speaker: Function) -> NounPhrase {
    let number = match speaker {
        Function::We | Function::YouAll => crate::meaning::Number::Many,
        _ => crate::meaning::Number::One,
    };
    NounPhrase { number, ..NounPhrase::bare(speaker.id()) }
}
