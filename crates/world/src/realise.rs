//! From a meaning to words: the order of a sentence and its clauses.

use crate::agreement::relation_suffix;
use crate::atom::{Aspect, Atom, Role};
use crate::inventory::{ConceptId, Function, Inventory};
use crate::language::{LanguageConfig, WordOrder};
use crate::lexicon::{Lexicon, Suffix};
use crate::meaning::{Clause, Meaning, NounPhrase, Place};
use crate::random::hash;
use crate::selection::Frame;
use crate::utterance::{Text, Word, write};
use crate::words::Extra;

/// A language ready to speak.
pub(crate) struct Speaker<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) lexicon: &'a Lexicon,
    /// For glosses.
    pub(crate) pivot: &'a Lexicon,
    pub(crate) config: &'a LanguageConfig,
}

/// Words spoken one after the other, and where in the meaning the speaker is.
pub(crate) struct Speech<'a> {
    pub(crate) speaker: &'a Speaker<'a>,
    words: Vec<Word>,
    at: Atom,
    /// Draws synonyms.
    key: u64,
    /// Draws spelling errors, where there may be some.
    noise: Option<u64>,
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

fn parts(order: WordOrder) -> [Part; 7] {
    use Part::{Manner, Object, Place, Recipient, Subject, Time, Verb};
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
pub(crate) enum Case {
    Subject,
    Object,
    /// With a preposition, or the suffix in its stead.
    Marked(Function, Suffix),
}

/// How a clause stands in the sentence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Statement,
    Question,
    Relative,
}

impl<'a> Speech<'a> {
    /// Nothing said yet.
    pub(crate) fn new(speaker: &'a Speaker<'a>, key: u64, noise: Option<u64>) -> Self {
        let at = Atom { piece: 0, clause: 0, role: Role::Clause, aspect: Aspect::Head };
        Self { speaker, words: Vec::new(), at, key, noise }
    }

    /// What was said, written.
    pub(crate) fn finish(self) -> Text {
        write(self.words, self.speaker.config, self.speaker.pivot, self.noise)
    }

    /// A sentence, capitalised and punctuated.
    pub(crate) fn say(&mut self, meaning: &Meaning) {
        let first = self.words.len();
        let status = if meaning.question { Status::Question } else { Status::Statement };
        self.at = Atom { clause: 0, role: Role::Clause, ..self.at };
        if meaning.question && !self.speaker.config.suffixing {
            self.function(Function::Question, Aspect::Question);
        }
        self.clause(&meaning.main, meaning.relative.as_ref(), status);
        if let Some((conjunction, second)) = &meaning.second {
            if *conjunction != Function::And {
                self.mark(",");
            }
            self.at.clause = 2;
            self.function(*conjunction, Aspect::Conjunction);
            self.clause(second, None, Status::Statement);
        }
        self.mark(if meaning.question { "?" } else { "." });
        if let Some(word) = self.words.get_mut(first) {
            word.capital = true;
        }
        self.at.piece += 1;
    }

    /// Words outside any sentence, in their first forms.
    pub(crate) fn list(&mut self, words: &[ConceptId], mark: &'static str) {
        self.at = Atom { clause: 0, role: Role::Loose, ..self.at };
        for (place, id) in words.iter().enumerate() {
            self.form(*id, self.speaker.lexicon.form(*id), Aspect::Numeral(place as u8));
        }
        self.mark(mark);
        self.at.piece += 1;
    }

    /// A sign such as `+`.
    pub(crate) fn sign(&mut self, sign: &'static str) {
        let atoms = vec![Atom { clause: 0, role: Role::Loose, aspect: Aspect::Head, ..self.at }];
        self.words.push(Word { stem: sign.to_owned(), atoms, ..Word::default() });
        self.at.piece += 1;
    }

