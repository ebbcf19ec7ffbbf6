//! What every task promises: the same bytes, the same meanings in every language,
//! nothing shared between splits.

use crate::reading::{few, world};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use tongues_world::{Aspect, Gold, Item, LanguageConfig, Role, Split, Task, TaskConfig, Token, World, WorldConfig, WorldError, align, bio};

const SPLITS: [Split; 3] = [Split::Train, Split::Dev, Split::Test];

fn items(task: Task, language: &LanguageConfig, split: Split, count: usize) -> Vec<Item> {
    world().items(&TaskConfig::new(task), language, split, count).unwrap()
}

#[test]
fn the_first_items_are_the_same_bytes_everywhere() {
    let expected = [
        "cbf3ecd41d49f63cfe81a113ce2e4464a70c90223ad8d5638157c6ac42119cd3",
        "de2f95bd894a0f63c70b2b6568ee50e8bf9a9d7fb9380b45d32060c998796a02",
        "d81835fb7021942c6b176d6c9dcfd862f75e9bcbb10882c6c0dc85d19c68b418",
        "e2b7a167f1aaa65d6e7955686338c4d745e346eb727dd37b25f3607fe605a3f8",
        "6ec5ee0214605c3b0249e97df2eee956576b94bbb1acfacda994f25313a1900b",
        "94b96dd2f0e104b189d8ff232a930039afe4258bc2d682de7962ab8a3e68f869",
        "bf8604d47e19ffe92a578d1c5ff0b653dd4e3674c9e79b7761d5475cd14456fe",
        "3533fa13fe20b07e1d1bef7ad7fae7eab5c6a4ac655e6cd94788085370847d7a",
        "51bfef0ee2643cc5c8d74330a1eb9afef5eed14b30da0890bc1b48945973f1fa",
        "92b928f9522e2231d6967041744ad92f9f5a2c08187ead9ad7c00cc7e09668a8",
    ];
    let found = Task::ALL.map(|task| {
        let mut hasher = Sha256::new();
        for language in LanguageConfig::ready_made() {
            for split in SPLITS {
                for item in items(task, &language, split, 30) {
                    hasher.update(format!("{} {} {:?} {:?} {:?}\n", item.id, item.meaning, item.keys, item.stated, item.gold));
                    item.fields.iter().for_each(|field| hasher.update(format!("{}\t{}\n", field.name, field.text.text)));
                }
            }
        }
        let bytes: Vec<_> = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.concat()
    });
    assert_eq!(found, expected);
}

#[test]
fn equal_indices_mean_the_same_in_every_language() {
    for task in Task::ALL {
        let pivot = items(task, &LanguageConfig::pivot(), Split::Dev, few(task, Split::Dev, 100));
        for language in LanguageConfig::ready_made() {
            let here = items(task, &language, Split::Dev, pivot.len());
            for (index, (a, b)) in pivot.iter().zip(&here).enumerate() {
                assert_eq!((&a.id, a.meaning, &a.keys, &a.stated), (&b.id, b.meaning, &b.keys, &b.stated));
                assert_eq!(b.id, format!("{}.dev.{index:06}", task.name()));
                assert_eq!((b.task, b.split, &b.language), (task, Split::Dev, &language.name));
                if !matches!(a.gold, Gold::Spans(_)) {
                    assert_eq!(a.gold, b.gold);
                }
                check_alignment(a, b);
            }
        }
    }
}

/// Fields of one meaning align: every head with the word for the same concept.
fn check_alignment(a: &Item, b: &Item) {
    assert_eq!(a.fields.len(), b.fields.len());
    for (left, right) in a.fields.iter().zip(&b.fields) {
        assert_eq!(left.name, right.name);
        let (x, y) = (&left.text.tokens, &right.text.tokens);
        let pairs = align(x, y);
        for (i, token) in x.iter().enumerate() {
            let Some(head) = token.atoms.iter().find(|atom| atom.aspect == Aspect::Head || atom.role == Role::Loose) else { continue };
            let j = y.iter().position(|other| other.atoms.contains(head)).unwrap();
            assert_eq!(token.lexeme, y[j].lexeme);
            assert!(pairs.contains(&(i, j)));
        }
        assert!(pairs.iter().all(|(i, j)| x[*i].atoms.iter().any(|atom| y[*j].atoms.contains(atom))));
    }
}

