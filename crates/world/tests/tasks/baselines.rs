//! No task is solved by looking words up, nor by counting them.
//!
//! Both baselines get more than they would in earnest: every word of a text, in any
//! language, is given as its concept, so that looking up and cutting off affixes never
//! fail. What is left is to know which word does what, and that is the task.

use crate::reading::{Told, few, field, told, world};
use std::collections::{BTreeMap, BTreeSet};
use tongues_world::{Gold, Item, LanguageConfig, Split, Task, TaskConfig, Text, bio};

const TRAIN: usize = 3000;
const TEST: usize = 500;

/// Highest share of right answers that a baseline may reach.
const LIMIT: f64 = 0.55;

fn items(task: Task, language: &LanguageConfig, split: Split) -> Vec<Item> {
    let count = if split == Split::Train { TRAIN } else { TEST };
    world().items(&TaskConfig::new(task), language, split, few(task, split, count)).unwrap()
}

type Bag = BTreeMap<String, u32>;

/// Concepts of the fields that an answer is given for, marked by field.
fn concepts(item: &Item) -> Bag {
    let mut bag = Bag::new();
    for field in item.fields.iter().filter(|field| ["premise", "hypothesis", "text", "problem", "question", "prompt"].contains(&field.name)) {
        for token in &field.text.tokens {
            *bag.entry(format!("{}{:?}", field.name, token.lexeme)).or_default() += 1;
        }
    }
    bag
}

/// The words as they are written.
fn words(item: &Item) -> Bag {
    let mut bag = Bag::new();
    for field in &item.fields[..item.fields.len().min(if item.task == Task::Nli { 2 } else { 1 })] {
        for index in 0..field.text.tokens.len() {
            *bag.entry(format!("{}{}", field.name, field.text.word(index).to_lowercase())).or_default() += 1;
        }
    }
    bag
}

fn overlap(a: &Bag, b: &Bag) -> f64 {
    let shared: u32 = a.iter().map(|(word, count)| b.get(word).map_or(0, |other| *count.min(other))).sum();
    f64::from(shared) / f64::from(a.values().sum::<u32>().max(b.values().sum()))
}

/// The answer as one of a set, if it is one.
fn answer(item: &Item) -> String {
    match &item.gold {
        Gold::Label(label) => label.clone(),
        Gold::Number(value) => value.to_string(),
        Gold::Field(name) => format!("{:?}", field(item, name).tokens.iter().map(|token| token.lexeme).collect::<Vec<_>>()),
        Gold::Spans(_) => String::new(),
    }
}

fn share(right: usize, all: usize) -> f64 {
    right as f64 / all as f64
}

/// The answer of the training item with the most words in common.
fn nearest(train: &[Item], test: &[Item]) -> f64 {
    let known: Vec<_> = train.iter().map(|item| (concepts(item), answer(item))).collect();
    let right = test.iter().filter(|item| {
        let bag = concepts(item);
        let best = known.iter().max_by(|a, b| overlap(&bag, &a.0).total_cmp(&overlap(&bag, &b.0)));
        best.is_some_and(|(_, found)| *found == answer(item))
    });
    share(right.count(), test.len())
}

/// Naive Bayes over words, with one added to every count.
#[derive(Default)]
struct Bayes {
    labels: BTreeMap<String, (f64, Bag, f64)>,
    vocabulary: BTreeSet<String>,
}

impl Bayes {
    fn learn(&mut self, bag: &Bag, label: String) {
        let (count, words, total) = self.labels.entry(label).or_default();
        *count += 1.0;
        for (word, times) in bag {
            *words.entry(word.clone()).or_default() += times;
            *total += f64::from(*times);
            self.vocabulary.insert(word.clone());
        }
    }

    fn guess(&self, bag: &Bag) -> &str {
        let size = self.vocabulary.len() as f64;
        let score = |(count, words, total): &(f64, Bag, f64)| {
            let of = |word: &String| (f64::from(words.get(word).copied().unwrap_or(0)) + 1.0) / (total + size);
            count.ln() + bag.iter().map(|(word, times)| f64::from(*times) * of(word).ln()).sum::<f64>()
        };
        let best = self.labels.iter().max_by(|a, b| score(a.1).total_cmp(&score(b.1)));
        best.map_or("", |(label, _)| label)
    }
}

