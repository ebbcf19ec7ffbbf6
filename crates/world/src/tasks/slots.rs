//! Spans and slots. The same three persons take part in every clause of a text,
//! each time in other roles: who does it, who is given, who receives. Which word
//! fills which slot, only order, prepositions and case tell.

use crate::inventory::{ConceptId, Function, WordClass};
use crate::meaning::{Clause, NounPhrase, TENSES, Tense};
use crate::random::{Stream, hash};
use crate::selection::{Frame, NounClass};
use crate::tasks::Maker;
use crate::tasks::cast::{distinct, person};
use crate::tasks::draft::{Draft, Field, Truth, sentences};

const DETERMINERS: [Function; 4] = [Function::Definite, Function::Indefinite, Function::This, Function::My];

impl Maker<'_> {
    pub(crate) fn slots(&self, stream: &mut Stream) -> Option<Draft> {
        let persons = self.cast.persons(stream, 3);
        let verbs = self.cast.verbs(Frame::Ditransitive, self.split, &persons);
        let first = stream.below(6) as usize;
        let (mut clauses, mut keys, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        let tense = TENSES[stream.below(3) as usize];
        for turn in 0..self.config.clauses as usize {
            let verb = *distinct(stream, &verbs, 1).first()?;
            let roles = rotation(&persons, first + turn)?;
            clauses.push(self.handing_over(stream, verb, roles, tense));
            keys.push(self.cast.key(verb, &persons));
            parts.push(u64::from(verb));
            parts.extend(roles.map(u64::from));
        }
        parts.push(tense as u64);
        let fields = vec![Field::new("text", sentences(&clauses))];
        Some(Draft { meaning: hash(0, "slots", &parts), keys, stated: Vec::new(), fields, truth: Truth::Slots })
    }

    fn handing_over(&self, stream: &mut Stream, verb: ConceptId, roles: [ConceptId; 3], tense: Tense) -> Clause {
        let [subject, object, recipient] = roles.map(|head| self.described(stream, head));
        let clause = Clause::new(Frame::Ditransitive, subject, verb);
        let manner = self.planner.manners[0].draw(stream).filter(|_| stream.chance(1, 3));
        Clause { object: Some(object), recipient: Some(recipient), tense, negated: stream.chance(1, 6), manner, ..clause }
    }

    /// A person, some with a determiner and an adjective.
    fn described(&self, stream: &mut Stream, head: ConceptId) -> NounPhrase {
        let phrase = person(self.inventory, head);
        if self.inventory.get(head).class == WordClass::Name {
            return phrase;
        }
        let adjective = self.planner.adjectives[NounClass::Person as usize].draw(stream).filter(|_| stream.chance(1, 2));
        NounPhrase { determiner: Some(stream.skewed(&DETERMINERS)), adjective, ..phrase }
    }
}

/// Three persons in the order of that number. Neighbouring numbers differ in every role.
fn rotation(persons: &[ConceptId], number: usize) -> Option<[ConceptId; 3]> {
    let &[a, b, c] = persons else { return None };
    let all = [[a, b, c], [b, c, a], [c, a, b]];
    Some(all[number % 3])
}
