//! From a meaning to a sentence: order, function words or suffixes, script.

use crate::agreement::{auxiliary, person_suffix, plural, relation_suffix, tense_suffix};
use crate::inventory::{ConceptId, Function, Inventory, WordClass};
use crate::language::{LanguageConfig, WordOrder};
use crate::lexicon::{Lexicon, Suffix};
use crate::meaning::{Clause, Meaning, NounPhrase, Number};
use crate::phonology::is_front;
use crate::selection::{Frame, NounClass};

/// A language ready to speak.
pub(crate) struct Speaker<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) lexicon: &'a Lexicon,
    pub(crate) config: &'a LanguageConfig,
}

/// The parts of a clause.
#[derive(Clone, Copy)]
enum Part {
    Subject,
    Verb,
    Object,
    Recipient,
    Place,
    Manner,
    Time,
}

use Part::{Manner, Object, Place, Recipient, Subject, Time, Verb};

fn parts(order: WordOrder) -> [Part; 7] {
    match order {
        WordOrder::Svo => [Subject, Verb, Object, Recipient, Place, Manner, Time],
        WordOrder::Sov => [Time, Subject, Place, Recipient, Object, Manner, Verb],
        WordOrder::Vso => [Verb, Subject, Object, Recipient, Manner, Place, Time],
        WordOrder::Vos => [Verb, Object, Recipient, Subject, Manner, Place, Time],
        WordOrder::Ovs => [Object, Verb, Manner, Subject, Recipient, Place, Time],
        WordOrder::Osv => [Time, Object, Subject, Recipient, Place, Manner, Verb],
    }
}

/// How a participant takes part.
#[derive(Clone, Copy)]
enum Case {
    Subject,
    Object,
    /// With a preposition, or the suffix in its stead.
    Marked(Function, Suffix),
}

/// How a clause stands in the sentence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Statement,
    Question,
    Relative,
}

/// Words written one after the other.
#[derive(Default)]
struct Text(String);

impl Text {
    fn word(&mut self, form: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(form);
    }
}

