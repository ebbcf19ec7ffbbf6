//! Retrieval. A text tells what two persons do to each other, one thing affirmed
//! and the other negated; the query is one of its two statements. The first three
//! wrong texts have the same words in the same number: who does it to whom is the
//! other way round, or the other statement is negated, or both.

use crate::meaning::{Clause, Meaning};
use crate::random::{Stream, hash};
use crate::tasks::Maker;
use crate::tasks::draft::{Draft, Field, Piece, Truth, sentences};
use crate::tasks::maker::Exchange;

impl Maker<'_> {
    pub(crate) fn retrieval(&self, stream: &mut Stream) -> Option<Draft> {
        let exchange = self.exchange(stream)?;
        let [turned, negated, about] = [2, 2, 2].map(|n| stream.below(n) as usize);
        let positive = self.both(&exchange, turned, negated);
        let mut wrong = vec![(1 - turned, negated), (turned, 1 - negated), (1 - turned, 1 - negated)];
        wrong.rotate_left(stream.below(3) as usize);
        let mut negatives: Vec<_> = wrong.into_iter().map(|(turned, negated)| self.both(&exchange, turned, negated)).collect();
        let mut keys = self.keys(&exchange);
        while negatives.len() < self.config.negatives as usize {
            let other = self.stranger(stream, &exchange)?;
            negatives.push(self.both(&other, stream.below(2) as usize, stream.below(2) as usize));
            keys.extend(self.keys(&other));
        }
        negatives.truncate(self.config.negatives as usize);
        let query = vec![Piece::say(Meaning::of(positive[about], None))];
        let mut fields = vec![Field::new("query", query), Field::new("positive", sentences(&positive))];
        fields.extend(negatives.iter().map(|clauses| Field::new("negative", sentences(clauses))));
        let [one, other] = [turned, 1 - turned].map(|index| exchange.persons[index]);
        let mut parts = Exchange { persons: [one, other], ..exchange }.parts().to_vec();
        parts.extend([negated, about].map(|part| part as u64));
        Some(Draft { meaning: hash(0, "retrieval", &parts), keys, stated: Vec::new(), fields, truth: Truth::Field("positive") })
    }

    fn both(&self, exchange: &Exchange, turned: usize, negated: usize) -> [Clause; 2] {
        [0, 1].map(|verb| self.act(exchange, verb, verb ^ turned, verb == negated))
    }
}