#[test]
fn a_longer_list_begins_with_the_shorter_one() {
    for task in Task::ALL {
        let language = LanguageConfig::derived();
        let long = items(task, &language, Split::Train, 200);
        assert_eq!(items(task, &language, Split::Train, 70), long[..70]);
        assert_eq!(items(task, &language, Split::Train, 200), long);
        let other = World::new(WorldConfig { seed: 8, ..WorldConfig::default() }).unwrap();
        let other = other.items(&TaskConfig::new(task), &language, Split::Train, 70).unwrap();
        assert!(other.iter().zip(&long).all(|(a, b)| a.fields[0].text != b.fields[0].text));
    }
}

#[test]
fn no_meaning_of_one_split_is_in_another_in_any_task() {
    let mut owner: BTreeMap<u64, Split> = BTreeMap::new();
    let mut texts: BTreeMap<(Task, String), Split> = BTreeMap::new();
    for split in SPLITS {
        for task in Task::ALL {
            let count = if split == Split::Train { 4000 } else { 1000 };
            let all = items(task, &LanguageConfig::kindred(), split, few(task, split, count));
            let meanings: BTreeSet<_> = all.iter().map(|item| item.meaning).collect();
            assert_eq!(meanings.len(), all.len());
            for item in all {
                assert!(!item.keys.is_empty());
                for key in item.keys {
                    let first = *owner.entry(key).or_insert(split);
                    assert_eq!(first, split, "{}: {}", item.id, item.fields[0].text.text);
                }
                let all = item.fields.iter().map(|field| field.text.text.as_str()).collect::<Vec<_>>().join("\n");
                let before = texts.insert((task, all), split);
                // Documents and translations may take over a question more than once.
                let again = matches!(task, Task::LanguageModel | Task::Translation) && before == Some(split);
                assert!(before.is_none() || again, "{}", item.id);
            }
        }
    }
    // Sentences outside of tasks keep to the same splits.
    for split in SPLITS {
        for sentence in world().sentences(&LanguageConfig::pivot(), split, 20_000).unwrap() {
            assert_eq!(*owner.entry(sentence.meaning >> 3).or_insert(split), split);
        }
    }
}

/// Who and what the clauses of a text are about, clause by clause, without order:
/// what must not be in two splits, read from the words.
fn casts(item: &Item) -> Vec<Vec<u16>> {
    let mut casts: BTreeMap<_, Vec<u16>> = BTreeMap::new();
    for (number, field) in item.fields.iter().enumerate() {
        for token in &field.text.tokens {
            for atom in token.atoms.iter().filter(|atom| atom.aspect == Aspect::Head && atom.role != Role::Loose) {
                casts.entry((number, atom.piece, atom.clause)).or_default().extend(token.lexeme);
            }
        }
    }
    let sorted = casts.into_values().map(|mut cast| {
        cast.sort_unstable();
        cast
    });
    sorted.collect()
}

#[test]
fn no_event_that_words_tell_is_in_two_splits() {
    // Numbers make the problems of arithmetic differ, facts may be stated anywhere,
    // and sentences of documents have near-synonyms and pronouns of their own.
    for task in [Task::Nli, Task::Slots, Task::Intent, Task::Retrieval, Task::Instruction, Task::Preference, Task::FactQa] {
        let mut owner = BTreeMap::new();
        for split in SPLITS {
            for item in items(task, &LanguageConfig::pivot(), split, few(task, split, 2000)) {
                for cast in casts(&item).into_iter().filter(|cast| cast.len() > 2) {
                    assert_eq!(*owner.entry(cast).or_insert(split), split, "{}", item.id);
                }
            }
        }
        assert!(owner.len() > 100, "{task:?}");
    }
}

#[test]
fn spans_cut_the_text_and_give_the_tags() {
    for language in LanguageConfig::ready_made() {
        let mut inside = 0;
        for item in items(Task::Slots, &language, Split::Train, 500) {
            let Gold::Spans(spans) = &item.gold else { panic!("spans were expected") };
            let text = &item.fields[0].text;
            let tags = bio(&text.tokens, spans);
            assert_eq!(tags.len(), text.tokens.len());
            assert_eq!(spans.iter().map(|span| span.label).collect::<BTreeSet<_>>().len(), 3);
            assert_eq!(spans.len(), 6);
            for span in spans {
                let words: Vec<_> = span.tokens.clone().map(|index| text.word(index)).collect();
                let cut = text.text[span.bytes.clone()].to_owned();
                assert_eq!(cut.split(' ').collect::<Vec<_>>(), words);
                assert_eq!(tags[span.tokens.start], format!("B-{}", span.label));
                assert!(tags[span.tokens.clone()].iter().skip(1).all(|tag| *tag == format!("I-{}", span.label)));
                // A preposition is none of it; a case affix is, with its noun.
                let bare = |token: &Token| token.atoms.iter().all(|atom| atom.aspect == Aspect::Case);
                assert!(!text.tokens[span.tokens.clone()].iter().any(bare));
                inside += span.tokens.len() - 1;
            }
            let tagged = tags.iter().filter(|tag| *tag != "O").count();
            assert_eq!(tagged, spans.iter().map(|span| span.tokens.len()).sum::<usize>());
        }
        assert!(inside > 500);
    }
}