impl Speaker<'_> {
    /// The sentence in the script of the language, capitalised and punctuated.
    pub(crate) fn say(&self, meaning: &Meaning) -> String {
        let mut text = Text::default();
        let status = if meaning.question { Status::Question } else { Status::Statement };
        if meaning.question && !self.config.suffixing {
            text.word(self.function(Function::Question));
        }
        self.clause(&mut text, &meaning.main, meaning.relative.as_ref(), status);
        if let Some((conjunction, second)) = &meaning.second {
            if *conjunction != Function::And {
                text.0.push(',');
            }
            text.word(self.function(*conjunction));
            self.clause(&mut text, second, None, Status::Statement);
        }
        text.0.push(if meaning.question { '?' } else { '.' });
        // Forms are ASCII letters, so the first byte is the first letter.
        if let Some(first) = text.0.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        self.config.script.write(&text.0)
    }

    fn clause(&self, text: &mut Text, clause: &Clause, relative: Option<&Clause>, status: Status) {
        for part in parts(self.config.order) {
            match part {
                Part::Subject if status == Status::Relative => {}
                Part::Subject => self.phrase(text, &clause.subject, relative, Case::Subject),
                Part::Verb => self.verb(text, clause, status),
                Part::Object if clause.frame == Frame::Intransitive => {}
                // The standard of comparison stands with its adjective.
                Part::Object if clause.frame == Frame::Copular => {}
                Part::Object => self.optional(text, &clause.object, Case::Object),
                Part::Recipient => {
                    let case = Case::Marked(Function::To, Suffix::Dative);
                    self.optional(text, &clause.recipient, case);
                }
                Part::Place if clause.frame == Frame::Intransitive => {
                    let case = Case::Marked(clause.relation, relation_suffix(clause.relation));
                    self.optional(text, &clause.object, case);
                }
                Part::Place => {}
                Part::Manner => self.adverb(text, clause.manner),
                Part::Time => self.adverb(text, clause.time),
            }
        }
    }

    fn adverb(&self, text: &mut Text, adverb: Option<ConceptId>) {
        if let Some(id) = adverb {
            text.word(self.lexicon.form(id));
        }
    }

    fn optional(&self, text: &mut Text, phrase: &Option<NounPhrase>, case: Case) {
        if let Some(phrase) = phrase {
            self.phrase(text, phrase, None, case);
        }
    }

    fn phrase(&self, text: &mut Text, np: &NounPhrase, relative: Option<&Clause>, case: Case) {
        if let (Case::Marked(preposition, _), false) = (case, self.config.suffixing) {
            text.word(self.function(preposition));
        }
        let before = self.config.order.is_verb_final();
        if before {
            self.relative(text, relative);
        }
        if np.only {
            text.word(self.function(Function::Only));
        }
        self.determiner(text, np);
        self.adverb(text, np.numeral);
        let class = self.inventory.noun_class(np.head);
        let adjective = np.adjective.map(|id| self.lexicon.form_near(self.inventory, id, class));
        let after = self.config.adjective_after_noun;
        adjective.iter().filter(|_| !after).for_each(|form| text.word(form));
        self.noun(text, np, case);
        adjective.iter().filter(|_| after).for_each(|form| text.word(form));
        if !before {
            self.relative(text, relative);
        }
    }

    fn relative(&self, text: &mut Text, relative: Option<&Clause>) {
        let Some(clause) = relative else { return };
        let marker = (!self.config.suffixing).then(|| self.function(Function::Who));
        let first = !self.config.order.is_verb_final();
        marker.iter().filter(|_| first).for_each(|form| text.word(form));
        self.clause(text, clause, None, Status::Relative);
        marker.iter().filter(|_| !first).for_each(|form| text.word(form));
    }

    fn determiner(&self, text: &mut Text, np: &NounPhrase) {
        let Some(determiner) = np.determiner else {
            return;
        };
        let article = matches!(determiner, Function::Definite | Function::Indefinite);
        if self.config.suffixing {
            // No articles, and number is on the noun.
            if !article {
                text.word(self.function(determiner));
            }
            return;
        }
        let agreeing = match np.number {
            Number::One => determiner,
            Number::Many => plural(determiner),
        };
        text.word(self.function(agreeing));
    }

    fn noun(&self, text: &mut Text, np: &NounPhrase, case: Case) {
        text.word(self.lexicon.form(np.head));
        if !self.config.suffixing {
            return;
        }
        let front = is_front(self.lexicon.form(np.head));
        let noun = matches!(self.inventory.get(np.head).class, WordClass::Noun(_));
        // A numeral says enough: the noun after it stays singular.
        if noun && np.number == Number::Many && np.numeral.is_none() {
            self.attach(text, Suffix::Plural, front);
        }
        match case {
            Case::Subject => {}
            Case::Object => self.attach(text, Suffix::Accusative, front),
            Case::Marked(_, suffix) => self.attach(text, suffix, front),
        }
    }

    fn verb(&self, text: &mut Text, clause: &Clause, status: Status) {
        if self.config.suffixing {
            self.suffixed_verb(text, clause, status);
        } else {
            self.isolating_verb(text, clause);
        }
    }

    fn suffixed_verb(&self, text: &mut Text, clause: &Clause, status: Status) {
        let mut stem = self.predicate(clause);
        if clause.frame == Frame::Copular {
            self.standard(text, clause);
            text.word(stem);
            stem = self.function(Function::Be);
        }
        if clause.negated {
            text.word(self.function(Function::Not));
        }
        let front = is_front(stem);
        text.word(stem);
        self.attach(text, tense_suffix(clause.tense), front);
        match status {
            Status::Relative => self.attach(text, Suffix::Relative, front),
            _ => self.attach(text, person_suffix(&clause.subject), front),
        }
        if status == Status::Question {
            self.attach(text, Suffix::Question, front);
        }
    }

    /// Auxiliary, negation and verb; the other way round where the verb is final.
    fn isolating_verb(&self, text: &mut Text, clause: &Clause) {
        let copular = clause.frame == Frame::Copular;
        let mut words = vec![auxiliary(clause.tense, clause.subject.number)];
        words.extend(clause.negated.then_some(Function::Not));
        words.extend(copular.then_some(Function::Be));
        let forms = words.iter().map(|word| self.function(*word));
        if self.config.order.is_verb_final() {
            if copular {
                self.standard(text, clause);
            }
            text.word(self.predicate(clause));
            forms.rev().for_each(|form| text.word(form));
        } else {
            forms.for_each(|form| text.word(form));
            text.word(self.predicate(clause));
            if copular {
                self.standard(text, clause);
            }
        }
    }

    fn standard(&self, text: &mut Text, clause: &Clause) {
        let case = Case::Marked(Function::Than, Suffix::Than);
        self.optional(text, &clause.object, case);
    }

    /// The verb or adjective in the form that its neighbour asks for.
    fn predicate(&self, clause: &Clause) -> &str {
        let neighbour = match clause.frame {
            Frame::Transitive | Frame::Ditransitive => clause.object.as_ref(),
            Frame::Intransitive | Frame::Copular => Some(&clause.subject),
        };
        let class = neighbour.map_or(NounClass::Person, |np| self.inventory.noun_class(np.head));
        self.lexicon.form_near(self.inventory, clause.predicate, class)
    }

    fn function(&self, word: Function) -> &str {
        self.lexicon.form(word.id())
    }

    fn attach(&self, text: &mut Text, suffix: Suffix, front: bool) {
        text.0.push_str(self.lexicon.suffix(suffix, front));
    }
}
