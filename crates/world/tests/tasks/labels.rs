//! Gold answers, worked out again from the words of the items.

use crate::reading::{Told, few, field, told, world};
use std::collections::{BTreeMap, BTreeSet};
use tongues_world::{Gold, Item, LanguageConfig, Split, Task, TaskConfig, Text};

const SPLITS: [Split; 3] = [Split::Train, Split::Dev, Split::Test];
/// Number of the concept "not".
const NOT: u16 = 8;

/// Items of all splits in a language, at several difficulties.
pub(crate) fn all(task: Task, language: &LanguageConfig) -> Vec<Item> {
    let plain = TaskConfig::new(task);
    let hard = TaskConfig { entities: 4, steps: 4, clauses: 4, negatives: 7, largest: 99, ..plain.clone() };
    let easy = (task == Task::Nli).then(|| TaskConfig { clauses: 1, ..plain.clone() });
    let configs = [plain, hard].into_iter().chain(easy);
    configs.flat_map(|config| SPLITS.map(|split| world().items(&config, language, split, few(task, split, 300)).unwrap())).flatten().collect()
}

#[test]
fn premises_of_one_clause_are_asked_for_with_one() {
    let config = TaskConfig { clauses: 1, ..TaskConfig::new(Task::Nli) };
    for language in LanguageConfig::ready_made() {
        for item in world().items(&config, &language, Split::Train, 300).unwrap() {
            let (premise, hypothesis) = (told(field(&item, "premise")), told(field(&item, "hypothesis")).remove(0));
            assert_eq!(premise.len(), 1, "{}", item.id);
            let turned = (hypothesis.subject, hypothesis.object) == (premise[0].object.unwrap(), Some(premise[0].subject));
            assert_eq!(label(&item) == "neutral", turned, "{}", item.id);
        }
    }
}

fn label(item: &Item) -> &str {
    match &item.gold {
        Gold::Label(label) => label,
        other => panic!("a label was expected, found {other:?}"),
    }
}

/// What is done to whom.
pub(crate) fn act(told: &Told) -> (u16, u16, Option<u16>) {
    (told.verb, told.subject, told.object)
}

#[test]
fn a_hypothesis_follows_or_not() {
    for language in LanguageConfig::ready_made() {
        let mut counts = BTreeMap::new();
        for item in all(Task::Nli, &language) {
            let premise = told(field(&item, "premise"));
            let hypothesis = told(field(&item, "hypothesis")).remove(0);
            let found = match premise.iter().find(|told| act(told) == act(&hypothesis)) {
                Some(told) if told.negated == hypothesis.negated => "entailment",
                Some(_) => "contradiction",
                None => "neutral",
            };
            assert_eq!(label(&item), found, "{}", item.id);
            *counts.entry((found, hypothesis.negated)).or_insert(0) += 1;
        }
        assert!(counts.len() == 6 && counts.values().all(|count| *count > 200), "{counts:?}");
    }
}

/// Clauses of the pivot read with nothing but its lexicon: two persons around a
/// verb, the first of them the subject, and perhaps "not".
fn parse(text: &str, words: &BTreeMap<String, (u16, &str)>) -> Vec<(u16, Vec<u16>, bool)> {
    let (mut clauses, mut persons, mut verb, mut negated) = (Vec::new(), Vec::new(), 0, false);
    for word in text.split(' ') {
        let word = word.trim_end_matches(['.', ',', '?']).to_lowercase();
        match words[&word] {
            (id, "noun" | "name") => persons.push(id),
            (id, "verb") => verb = id,
            (NOT, _) => negated = true,
            _ => {}
        }
        if persons.len() == 2 {
            clauses.push((verb, std::mem::take(&mut persons), std::mem::take(&mut negated)));
        }
    }
    clauses
}