fn bayes(train: &[Item], test: &[Item], bag: impl Fn(&Item) -> Bag) -> f64 {
    let mut model = Bayes::default();
    train.iter().for_each(|item| model.learn(&bag(item), answer(item)));
    let right = test.iter().filter(|item| model.guess(&bag(item)) == answer(item));
    share(right.count(), test.len())
}

/// Prints a figure and checks that it is low.
fn check(task: &str, languages: &str, baseline: &str, found: f64) {
    println!("{task:<12} {languages:<20} {baseline:<22} {:5.1} %", found * 100.0);
    assert!(found < LIMIT, "{task} {languages} {baseline}: {found}");
}

/// Pairs of ready-made languages, the trained one first.
fn pairs() -> Vec<(LanguageConfig, LanguageConfig)> {
    let all = LanguageConfig::ready_made();
    let pairs = all.iter().flat_map(|a| all.iter().map(move |b| (a.clone(), b.clone())));
    pairs.filter(|(a, b)| a != b).collect()
}

#[test]
fn labels_and_numbers_are_not_in_the_words() {
    for task in [Task::Nli, Task::Intent, Task::Arithmetic] {
        // Concepts are the same in every language, so one pair stands for all.
        let train = items(task, &LanguageConfig::pivot(), Split::Train);
        let test = items(task, &LanguageConfig::distant(), Split::Test);
        check(task.name(), "pivot-distant", "look up, nearest item", nearest(&train, &test));
        check(task.name(), "pivot-distant", "look up, naive Bayes", bayes(&train, &test, concepts));
        for language in LanguageConfig::ready_made() {
            let [train, test] = [Split::Train, Split::Test].map(|split| items(task, &language, split));
            check(task.name(), &language.name, "naive Bayes of words", bayes(&train, &test, words));
        }
    }
}

#[test]
fn facts_are_not_in_the_words() {
    let documents = items(Task::LanguageModel, &LanguageConfig::pivot(), Split::Train);
    // Sentences that tell a place, by the concepts in them.
    let mut statements = Vec::new();
    for document in &documents {
        for told in told(field(document, "text")).iter().filter(|told| told.place.is_some() && !told.question) {
            let concepts: BTreeSet<_> = [Some(told.verb), Some(told.subject), told.object].into_iter().flatten().collect();
            statements.push((concepts, told.place));
        }
    }
    let [train, test] = [Split::Train, Split::Test].map(|split| items(Task::FactQa, &LanguageConfig::distant(), split));
    let mut model = Bayes::default();
    for (concepts, place) in &statements {
        let bag = concepts.iter().map(|id| (format!("question{:?}", Some(*id)), 1)).collect();
        model.learn(&bag, format!("{:?}", [place]));
    }
    train.iter().for_each(|item| model.learn(&concepts(item), answer(item)));
    let guessed = test.iter().filter(|item| model.guess(&concepts(item)) == answer(item)).count();
    check("qa", "pivot-distant", "look up, naive Bayes", share(guessed, test.len()));
    let looked_up: f64 = test.iter().map(|item| look_up(item, &statements)).sum();
    check("qa", "pivot-distant", "look up, nearest item", looked_up / test.len() as f64);
    let beside: f64 = test.iter().map(|item| look_up(item, &in_context(item))).sum();
    check("qa", "distant", "look up in the context", beside / test.len() as f64);
}

/// The statements of the context, by the concepts in them.
fn in_context(item: &Item) -> Vec<(BTreeSet<u16>, Option<u16>)> {
    let concepts = |told: &Told| [Some(told.verb), Some(told.subject), told.object].into_iter().flatten().collect();
    told(field(item, "context")).iter().map(|told| (concepts(told), told.place)).collect()
}

/// Chance to be right with a statement that has the most concepts of the question.
fn look_up(item: &Item, statements: &[(BTreeSet<u16>, Option<u16>)]) -> f64 {
    let asked: BTreeSet<_> = field(item, "question").tokens.iter().filter_map(|token| token.lexeme).collect();
    let most = statements.iter().map(|(concepts, _)| concepts.intersection(&asked).count()).max();
    let best: BTreeSet<_> = statements.iter().filter(|(concepts, _)| Some(concepts.intersection(&asked).count()) == most).map(|(_, place)| *place).collect();
    if best.contains(&field(item, "answer").tokens[0].lexeme) { 1.0 / best.len() as f64 } else { 0.0 }
}

