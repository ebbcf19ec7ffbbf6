//! Noun phrases: determiner, numeral, adjective, noun, case.

use crate::agreement::plural;
use crate::atom::{Aspect, Role};
use crate::inventory::{Function, WordClass};
use crate::lexicon::Suffix;
use crate::meaning::{Clause, Count, NounPhrase, Number};
use crate::realise::{Case, Speech};
use crate::words::{Extra, number};

impl Speech<'_> {
    pub(crate) fn phrase(&mut self, role: Role, np: &NounPhrase, relative: Option<&Clause>, case: Case) {
        let before = self.enter(role);
        let config = self.speaker.config;
        if let (Case::Marked(preposition, _), false) = (case, config.suffixing) {
            self.function(preposition, Aspect::Case);
        }
        let first = config.order.is_verb_final();
        if first {
            self.relative(relative);
        }
        if np.only {
            self.function(Function::Only, Aspect::Only);
        }
        self.determiner(np);
        self.numeral(np);
        if !config.adjective_after_noun {
            self.adjective(np, case);
        }
        self.word(np.head, Aspect::Head);
        self.inflect(np, case, [Aspect::Plural, Aspect::Case]);
        if config.adjective_after_noun {
            self.adjective(np, case);
        }
        if !first {
            self.relative(relative);
        }
        self.enter(before);
    }

    fn determiner(&mut self, np: &NounPhrase) {
        let Some(determiner) = np.determiner else {
            return;
        };
        let article = matches!(determiner, Function::Definite | Function::Indefinite);
        if self.speaker.config.suffixing {
            // No articles, and number is on the noun.
            if !article {
                self.function(determiner, Aspect::Determiner);
            }
            return;
        }
        match np.number {
            Number::One => self.function(determiner, Aspect::Determiner),
            Number::Many => {
                self.function(plural(determiner), Aspect::Determiner);
                self.also(Aspect::Plural);
            }
        }
    }

    fn numeral(&mut self, np: &NounPhrase) {
        let inventory = self.speaker.inventory;
        if let Some(id) = np.numeral {
            self.word(id, Aspect::Numeral(0));
        }
        match np.count {
            Some(Count::Of(value)) => {
                for (place, id) in number(inventory, value).into_iter().enumerate() {
                    self.word(id, Aspect::Numeral(place as u8));
                }
            }
            Some(Count::Asked) => self.word(Extra::HowMany.id(inventory), Aspect::Numeral(0)),
            None => {}
        }
    }

    fn adjective(&mut self, np: &NounPhrase, case: Case) {
        let Some(id) = np.adjective else { return };
        let (inventory, lexicon) = (self.speaker.inventory, self.speaker.lexicon);
        match lexicon.second(id) {
            Some(_) => self.form(id, lexicon.form_near(inventory, id, inventory.noun_class(np.head)), Aspect::Adjective),
            None => self.word(id, Aspect::Adjective),
        }
        if self.speaker.config.agreeing {
            self.inflect(np, case, [Aspect::AdjectivePlural, Aspect::AdjectiveCase]);
        }
    }

    /// Affixes of number and case, which say the two aspects.
    fn inflect(&mut self, np: &NounPhrase, case: Case, says: [Aspect; 2]) {
        if !self.speaker.config.suffixing {
            return;
        }
        let noun = matches!(self.speaker.inventory.get(np.head).class, WordClass::Noun(_));
        // A numeral says enough: the noun after it stays singular.
        if noun && np.number == Number::Many && np.numeral.is_none() && np.count.is_none() {
            self.attach(Suffix::Plural, says[0]);
        }
        match case {
            Case::Subject => {}
            Case::Object => self.attach(Suffix::Accusative, says[1]),
            Case::Marked(_, suffix) => self.attach(suffix, says[1]),
        }
    }
}