#[test]
fn languages_state_the_facts_they_are_asked_to() {
    let world = world();
    let asked = |split, count| -> BTreeSet<u64> { items(Task::FactQa, &LanguageConfig::pivot(), split, count).iter().map(|item| item.keys[0]).collect() };
    let (train, held_out) = (asked(Split::Train, 320), &asked(Split::Dev, 40) | &asked(Split::Test, 40));
    assert_eq!((train.len(), held_out.len()), (160, 40));
    let stated = |stated, stated_held_out, split| -> BTreeSet<u64> {
        let config = TaskConfig { stated, stated_held_out, ..TaskConfig::new(Task::LanguageModel) };
        let all = world.items(&config, &LanguageConfig::derived(), split, 1000).unwrap();
        all.iter().flat_map(|item| item.stated.clone()).collect()
    };
    assert_eq!(stated(0..1000, 0..1000, Split::Train), &train | &held_out);
    assert_eq!(stated(0..1000, 0..0, Split::Train), train);
    assert_eq!(stated(0..0, 0..1000, Split::Train), held_out);
    assert_eq!(stated(0..1000, 0..1000, Split::Test), BTreeSet::new());
    let (low, high) = (stated(0..500, 0..0, Split::Train), stated(500..1000, 0..0, Split::Train));
    assert!(low.is_disjoint(&high) && low.len() > 50 && high.len() > 50);
    assert_eq!(&low | &high, train);
}

#[test]
fn wrong_difficulties_and_too_many_items_are_refused() {
    let world = world();
    let config = TaskConfig { steps: 5, ..TaskConfig::new(Task::Arithmetic) };
    let error = world.items(&config, &LanguageConfig::pivot(), Split::Dev, 1).unwrap_err();
    assert_eq!(error.to_string(), "task.arithmetic.steps: expected 1 to 4, found 5; choose a value in that range");
    for (task, clauses, least) in [(Task::Nli, 0, 1), (Task::Slots, 1, 2), (Task::Intent, 1, 2)] {
        let config = TaskConfig { clauses, ..TaskConfig::new(task) };
        let error = world.items(&config, &LanguageConfig::pivot(), Split::Dev, 1).unwrap_err();
        assert!(error.to_string().contains(&format!("clauses: expected {least} to 4, found {clauses}")), "{error}");
    }
    let config = TaskConfig::new(Task::FactQa);
    let error = world.items(&config, &LanguageConfig::pivot(), Split::Test, 41).unwrap_err();
    assert_eq!(error, WorldError::TooManyItems { task: "qa", split: "test", available: 40, asked: 41 });
    assert!(error.to_string().contains("expected at most 40 items, found a request for 41; ask for fewer, or for more `facts`, or"));
    for task in Task::ALL {
        let error = world.items(&TaskConfig::new(task), &LanguageConfig::pivot(), Split::Dev, usize::MAX).unwrap_err();
        assert!(matches!(error, WorldError::TooManyItems { available: 1_000_000, .. }));
    }
    let source = LanguageConfig { noise_permille: 1001, ..LanguageConfig::pivot() };
    let config = TaskConfig { source, ..TaskConfig::new(Task::Translation) };
    assert!(matches!(world.items(&config, &LanguageConfig::pivot(), Split::Dev, 1), Err(WorldError::OutOfRange { .. })));
}

#[test]
fn every_difficulty_of_the_smallest_and_the_largest_world_gives_items_or_an_error() {
    for size in [3, 200] {
        let world = World::new(WorldConfig {
            seed: 3,
            nouns_per_class: size,
            names: size,
            intransitive_verbs: size,
            transitive_verbs: size,
            ditransitive_verbs: size,
            adjectives: size,
            manner_adverbs: size,
            time_adverbs: size,
            numerals: size,
        })
        .unwrap();
        for task in Task::ALL {
            for (entities, clauses, negatives) in [(2, 2, 1), (3, 3, 5), (4, 4, 15)] {
                let config = TaskConfig { entities, clauses, negatives, steps: entities, ..TaskConfig::new(task) };
                match world.items(&config, &LanguageConfig::remote(), Split::Train, 20) {
                    Ok(items) => assert_eq!(items.len(), 20),
                    Err(error) => assert!(size == 3 && matches!(error, WorldError::TooManyItems { .. }), "{task:?} {size} {error}"),
                }
            }
        }
    }
}