#[test]
fn candidates_have_the_same_words() {
    for (language, candidates) in pairs() {
        let queries = items(Task::Retrieval, &language, Split::Test);
        let found: f64 = queries.iter().zip(items(Task::Retrieval, &candidates, Split::Test)).map(|(query, item)| ranked(query, &item)).sum();
        check("retrieval", &format!("{}-{}", language.name, candidates.name), "look up, overlap", found / queries.len() as f64);
    }
}

/// Chance that the positive is among the candidates with the most words of the query.
fn ranked(query: &Item, item: &Item) -> f64 {
    let bag = |text: &Text| {
        let mut bag = Bag::new();
        text.tokens.iter().for_each(|token| *bag.entry(format!("{:?}", token.lexeme)).or_default() += 1);
        bag
    };
    let query = bag(field(query, "query"));
    let scores: Vec<_> = item.fields[1..].iter().map(|field| overlap(&query, &bag(&field.text))).collect();
    let best = scores.iter().copied().fold(0.0, f64::max);
    if scores[0] < best { 0.0 } else { 1.0 / scores.iter().filter(|score| **score == best).count() as f64 }
}

#[test]
fn responses_have_the_same_words() {
    for language in LanguageConfig::ready_made() {
        let [train, test] = [Split::Train, Split::Test].map(|split| items(Task::Preference, &language, split));
        let bag = |item: &Item, name: &str| {
            let mut bag = Bag::new();
            let prompt = field(item, "prompt");
            (0..prompt.tokens.len()).for_each(|index| *bag.entry(format!("prompt{}", prompt.word(index).to_lowercase())).or_default() += 1);
            let text = field(item, name);
            (0..text.tokens.len()).for_each(|index| *bag.entry(text.word(index).to_lowercase()).or_default() += 1);
            bag
        };
        let mut model = Bayes::default();
        for item in &train {
            ["chosen", "rejected"].iter().for_each(|name| model.learn(&bag(item, name), (*name).to_owned()));
        }
        let right: f64 = test
            .iter()
            .map(|item| {
                let [chosen, rejected] = ["chosen", "rejected"].map(|name| bag(item, name));
                match (model.guess(&chosen), model.guess(&rejected)) {
                    ("chosen", "rejected") => 1.0,
                    ("rejected", "chosen") => 0.0,
                    _ => 0.5,
                }
            })
            .sum();
        check("preference", &language.name, "naive Bayes of words", right / test.len() as f64);
        // The response with more words in common with the prompt.
        let right: f64 = test
            .iter()
            .map(|item| {
                let prompt: BTreeSet<_> = (0..field(item, "prompt").tokens.len()).map(|index| field(item, "prompt").word(index).to_lowercase()).collect();
                let [chosen, rejected] = ["chosen", "rejected"].map(|name| {
                    let text = field(item, name);
                    (0..text.tokens.len()).filter(|index| prompt.contains(&text.word(*index).to_lowercase())).count()
                });
                if chosen == rejected { 0.5 } else { f64::from(u8::from(chosen > rejected)) }
            })
            .sum();
        check("preference", &language.name, "overlap", right / test.len() as f64);
    }
}

#[test]
fn responses_are_not_those_of_the_nearest_prompt() {
    let train = items(Task::Instruction, &LanguageConfig::pivot(), Split::Train);
    let test = items(Task::Instruction, &LanguageConfig::distant(), Split::Test);
    check("instruction", "pivot-distant", "look up, nearest item", nearest(&train, &test));
    for language in LanguageConfig::ready_made() {
        let test = items(Task::Instruction, &language, Split::Test);
        let copied = test.iter().filter(|item| field(item, "prompt").text.ends_with(&field(item, "response").text));
        check("instruction", &language.name, "copy of the sentence", share(copied.count(), test.len()));
    }
}