    fn clause(&mut self, clause: &Clause, relative: Option<&Clause>, status: Status) {
        let fronted = clause.place == Some(Place::Asked) && !self.speaker.config.order.is_verb_final();
        if fronted {
            self.asked_place();
        }
        for part in parts(self.speaker.config.order) {
            match part {
                Part::Subject if status == Status::Relative => {}
                Part::Subject => self.phrase(Role::Subject, &clause.subject, relative, Case::Subject),
                Part::Verb => self.verb(clause, status),
                Part::Object if clause.frame == Frame::Intransitive => {}
                // The standard of comparison stands with its adjective.
                Part::Object if clause.frame == Frame::Copular => {}
                Part::Object => self.optional(Role::Object, &clause.object, Case::Object),
                Part::Recipient => {
                    let case = Case::Marked(Function::To, Suffix::Dative);
                    self.optional(Role::Recipient, &clause.recipient, case);
                }
                Part::Place if clause.frame == Frame::Intransitive => {
                    let case = Case::Marked(clause.relation, relation_suffix(clause.relation));
                    self.optional(Role::Object, &clause.object, case);
                }
                Part::Place if fronted => {}
                Part::Place => self.place(clause),
                Part::Manner => self.adverb(clause.manner, Aspect::Manner),
                Part::Time => self.adverb(clause.time, Aspect::Time),
            }
        }
    }

    fn place(&mut self, clause: &Clause) {
        match &clause.place {
            Some(Place::In(phrase)) => self.phrase(Role::Place, phrase, None, Case::Marked(Function::In, Suffix::In)),
            Some(Place::Asked) => self.asked_place(),
            None => {}
        }
    }

    fn asked_place(&mut self) {
        self.at.role = Role::Place;
        self.word(Extra::Where.id(self.speaker.inventory), Aspect::Head);
        self.at.role = Role::Clause;
    }

    fn adverb(&mut self, adverb: Option<ConceptId>, aspect: Aspect) {
        if let Some(id) = adverb {
            self.word(id, aspect);
        }
    }

    pub(crate) fn optional(&mut self, role: Role, phrase: &Option<NounPhrase>, case: Case) {
        if let Some(phrase) = phrase {
            self.phrase(role, phrase, None, case);
        }
    }

    /// The clause about a noun, before or after it.
    pub(crate) fn relative(&mut self, relative: Option<&Clause>) {
        let Some(clause) = relative else { return };
        let before = self.at;
        self.at = Atom { clause: 1, role: Role::Clause, ..before };
        let marked = !self.speaker.config.suffixing;
        let first = !self.speaker.config.order.is_verb_final();
        if marked && first {
            self.function(Function::Who, Aspect::Relative);
        }
        self.clause(clause, None, Status::Relative);
        if marked && !first {
            self.function(Function::Who, Aspect::Relative);
        }
        self.at = before;
    }

    /// Goes over to a role; returns the one before.
    pub(crate) fn enter(&mut self, role: Role) -> Role {
        std::mem::replace(&mut self.at.role, role)
    }

    pub(crate) fn function(&mut self, word: Function, aspect: Aspect) {
        self.word(word.id(), aspect);
    }

    /// A word in its first form or a synonym of it.
    pub(crate) fn word(&mut self, id: ConceptId, aspect: Aspect) {
        let free = hash(self.key, "synonym", &[u64::from(id)]).is_multiple_of(2);
        let lexicon = self.speaker.lexicon;
        let form = lexicon.synonym(id).filter(|_| free).unwrap_or_else(|| lexicon.form(id));
        self.form(id, form, aspect);
    }

    pub(crate) fn form(&mut self, id: ConceptId, form: &str, aspect: Aspect) {
        let atoms = vec![Atom { aspect, ..self.at }];
        self.words.push(Word { lexeme: Some(id), stem: form.to_owned(), atoms, ..Word::default() });
    }

    /// Adds what else the last word says.
    pub(crate) fn also(&mut self, aspect: Aspect) {
        if let Some(word) = self.words.last_mut() {
            word.atoms.push(Atom { aspect, ..self.at });
        }
    }

    /// Adds an affix to the last word, in harmony with its stem.
    pub(crate) fn attach(&mut self, suffix: Suffix, aspect: Aspect) {
        if let Some(word) = self.words.last_mut() {
            let front = crate::phonology::is_front(&word.stem);
            word.affixes.push((suffix, self.speaker.lexicon.suffix(suffix, front).to_owned()));
            word.atoms.push(Atom { aspect, ..self.at });
        }
    }

    fn mark(&mut self, mark: &'static str) {
        if let Some(word) = self.words.last_mut() {
            word.mark = mark;
        }
    }
}