#[test]
fn inference_in_the_pivot_needs_nothing_but_its_grammar() {
    let entries = world().entries(&LanguageConfig::pivot());
    let words: BTreeMap<_, _> = entries.iter().map(|entry| (entry.pivot.clone(), (entry.lexeme, entry.class))).collect();
    for item in all(Task::Nli, &LanguageConfig::pivot()) {
        let premise = parse(&field(&item, "premise").text, &words);
        let (verb, persons, negated) = parse(&field(&item, "hypothesis").text, &words).remove(0);
        let told = premise.iter().find(|(other, others, _)| (other, others) == (&verb, &persons));
        let found = match told {
            Some((_, _, other)) if *other == negated => "entailment",
            Some(_) => "contradiction",
            None => "neutral",
        };
        assert_eq!(label(&item), found, "{}", item.id);
    }
}

#[test]
fn an_intent_is_the_verb_that_is_not_negated() {
    let mut verbs = BTreeMap::new();
    for language in LanguageConfig::ready_made() {
        for item in all(Task::Intent, &language) {
            let clauses = told(field(&item, "text"));
            let meant: Vec<_> = clauses.iter().filter(|told| !told.negated).collect();
            assert!(meant.len() == 1 && clauses.len() > 2);
            assert_eq!(clauses.iter().map(|told| told.verb).collect::<BTreeSet<_>>().len(), clauses.len());
            assert_eq!(*verbs.entry(label(&item).to_owned()).or_insert(meant[0].verb), meant[0].verb);
        }
    }
    assert_eq!(verbs.values().collect::<BTreeSet<_>>().len(), 8);
}

#[test]
fn the_positive_says_what_the_query_says_and_no_negative_does() {
    for language in LanguageConfig::ready_made() {
        for item in all(Task::Retrieval, &language) {
            let query = told(field(&item, "query")).remove(0);
            let says = |text: &Text| told(text).iter().any(|told| (act(told), told.negated) == (act(&query), query.negated));
            assert_eq!(item.gold, Gold::Field("positive"));
            assert!(says(field(&item, "positive")));
            let negatives: Vec<_> = item.fields.iter().filter(|field| field.name == "negative").collect();
            assert!([3, 7].contains(&negatives.len()));
            assert!(!negatives.iter().any(|field| says(&field.text)));
            let same = negatives[..3].iter().all(|field| bag(&field.text) == bag(self::field(&item, "positive")));
            assert!(same, "{}", item.id);
        }
    }
}

/// The words of a text as concepts with their affixes, without order.
fn bag(text: &Text) -> Vec<String> {
    let mut bag: Vec<_> = text.tokens.iter().map(|token| token.gloss.clone()).collect();
    bag.sort_unstable();
    bag
}

/// A number from the concepts of its words, given that of zero.
fn value(words: &[u16], zero: u16) -> u32 {
    words.iter().fold(0, |sum, word| match u32::from(word - zero) {
        10 => sum.max(1) * 10,
        digit => sum + digit,
    })
}

#[test]
fn problems_come_out_as_the_answer_says() {
    for language in LanguageConfig::ready_made() {
        let mut answers = BTreeSet::new();
        for item in all(Task::Arithmetic, &language).into_iter().chain(of_one_owner(&language, 300).concat()) {
            let clauses = told(field(&item, "problem"));
            // The words of tasks stand in a fixed order: to have, give, find, lose; zero is nine after.
            let have = clauses[0].verb;
            let zero = have + 9;
            let mut amounts: BTreeMap<u16, u32> = BTreeMap::new();
            for clause in &clauses {
                let (count, who) = (value(&clause.number, zero), clause.subject);
                match clause.verb - have {
                    _ if clause.negated || clause.question => {}
                    0 => drop(amounts.insert(who, count)),
                    // Of some persons no number is told.
                    2 => amounts.get_mut(&who).into_iter().for_each(|amount| *amount += count),
                    verb => {
                        amounts.get_mut(&who).into_iter().for_each(|amount| *amount = amount.checked_sub(count).unwrap());
                        let to = clause.recipient.filter(|_| verb == 1);
                        to.and_then(|to| amounts.get_mut(&to)).into_iter().for_each(|amount| *amount += count);
                    }
                }
            }
            let asked = clauses.last().unwrap();
            assert!(asked.question);
            let Gold::Number(gold) = item.gold else { panic!("a number was expected") };
            assert_eq!(amounts[&asked.subject], gold, "{}", field(&item, "problem").text);
            let lexemes: Vec<_> = field(&item, "answer").tokens.iter().flat_map(|token| token.lexeme).collect();
            assert_eq!(value(&lexemes, zero), gold);
            assert_eq!(chain(field(&item, "chain"), zero), gold);
            answers.insert(gold);
        }
        assert!(answers.len() > 12, "{answers:?}");
    }
}

