//! Natural language inference. A premise tells what two persons do to each other,
//! one thing affirmed and the other negated, or one thing alone; the hypothesis
//! takes up one of them. Its words are those of the premise whatever the label, so
//! order, case and the place of the negation decide. Short premises are there to
//! learn from: a model that reads them alone is right more often than by chance.

use crate::meaning::Meaning;
use crate::random::{Stream, hash};
use crate::tasks::Maker;
use crate::tasks::draft::{Draft, Field, Piece, Truth, sentences};
use crate::tasks::maker::VERB;

const LABELS: [&str; 3] = ["entailment", "neutral", "contradiction"];

impl Maker<'_> {
    pub(crate) fn nli(&self, stream: &mut Stream) -> Option<Draft> {
        let exchange = self.exchange(stream)?;
        let count = 1 + stream.below(self.config.clauses.into()) as usize;
        let [negated, about, label, coin] = [2, count.min(2) as u64, 3, 2].map(|n| stream.below(n) as usize);
        let both = [self.act(&exchange, 0, 0, negated == 0), self.act(&exchange, 1, 1, negated == 1)];
        let mut clauses = both[..count.min(2)].to_vec();
        let (mut keys, mut parts) = (self.keys(&exchange), exchange.parts().to_vec());
        if count == 1 {
            // The other verb is not said.
            keys.pop();
            parts[VERB] = 0;
        }
        for _ in 2..count {
            let other = self.stranger(stream, &exchange)?;
            clauses.push(self.act(&other, 0, 0, stream.chance(1, 2)));
            keys.push(self.cast.key(other.verbs[0], &other.persons));
            parts.extend(other.parts());
        }
        let told = clauses[about].negated;
        let hypothesis = match label {
            0 => self.act(&exchange, about, about, told),
            1 => self.act(&exchange, about, 1 - about, coin == 0),
            _ => self.act(&exchange, about, about, !told),
        };
        parts.extend([count as u64, clauses[0].negated.into(), about as u64, label as u64, u64::from(hypothesis.negated)]);
        let fields = vec![Field::new("premise", sentences(&clauses)), Field::new("hypothesis", vec![Piece::say(Meaning::of(hypothesis, None))])];
        let truth = Truth::Label(LABELS[label].to_owned());
        Some(Draft { meaning: hash(0, "nli", &parts), keys, stated: Vec::new(), fields, truth })
    }
}
