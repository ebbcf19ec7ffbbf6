//! What an event leaves open: determiners, modifiers, further clauses.
//!
//! All draws come from the stream of the sentence, the same for every language.
//! Relative and second clauses are events of the same split.

use crate::events::{Event, EventSpace};
use crate::inventory::{ConceptId, Function, Inventory, WordClass};
use crate::meaning::{Clause, Meaning, NounPhrase, Number, TENSES, Tense};
use crate::plan::{Choice, Planner};
use crate::random::Stream;
use crate::selection::Frame;
use crate::split::Split;

const MIN_WORDS: usize = 4;
const MAX_WORDS: usize = 14;
/// How often to look for a relative clause that fits: often enough that the
/// small splits have as many as the large one.
const ATTEMPTS: u64 = 128;

const DETERMINERS: [(Function, u64); 6] =
    [(Function::Definite, 6), (Function::Indefinite, 5), (Function::This, 2), (Function::That, 1), (Function::My, 1), (Function::Your, 1)];
const RELATIONS: [Function; 4] = [Function::In, Function::On, Function::Near, Function::Under];
const CONJUNCTIONS: [Function; 4] = [Function::And, Function::But, Function::Because, Function::When];

/// Makes one meaning, drawing what the event leaves open.
pub(crate) struct Composer<'a> {
    pub(crate) planner: &'a Planner,
    pub(crate) inventory: &'a Inventory,
    pub(crate) split: Split,
    pub(crate) stream: Stream,
}