/// Problems of one owner, split by split.
fn of_one_owner(language: &LanguageConfig, count: usize) -> Vec<Vec<Item>> {
    let config = TaskConfig { entities: 1, ..TaskConfig::new(Task::Arithmetic) };
    SPLITS.map(|split| world().items(&config, language, split, few(Task::Arithmetic, split, count)).unwrap()).into()
}

#[test]
fn one_owner_has_a_number_and_others_take_part() {
    let mut problems = BTreeSet::new();
    let mut owners = BTreeMap::new();
    for (split, items) in of_one_owner(&LanguageConfig::pivot(), 8000).iter().enumerate() {
        for item in items {
            let clauses = told(field(item, "problem"));
            let have = clauses[0].verb;
            let owned = clauses.iter().filter(|clause| clause.verb == have && !clause.question).count();
            assert_eq!((owned, clauses[0].subject), (1, clauses.last().unwrap().subject), "{}", field(item, "problem").text);
            assert!(problems.insert(field(item, "problem").text.clone()), "{} twice", field(item, "problem").text);
            let people: BTreeSet<_> = clauses.iter().flat_map(|clause| [Some(clause.subject), clause.recipient]).flatten().collect();
            let mut numbers: Vec<_> = clauses.iter().filter(|clause| !clause.question).map(|clause| clause.number.clone()).collect();
            numbers.sort_unstable();
            // Problems of the same persons, numbers and thing stand in one split.
            let key = (people, numbers, clauses[0].object);
            assert_eq!(*owners.entry(key).or_insert(split), split, "{}", field(item, "problem").text);
        }
    }
    assert!(owners.len() > 1000, "{} problems", owners.len());
}

/// Checks every step of a chain and that each begins where the last one ended;
/// returns its end.
fn chain(text: &Text, zero: u16) -> u32 {
    let mut end = None;
    for step in text.text.split_terminator('.') {
        let first = step.as_ptr() as usize - text.text.as_ptr() as usize;
        let tokens = text.tokens.iter().filter(|token| (first..first + step.len()).contains(&token.bytes.start));
        let (mut numbers, mut signs) = (vec![Vec::new()], Vec::new());
        for token in tokens {
            match token.lexeme {
                Some(word) => numbers.last_mut().unwrap().push(word),
                None => {
                    signs.push(token.gloss.as_str());
                    numbers.push(Vec::new());
                }
            }
        }
        let values: Vec<_> = numbers.iter().map(|words| value(words, zero)).collect();
        let result = if signs[0] == "+" { values[0] + values[1] } else { values[0] - values[1] };
        assert_eq!((signs[1], result), ("=", values[2]), "{}", text.text);
        assert!(end.is_none_or(|end| end == values[0]), "{}", text.text);
        end = Some(result);
    }
    end.unwrap()
}

#[test]
fn slots_are_the_participants() {
    for language in LanguageConfig::ready_made() {
        for item in all(Task::Slots, &language) {
            let Gold::Spans(spans) = &item.gold else { panic!("spans were expected") };
            let text = field(&item, "text");
            let mut found: Vec<_> =
                told(text).iter().flat_map(|told| [("AGENT", Some(told.subject)), ("RECIPIENT", told.recipient), ("THEME", told.object)]).collect();
            let head = |span: &tongues_world::Span| {
                let inside = &text.tokens[span.tokens.clone()];
                inside.iter().find(|token| token.atoms.iter().any(|atom| atom.aspect == tongues_world::Aspect::Head)).and_then(|token| token.lexeme)
            };
            let mut gold: Vec<_> = spans.iter().map(|span| (span.label, head(span))).collect();
            found.sort_unstable();
            gold.sort_unstable();
            assert_eq!(found, gold, "{}", text.text);
        }
    }
}

