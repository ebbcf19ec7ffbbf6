//! Facts, and questions about them, worked out again from the words of the items.

use crate::labels::{act, all};
use crate::reading::{Told, few, field, told, world};
use std::collections::{BTreeMap, BTreeSet};
use tongues_world::{LanguageConfig, Split, Task, TaskConfig};

#[test]
fn documents_state_what_questions_ask_for() {
    let config = TaskConfig::new(Task::LanguageModel);
    for language in LanguageConfig::ready_made() {
        let mut places = BTreeMap::new();
        for item in world().items(&config, &language, Split::Train, 600).unwrap() {
            for told in told(field(&item, "text")).into_iter().filter(|told| told.place.is_some() && !told.negated && !told.question) {
                assert_eq!(*places.entry(act(&told)).or_insert(told.place), told.place);
            }
        }
        for item in all(Task::FactQa, &language) {
            let question = told(field(&item, "question")).remove(0);
            let answer = &field(&item, "answer").tokens;
            assert_eq!(answer.len(), 1);
            assert_eq!(places[&act(&question)], answer[0].lexeme);
            let turned = (question.verb, question.object.unwrap(), Some(question.subject));
            assert_ne!(places[&turned], answer[0].lexeme);
            let context = told(field(&item, "context"));
            assert_eq!(context.len(), 3);
            let told = context.iter().filter(|told| !told.negated && act(told) == act(&question));
            assert_eq!(told.map(|told| told.place).collect::<Vec<_>>(), [answer[0].lexeme]);
        }
    }
}

#[test]
fn other_facts_stand_beside_a_question() {
    for (language, alike) in LanguageConfig::ready_made().iter().flat_map(|language| [(language, 0), (language, 1)]) {
        let config = TaskConfig { alike, facts: 400, ..TaskConfig::new(Task::FactQa) };
        let [train, test] = [Split::Train, Split::Test].map(|split| world().items(&config, language, split, few(Task::FactQa, split, 300)).unwrap());
        let known: BTreeSet<_> = train.iter().flat_map(|item| &item.keys).collect();
        assert!(!test.iter().any(|item| item.keys.iter().any(|key| known.contains(key))));
        for item in train.iter().chain(&test) {
            let question = told(field(item, "question")).remove(0);
            let context = told(field(item, "context"));
            let people = |told: &Told| BTreeSet::from([Some(told.subject), told.object]);
            let (same, others): (Vec<_>, Vec<_>) = context.iter().partition(|told| people(told) == people(&question));
            assert_eq!((same.len(), context.len()), (1 + alike as usize, 3));
            let answers = same.iter().filter(|told| act(told) == act(&question)).map(|told| told.place);
            assert_eq!(answers.collect::<Vec<_>>(), [field(item, "answer").tokens[0].lexeme]);
            assert!(others.iter().all(|told| people(told).is_disjoint(&people(&question))));
            assert_eq!(context.iter().map(|told| told.place).collect::<BTreeSet<_>>().len(), 3);
            assert_eq!(item.keys.len(), 1 + others.len());
        }
    }
}

#[test]
fn denials_say_where_other_things_did_not_happen() {
    for (alike, denials) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)] {
        for language in LanguageConfig::ready_made() {
            let config = TaskConfig { alike, denials, facts: 100, ..TaskConfig::new(Task::FactQa) };
            for item in world().items(&config, &language, Split::Train, 100).unwrap() {
                let question = told(field(&item, "question")).remove(0);
                let context = told(field(&item, "context"));
                let suits = |told: &&Told| !told.negated && act(told) == act(&question);
                let places: Vec<_> = context.iter().filter(suits).map(|told| told.place).collect();
                assert_eq!(places, [field(&item, "answer").tokens[0].lexeme]);
                assert_eq!(context.iter().filter(|told| told.negated).count(), denials as usize);
                assert_eq!((question.negated, context.len()), (false, 3));
            }
        }
    }
    let asked = TaskConfig { denials: 1, ..TaskConfig::new(Task::FactQa) };
    let error = world().items(&asked, &LanguageConfig::pivot(), Split::Train, 1).unwrap_err().to_string();
    assert_eq!(error, "task.qa.denials (beside alike = 2): expected 0 to 0, found 1; choose a value in that range");
}

#[test]
fn denials_are_true() {
    let config = TaskConfig::new(Task::FactQa);
    let beside = TaskConfig { alike: 0, denials: 2, ..config.clone() };
    let language = LanguageConfig::pivot();
    let stated = world().items(&config, &language, Split::Train, 320).unwrap();
    let denied: BTreeMap<_, _> = stated
        .iter()
        .flat_map(|item| told(field(item, "context")).into_iter().filter(|told| told.negated).map(|told| (people(&told), told.place)).collect::<Vec<_>>())
        .collect();
    for item in world().items(&beside, &language, Split::Train, 200).unwrap() {
        for told in told(field(&item, "context")).iter().filter(|told| told.negated) {
            assert_eq!(denied[&people(told)], told.place);
        }
    }
}

/// A verb, and those it tells of, whoever did it.
fn people(told: &Told) -> (u16, BTreeSet<Option<u16>>) {
    (told.verb, BTreeSet::from([Some(told.subject), told.object]))
}