impl Composer<'_> {
    pub(crate) fn compose(&mut self, choice: Choice) -> Meaning {
        let event = self.planner.spaces[choice.frame as usize].event(choice.number);
        let tense = TENSES[(choice.variant / 2) as usize];
        let number = [Number::One, Number::Many][(choice.variant % 2) as usize];
        let mut main = self.clause(choice.frame, &event, tense, number);
        main.negated = self.stream.chance(1, 10);
        let mut meaning = Meaning { main, relative: None, second: None, question: false };
        self.extend(&mut meaning);
        self.pad(&mut meaning);
        meaning
    }

    fn clause(&mut self, frame: Frame, event: &Event, tense: Tense, number: Number) -> Clause {
        let subject = self.phrase(event.subject, number);
        let object = event.object.map(|head| self.any_phrase(head));
        let predicate = self.twin(event.predicate);
        let recipient = event.recipient.map(|head| self.any_phrase(head));
        let relation = self.relation(event.object);
        Clause { object, recipient, relation, tense, ..Clause::new(frame, subject, predicate) }
    }

    /// A place mostly has its own relation.
    fn relation(&mut self, place: Option<ConceptId>) -> Function {
        let own = usize::from(place.unwrap_or_default() % 4);
        let any = self.stream.below(4) as usize;
        RELATIONS[if self.stream.chance(3, 4) { own } else { any }]
    }

    fn any_phrase(&mut self, head: ConceptId) -> NounPhrase {
        let many = self.stream.chance(1, 3);
        self.phrase(head, if many { Number::Many } else { Number::One })
    }

    fn phrase(&mut self, group: ConceptId, number: Number) -> NounPhrase {
        let mut phrase = NounPhrase { number, ..NounPhrase::bare(group) };
        match self.inventory.get(group).class {
            WordClass::Noun(_) => {
                phrase.head = self.twin(group);
                self.determine(&mut phrase);
            }
            WordClass::Name => {
                phrase.only = number == Number::Many;
                phrase.number = Number::One;
            }
            _ => phrase.head = self.pronoun(group, number),
        }
        phrase
    }

    fn determine(&mut self, phrase: &mut NounPhrase) {
        if phrase.number == Number::Many && self.stream.chance(1, 5) {
            phrase.numeral = self.planner.numerals.draw(&mut self.stream);
            return;
        }
        let mut target = self.stream.below(DETERMINERS.iter().map(|(_, weight)| weight).sum());
        for (determiner, weight) in DETERMINERS {
            if target < weight {
                phrase.determiner = Some(determiner);
                return;
            }
            target -= weight;
        }
    }

    fn pronoun(&mut self, person: ConceptId, number: Number) -> ConceptId {
        let plural = |one: Function, many: Function| match number {
            Number::One => one.id(),
            Number::Many => many.id(),
        };
        if person == Function::I.id() {
            plural(Function::I, Function::We)
        } else if person == Function::You.id() {
            plural(Function::You, Function::YouAll)
        } else if number == Number::One {
            self.twin(person)
        } else {
            Function::They.id()
        }
    }

    /// A member of the group, the first twice as often.
    fn twin(&mut self, group: ConceptId) -> ConceptId {
        match self.inventory.twin(group) {
            Some(twin) if self.stream.chance(1, 3) => twin,
            _ => group,
        }
    }

    /// Adds modifiers and clauses as long as the sentence is not too long.
    fn extend(&mut self, meaning: &mut Meaning) {
        if self.stream.chance(1, 6) {
            let relative = self.relative(&meaning.main);
            self.attempt(meaning, |meaning| meaning.relative = relative);
        }
        if self.stream.chance(1, 7) {
            let second = self.second();
            self.attempt(meaning, |meaning| meaning.second = second);
        }
        let question = meaning.second.is_none() && self.stream.chance(1, 14);
        self.attempt(meaning, |meaning| meaning.question = question);
        for role in 0..3 {
            if self.stream.chance(1, 3) {
                self.qualify(meaning, role);
            }
        }
        if self.stream.chance(1, 4) {
            self.add_time(meaning);
        }
        if self.stream.chance(1, 4) {
            self.add_manner(meaning);
        }
    }

    /// Keeps a change unless the sentence becomes too long.
    fn attempt(&self, meaning: &mut Meaning, change: impl FnOnce(&mut Meaning)) {
        let before = *meaning;
        change(meaning);
        if meaning.words(false) > MAX_WORDS {
            *meaning = before;
        }
    }

    /// An adjective for the noun in a role of the main clause.
    fn qualify(&mut self, meaning: &mut Meaning, role: usize) {
        let main = &meaning.main;
        let phrases = [Some(main.subject), main.object, main.recipient];
        let Some(head) = phrases[role].map(|phrase| phrase.head) else {
            return;
        };
        let WordClass::Noun(class) = self.inventory.get(head).class else {
            return;
        };
        let adjective = self.planner.adjectives[class as usize].draw(&mut self.stream);
        self.attempt(meaning, |meaning| {
            let main = &mut meaning.main;
            let phrase = match role {
                0 => Some(&mut main.subject),
                1 => main.object.as_mut(),
                _ => main.recipient.as_mut(),
            };
            if let Some(phrase) = phrase {
                phrase.adjective = adjective;
            }
        });
    }

    fn add_time(&mut self, meaning: &mut Meaning) {
        let time = self.planner.times[meaning.main.tense as usize].draw(&mut self.stream);
        self.attempt(meaning, |meaning| meaning.main.time = time);
    }

    fn add_manner(&mut self, meaning: &mut Meaning) {
        let table = usize::from(self.inventory.get(meaning.main.predicate).group % 3);
        let manner = self.planner.manners[table].draw(&mut self.stream);
        if meaning.main.frame != Frame::Copular {
            self.attempt(meaning, |meaning| meaning.main.manner = manner);
        }
    }

    /// The least sentences have a pronoun, a verb, and perhaps another pronoun.
    fn pad(&mut self, meaning: &mut Meaning) {
        if meaning.words(true) < MIN_WORDS && meaning.main.time.is_none() {
            self.add_time(meaning);
        }
        if meaning.words(true) < MIN_WORDS {
            self.add_manner(meaning);
        }
    }

    /// Another event of the split in which the subject, a noun, is the subject.
    fn relative(&mut self, main: &Clause) -> Option<Clause> {
        let subject = self.inventory.get(main.subject.head);
        if !matches!(subject.class, WordClass::Noun(_)) {
            return None;
        }
        let frame = self.short_frame();
        let space = &self.planner.spaces[frame as usize];
        let found = (0..ATTEMPTS).find_map(|_| {
            let mut event = self.any_event(space);
            event.subject = subject.group;
            space.contains(self.split, &event).then_some(event)
        })?;
        let tense = TENSES[self.stream.below(2) as usize];
        let clause = self.clause(frame, &found, tense, main.subject.number);
        Some(Clause { subject: main.subject, ..clause })
    }

    fn second(&mut self) -> Option<(Function, Clause)> {
        let frame = self.short_frame();
        let event = self.any_event(&self.planner.spaces[frame as usize]);
        let tense = TENSES[self.stream.below(3) as usize];
        let number = [Number::One, Number::Many][self.stream.below(2) as usize];
        let conjunction = self.stream.skewed(&CONJUNCTIONS);
        Some((conjunction, self.clause(frame, &event, tense, number)))
    }

    fn short_frame(&mut self) -> Frame {
        [Frame::Transitive, Frame::Intransitive][self.stream.below(2) as usize]
    }

    fn any_event(&mut self, space: &EventSpace) -> Event {
        let k = self.stream.below(space.size(self.split));
        space.event(space.number_at(self.split, k))
    }
}