/// The first clause of a prompt, changed as it asks, and what the response says.
fn follow(item: &Item, response: &str, have: u16) -> (Told, Told) {
    let prompt = field(item, "prompt");
    let mut clause = told(prompt).remove(0);
    let orders: Vec<_> = prompt.tokens.iter().filter(|token| token.atoms[0].role == tongues_world::Role::Loose).filter_map(|token| token.lexeme).collect();
    for order in &orders {
        match order - have {
            // Negate, past, future, question, the other way round.
            4 => clause.negated = !clause.negated,
            5 => clause.tense = "PST".to_owned(),
            6 => clause.tense = "FUT".to_owned(),
            7 => clause.question = true,
            8 => clause = Told { subject: clause.object.unwrap(), object: Some(clause.subject), ..clause },
            other => panic!("an instruction was expected, found {other}"),
        }
    }
    let mut answer = told(field(item, response)).remove(0);
    clause.piece = 0;
    for told in [&mut clause, &mut answer] {
        let tag = told.tense.split('-').find(|tag| ["PST", "PRS", "FUT"].contains(tag));
        told.tense = tag.unwrap().to_owned();
    }
    (clause, answer)
}

#[test]
fn responses_do_what_prompts_ask() {
    let have = world().entries(&LanguageConfig::pivot()).last().unwrap().lexeme - 19;
    for language in [LanguageConfig::derived(), LanguageConfig::kindred(), LanguageConfig::remote()] {
        for item in all(Task::Instruction, &language) {
            let (expected, found) = follow(&item, "response", have);
            assert_eq!(expected, found, "{}", field(&item, "prompt").text);
        }
        for item in all(Task::Preference, &language) {
            let (expected, found) = follow(&item, "chosen", have);
            assert_eq!(expected, found, "{}", field(&item, "prompt").text);
            let (expected, found) = follow(&item, "rejected", have);
            assert_ne!(expected, found);
        }
    }
}

/// The verb of the first clause is another one, or the first clause is negated where it should not be, or the other way round.
#[test]
fn a_rejected_response_has_the_wrong_verb_or_the_wrong_negation() {
    let have = world().entries(&LanguageConfig::pivot()).last().unwrap().lexeme - 19;
    let items = all(Task::Preference, &LanguageConfig::derived());
    let wrong = items.iter().map(|item| {
        let (expected, found) = follow(item, "rejected", have);
        (expected.verb != found.verb, expected.negated != found.negated)
    });
    let (verbs, negations): (Vec<_>, Vec<_>) = wrong.partition(|(verb, _)| *verb);
    assert!(verbs.iter().all(|(_, negated)| !negated) && negations.iter().all(|(_, negated)| *negated));
    // Where both clauses are negated, or neither, there is only the verb.
    assert!(verbs.len() > negations.len() && negations.len() * 5 > items.len(), "{} {}", verbs.len(), negations.len());
    let same = |item: &Item| told(field(item, "chosen")).windows(2).all(|pair| pair[0].negated == pair[1].negated);
    assert_eq!(verbs.len(), items.iter().filter(|item| same(item)).count());
}

#[test]
fn a_rejected_response_has_the_words_of_the_chosen_one() {
    for language in LanguageConfig::ready_made() {
        for item in all(Task::Preference, &language) {
            let words = |name| {
                let mut words: Vec<_> = field(&item, name).tokens.iter().map(|token| token.lexeme).collect();
                words.sort_unstable();
                words
            };
            assert_eq!(words("chosen"), words("rejected"));
            assert_ne!(field(&item, "chosen").text, field(&item, "rejected").text);
        }
    }
}
