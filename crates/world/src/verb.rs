//! Verbs and adjectives as predicates: auxiliaries or affixes, negation.

use crate::agreement::{auxiliary, person_suffix, tense_suffix};
use crate::atom::{Aspect, Role};
use crate::inventory::Function;
use crate::lexicon::Suffix;
use crate::meaning::Clause;
use crate::realise::{Case, Speech, Status};
use crate::selection::{Frame, NounClass};

impl Speech<'_> {
    pub(crate) fn verb(&mut self, clause: &Clause, status: Status) {
        if self.speaker.config.suffixing {
            self.affixed_verb(clause, status);
        } else {
            self.isolating_verb(clause);
        }
    }

    fn affixed_verb(&mut self, clause: &Clause, status: Status) {
        let copular = clause.frame == Frame::Copular;
        if copular {
            self.standard(clause);
            self.predicate(clause);
        }
        if clause.negated {
            self.function(Function::Not, Aspect::Negation);
        }
        match copular {
            true => self.function(Function::Be, Aspect::Copula),
            false => self.predicate(clause),
        }
        self.attach(tense_suffix(clause.tense), Aspect::Tense);
        match status {
            Status::Relative => self.attach(Suffix::Relative, Aspect::Relative),
            _ => self.attach(person_suffix(&clause.subject), Aspect::Agreement),
        }
        if status == Status::Question {
            self.attach(Suffix::Question, Aspect::Question);
        }
    }

    /// Auxiliary, negation and verb; the other way round where the verb is final.
    fn isolating_verb(&mut self, clause: &Clause) {
        let copular = clause.frame == Frame::Copular;
        if self.speaker.config.order.is_verb_final() {
            if copular {
                self.standard(clause);
            }
            self.predicate(clause);
            self.copula(clause);
            self.negation(clause);
            self.auxiliary(clause);
        } else {
            self.auxiliary(clause);
            self.negation(clause);
            self.copula(clause);
            self.predicate(clause);
            if copular {
                self.standard(clause);
            }
        }
    }

    fn auxiliary(&mut self, clause: &Clause) {
        self.function(auxiliary(clause.tense, clause.subject.number), Aspect::Tense);
        self.also(Aspect::Agreement);
    }

    fn negation(&mut self, clause: &Clause) {
        if clause.negated {
            self.function(Function::Not, Aspect::Negation);
        }
    }

    fn copula(&mut self, clause: &Clause) {
        if clause.frame == Frame::Copular {
            self.function(Function::Be, Aspect::Copula);
        }
    }

    fn standard(&mut self, clause: &Clause) {
        let case = Case::Marked(Function::Than, Suffix::Than);
        self.optional(Role::Object, &clause.object, case);
    }

    /// The verb or adjective in the form that its neighbour asks for.
    fn predicate(&mut self, clause: &Clause) {
        let neighbour = match clause.frame {
            Frame::Transitive | Frame::Ditransitive => clause.object.as_ref(),
            Frame::Intransitive | Frame::Copular => Some(&clause.subject),
        };
        let (inventory, lexicon) = (self.speaker.inventory, self.speaker.lexicon);
        let class = neighbour.map_or(NounClass::Person, |np| inventory.noun_class(np.head));
        match lexicon.second(clause.predicate) {
            Some(_) => self.form(clause.predicate, lexicon.form_near(inventory, clause.predicate, class), Aspect::Head),
            None => self.word(clause.predicate, Aspect::Head),
        }
    }
}
