//! Instructions: change a sentence so, then so. The response has the order, the
//! agreement and the affixes that the changed sentence asks for. A wrong response
//! negates the wrong clause, or, where both clauses are alike, says the same of the
//! wrong verb: its words are those of the right one, whatever the language.

use crate::inventory::ConceptId;
use crate::meaning::{Meaning, Tense};
use crate::random::{Stream, hash};
use crate::tasks::Maker;
use crate::tasks::cast::distinct;
use crate::tasks::draft::{Draft, Field, Piece, Truth};
use crate::tasks::maker::VERB;
use crate::words::Extra;

const CHANGES: [Extra; 5] = [Extra::Swap, Extra::Negate, Extra::MakePast, Extra::MakeFuture, Extra::Ask];

impl Maker<'_> {
    pub(crate) fn instruction(&self, stream: &mut Stream) -> Option<Draft> {
        let exchange = self.exchange(stream)?;
        let told = Meaning::of(self.act(&exchange, 0, 0, stream.chance(1, 3)), None);
        let (prompt, changed, drawn) = self.instruct(stream, told)?;
        let mut parts = exchange.parts().to_vec();
        // The other verb is not said.
        parts[VERB] = 0;
        parts.extend(drawn);
        parts.push(told.main.negated.into());
        let fields = vec![Field::new("prompt", prompt), Field::answer("response", vec![Piece::say(changed)])];
        let keys = vec![self.cast.key(exchange.verbs[0], &exchange.persons)];
        Some(Draft { meaning: hash(0, "instruction", &parts), keys, stated: Vec::new(), fields, truth: Truth::Field("response") })
    }

    pub(crate) fn preference(&self, stream: &mut Stream) -> Option<Draft> {
        let exchange = self.exchange(stream)?;
        let negated = stream.below(2) as usize;
        let [main, second] = [0, 1].map(|verb| self.act(&exchange, verb, verb, verb == negated));
        let (prompt, chosen, drawn) = self.instruct(stream, Meaning::of(main, Some(second)))?;
        let rejected = wrong(chosen)?;
        let mut parts = exchange.parts().to_vec();
        parts.extend(drawn);
        parts.push(negated as u64);
        let answer = |name, meaning| Field::answer(name, vec![Piece::say(meaning)]);
        let fields = vec![Field::new("prompt", prompt), answer("chosen", chosen), answer("rejected", rejected)];
        Some(Draft { meaning: hash(0, "preference", &parts), keys: self.keys(&exchange), stated: Vec::new(), fields, truth: Truth::Field("chosen") })
    }

    /// A prompt, the changed sentence, and what was drawn; none where nothing changes.
    fn instruct(&self, stream: &mut Stream, told: Meaning) -> Option<(Vec<Piece>, Meaning, Vec<u64>)> {
        let all = CHANGES.map(|change| change.id(self.inventory));
        let drawn = distinct(stream, &all, self.config.steps as usize);
        let changed = drawn.iter().fold(told, |meaning, id| self.change(meaning, *id));
        let last = drawn.len().checked_sub(1)?;
        let words = drawn.iter().enumerate().map(|(index, id)| Piece::List(vec![*id], if index == last { ":" } else { "," }));
        let prompt = words.chain([Piece::say(told)]).collect();
        (changed != told).then(|| (prompt, changed, drawn.iter().map(|id| u64::from(*id)).collect()))
    }

    /// The first clause changed.
    fn change(&self, mut meaning: Meaning, change: ConceptId) -> Meaning {
        let is = |extra: Extra| change == extra.id(self.inventory);
        let main = &mut meaning.main;
        if is(Extra::Swap) {
            if let Some(object) = &mut main.object {
                std::mem::swap(&mut main.subject, object);
            }
        } else if is(Extra::Negate) {
            main.negated = !main.negated;
        } else if is(Extra::MakePast) {
            main.tense = Tense::Past;
        } else if is(Extra::MakeFuture) {
            main.tense = Tense::Future;
        } else {
            meaning.question = true;
        }
        let second = meaning.second.map(|(_, clause)| clause);
        Meaning { question: meaning.question, ..Meaning::of(meaning.main, second) }
    }
}

/// The negation in the other clause, where one of the two has it; else the two verbs in each other's place.
fn wrong(mut meaning: Meaning) -> Option<Meaning> {
    let (_, second) = meaning.second.as_mut()?;
    if meaning.main.negated != second.negated {
        std::mem::swap(&mut meaning.main.negated, &mut second.negated);
    } else {
        std::mem::swap(&mut meaning.main.predicate, &mut second.predicate);
    }
    Some(meaning)
}