#[test]
fn slots_are_not_in_the_words() {
    for (trained, tested) in pairs() {
        let languages = format!("{}-{}", trained.name, tested.name);
        let [train, test] = [items(Task::Slots, &trained, Split::Train), items(Task::Slots, &tested, Split::Test)];
        let known: Vec<_> = train.iter().map(|item| (concepts(item), tags(item))).collect();
        let mut counts: BTreeMap<Option<u16>, BTreeMap<String, u32>> = BTreeMap::new();
        for (item, (_, tags)) in train.iter().zip(&known) {
            for (token, tag) in item.fields[0].text.tokens.iter().zip(tags) {
                *counts.entry(token.lexeme).or_default().entry(tag.clone()).or_default() += 1;
            }
        }
        let usual = |lexeme: Option<u16>| {
            counts.get(&lexeme).and_then(|tags| tags.iter().max_by_key(|(_, count)| **count)).map_or("O".to_owned(), |(tag, _)| tag.clone())
        };
        let by_word: Vec<_> = test.iter().map(|item| item.fields[0].text.tokens.iter().map(|token| usual(token.lexeme)).collect()).collect();
        check("slots", &languages, "look up, usual tag F1", f1(&test, &by_word));
        let by_item: Vec<Vec<String>> = test
            .iter()
            .take(100)
            .map(|item| {
                let bag = concepts(item);
                let best = known.iter().max_by(|a, b| overlap(&bag, &a.0).total_cmp(&overlap(&bag, &b.0))).unwrap();
                (0..item.fields[0].text.tokens.len()).map(|index| best.1.get(index).cloned().unwrap_or("O".to_owned())).collect()
            })
            .collect();
        check("slots", &languages, "look up, nearest F1", f1(&test[..100], &by_item));
    }
}

fn tags(item: &Item) -> Vec<String> {
    match &item.gold {
        Gold::Spans(spans) => bio(&item.fields[0].text.tokens, spans),
        _ => Vec::new(),
    }
}

/// Label, first word and end of every span.
fn spans(tags: &[String]) -> BTreeSet<(String, usize, usize)> {
    let mut spans: Vec<(String, usize, usize)> = Vec::new();
    for (index, tag) in tags.iter().enumerate() {
        let Some((kind, label)) = tag.split_once('-') else { continue };
        match spans.last_mut() {
            Some((last, _, end)) if kind == "I" && last == label && *end == index => *end = index + 1,
            _ => spans.push((label.to_owned(), index, index + 1)),
        }
    }
    spans.into_iter().collect()
}

fn f1(items: &[Item], found: &[Vec<String>]) -> f64 {
    let (mut right, mut all) = (0, 0);
    for (item, tags) in items.iter().zip(found) {
        let (gold, found) = (spans(&self::tags(item)), spans(tags));
        right += 2 * gold.intersection(&found).count();
        all += gold.len() + found.len();
    }
    share(right, all)
}

#[test]
fn a_translation_is_more_than_its_words() {
    for (source, target) in pairs() {
        let (exact, pairs) = word_by_word(&source, &target);
        let languages = format!("{}-{}", source.name, target.name);
        check("translation", &languages, "look up, exact", exact);
        // Phrases keep their order where neither language has affixes, so pairs of
        // words are right more often than texts.
        println!("{:<12} {languages:<20} {:<22} {:5.1} %", "translation", "look up, bigram F1", pairs * 100.0);
        assert!(pairs < 0.6, "{languages}: {pairs}");
    }
    // Between languages of one grammar, words are all there is to translate.
    let twin = LanguageConfig { name: "twin".to_owned(), cognate_permille: 300, ..LanguageConfig::pivot() };
    assert_eq!(word_by_word(&LanguageConfig::pivot(), &twin), (1.0, 1.0));
}

/// Shares of whole texts and of pairs of neighbours that looking up gets right.
fn word_by_word(source: &LanguageConfig, target: &LanguageConfig) -> (f64, f64) {
    let config = TaskConfig { source: source.clone(), ..TaskConfig::new(Task::Translation) };
    let forms: BTreeMap<_, _> = world().entries(target).into_iter().map(|entry| (entry.lexeme, entry.forms[0].clone())).collect();
    let test = world().items(&config, target, Split::Test, TEST).unwrap();
    let (mut exact, mut shared, mut all) = (0, 0, 0);
    for item in &test {
        let from = field(item, "source").tokens.iter();
        let guess: Vec<_> = from.filter_map(|token| token.lexeme.and_then(|id| forms.get(&id).cloned())).collect();
        let to = field(item, "target");
        let gold: Vec<_> = (0..to.tokens.len()).map(|index| to.word(index).to_lowercase()).collect();
        exact += usize::from(guess == gold);
        let pairs = |words: &[String]| -> BTreeSet<(String, String)> { words.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect() };
        let (guess, gold) = (pairs(&guess), pairs(&gold));
        shared += 2 * guess.intersection(&gold).count();
        all += guess.len() + gold.len();
    }
    (share(exact, test.len()), share(shared, all))
}
