//! What the world promises: same bytes, aligned languages, splits by meaning.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use tongues_world::{LanguageConfig, Script, Sentence, Split, Task, TaskConfig, WordOrder, World, WorldConfig};

const SPLITS: [Split; 3] = [Split::Train, Split::Dev, Split::Test];

fn world(seed: u64) -> World {
    World::new(WorldConfig { seed, ..WorldConfig::default() }).unwrap()
}

fn languages() -> [LanguageConfig; 3] {
    ["pivot", "derived", "distant"].map(|name| LanguageConfig::named(name).unwrap())
}

fn sample(language: &LanguageConfig, split: Split, count: usize) -> Vec<Sentence> {
    world(7).sentences(language, split, count).unwrap()
}

fn digest(sentences: &[Sentence]) -> String {
    let mut hasher = Sha256::new();
    for sentence in sentences {
        hasher.update(format!("{}\t{}\t{}\n", sentence.id, sentence.meaning, sentence.text));
    }
    let bytes = hasher.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The words without marks and capitals.
fn words(text: &str) -> Vec<String> {
    let words = text.split(' ');
    words.map(|word| word.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase()).collect()
}

#[test]
fn the_first_sentences_are_the_same_bytes_everywhere() {
    let expected = [
        "bc76aaa8b83d9a44f6ec1780baa76ec8a692f98d311aff5a8b55e45ada3ded91",
        "62a5fb704226f4328a1429bab2ca7ae4cfd092e346917929b21af8f97f78a592",
        "71e7e6173831b5bc23976999c078c31b6c67505f52366baf67014196f73b1468",
    ];
    let found = languages().map(|language| digest(&sample(&language, Split::Train, 200)));
    assert_eq!(found, expected);
}

#[test]
fn the_other_ready_made_languages_are_the_same_bytes_too() {
    let found = [LanguageConfig::kindred(), LanguageConfig::remote()].map(|language| digest(&sample(&language, Split::Train, 200)));
    assert_eq!(found, ["8e9a44de83b14f24727b6f9a140d6ddcf4956d387fe440a60beb4826330bd73a", "3b839e57a12fe5de308cc0451706a3b67985a8804a87246587b5bd4c21a91d72"]);
}

#[test]
fn equal_indices_mean_the_same_in_every_language() {
    for split in SPLITS {
        let [pivot, derived, distant] = languages().map(|l| sample(&l, split, 2000));
        for (index, first) in pivot.iter().enumerate() {
            for other in [&derived[index], &distant[index]] {
                assert_eq!((&other.id, other.meaning), (&first.id, first.meaning));
                assert_ne!(other.text, first.text);
            }
            assert_eq!(first.id, format!("{}.{index:06}", split.name()));
        }
    }
}

#[test]
fn a_language_with_few_resources_has_the_first_texts_of_train_alone() {
    let poor = LanguageConfig { resource_permille: 24, ..LanguageConfig::derived() };
    let none = LanguageConfig { resource_permille: 0, ..LanguageConfig::derived() };
    let world = world(7);
    for split in SPLITS {
        let rich = world.sentences(&LanguageConfig::derived(), split, 100).unwrap();
        // 2.4 of 100 are 3: what there is, is not rounded away.
        let expected = if split == Split::Train { &rich[..3] } else { &rich[..] };
        assert_eq!(world.sentences(&poor, split, 100).unwrap(), expected);
        let has_none = world.sentences(&none, split, 100).unwrap().is_empty();
        assert_eq!(has_none, split == Split::Train);
        let items = |language| world.items(&TaskConfig::new(Task::Intent), language, split, 40).unwrap();
        let (rich, poor) = (items(&LanguageConfig::derived()), items(&poor));
        assert_eq!(poor, if split == Split::Train { &rich[..1] } else { &rich[..] });
    }
}

#[test]
fn aligned_sentences_share_their_kept_words() {
    // Without merging and splitting, each word of the pivot has one
    // translation, so replacing word for word gives the other sentence.
    let twin = LanguageConfig { name: "twin".to_owned(), cognate_permille: 300, ..LanguageConfig::pivot() };
    let dictionary: BTreeMap<_, _> = world(7).lexicon(&twin).into_iter().collect();
    let pivot = sample(&LanguageConfig::pivot(), Split::Dev, 500);
    for (here, there) in pivot.iter().zip(sample(&twin, Split::Dev, 500)) {
        let translated: Vec<_> = words(&here.text).iter().map(|word| dictionary[word].clone()).collect();
        assert_eq!(translated, words(&there.text));
    }
}

#[test]
fn no_event_and_no_text_of_one_split_is_in_another() {
    for language in languages() {
        let [train, dev, test] = [(Split::Train, 30_000), (Split::Dev, 5000), (Split::Test, 5000)].map(|(split, count)| sample(&language, split, count));
        for (left, right) in [(&train, &dev), (&train, &test), (&dev, &test)] {
            let events: BTreeSet<_> = left.iter().map(|s| s.meaning >> 3).collect();
            let texts: BTreeSet<_> = left.iter().map(|s| &s.text).collect();
            assert!(!right.iter().any(|s| events.contains(&(s.meaning >> 3))));
            assert!(!right.iter().any(|s| texts.contains(&s.text)));
        }
        let meanings: BTreeSet<_> = train.iter().map(|s| s.meaning).collect();
        assert_eq!(meanings.len(), train.len());
    }
}

#[test]
fn a_whole_small_world_is_split_by_event() {
    let world = small();
    let mut owner = BTreeMap::new();
    for split in SPLITS {
        let count = world.capacity(split) as usize;
        let all = world.sentences(&LanguageConfig::pivot(), split, count).unwrap();
        let meanings: BTreeSet<_> = all.iter().map(|s| s.meaning).collect();
        assert_eq!(meanings.len(), count, "{split:?}");
        for sentence in all {
            let first = *owner.entry(sentence.meaning >> 3).or_insert(split);
            assert_eq!(first, split, "{}", sentence.text);
        }
    }
}

fn small() -> World {
    World::new(WorldConfig {
        seed: 1,
        nouns_per_class: 3,
        names: 3,
        intransitive_verbs: 3,
        transitive_verbs: 3,
        ditransitive_verbs: 3,
        adjectives: 3,
        manner_adverbs: 3,
        time_adverbs: 3,
        numerals: 3,
    })
    .unwrap()
}

#[test]
fn the_cognate_share_is_the_one_asked_for() {
    for (permille, name) in [(0, "a"), (250, "b"), (400, "derived"), (900, "c"), (1000, "d")] {
        for suffixing in [false, true] {
            let language = LanguageConfig { name: name.to_owned(), cognate_permille: permille, suffixing, ..LanguageConfig::derived() };
            let rows = world(7).lexicon(&language);
            let kept = rows.iter().filter(|(pivot, here)| pivot == here).count();
            let found = (kept * 1000 / rows.len()) as u32;
            assert!(found.abs_diff(permille) <= 30, "{permille}: {found}");
        }
    }
}

#[test]
fn own_words_are_no_words_of_the_pivot_and_kept_ones_are_transliterated() {
    let [pivot, _, distant] = languages().map(|language| world(7).lexicon(&language));
    let forms: BTreeSet<_> = pivot.iter().map(|(form, _)| Script::Cyrillic.write(form)).collect();
    assert_eq!(forms.len(), pivot.len());
    let mut kept = 0;
    for (form, here) in &distant {
        if forms.contains(here) {
            assert_eq!(&Script::Cyrillic.write(form), here);
            kept += 1;
        }
    }
    assert!((20..=60).contains(&kept), "{kept}");
}

#[test]
fn some_words_merge_and_some_split() {
    for language in &languages()[1..] {
        let rows = world(7).lexicon(language);
        let pivot: BTreeSet<_> = rows.iter().map(|(form, _)| form).collect();
        let here: BTreeSet<_> = rows.iter().map(|(_, form)| form).collect();
        let (merged, split) = (rows.len() - here.len(), rows.len() - pivot.len());
        assert!((4..=40).contains(&merged), "{merged} merged");
        assert!((4..=40).contains(&split), "{split} split");
    }
}

#[test]
fn both_forms_of_split_words_are_used() {
    let language = LanguageConfig::distant();
    let mut forms: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (pivot, here) in world(7).lexicon(&language) {
        forms.entry(pivot).or_default().push(here);
    }
    let text = sample(&language, Split::Train, 30_000);
    let used: BTreeSet<_> = text.iter().flat_map(|s| words(&s.text)).collect();
    let split = forms.values().filter(|forms| forms.len() == 2);
    let both = split.clone().filter(|forms| forms.iter().all(|form| used.contains(form)));
    // A predicate that takes nouns of one class alone never shows its second form.
    assert!(both.count() * 2 > split.count());
}

#[test]
fn another_seed_is_another_world() {
    for language in languages() {
        let other = world(8).sentences(&language, Split::Train, 200).unwrap();
        let same = sample(&language, Split::Train, 200);
        assert!(same.iter().zip(&other).all(|(a, b)| a.text != b.text));
    }
}

#[test]
fn sentences_look_like_sentences() {
    for language in languages() {
        for split in SPLITS {
            for sentence in sample(&language, split, 5000) {
                let text = &sentence.text;
                assert!(text.starts_with(char::is_uppercase), "{text}");
                assert!(text.ends_with(['.', '?']), "{text}");
                assert!((4..=14).contains(&text.split(' ').count()), "{text}");
                assert!(words(text).iter().all(|word| !word.is_empty()), "{text}");
            }
        }
    }
}

#[test]
fn words_follow_a_zipf_like_law_and_all_occur() {
    let mut counts = BTreeMap::new();
    for sentence in sample(&LanguageConfig::pivot(), Split::Train, 20_000) {
        for word in words(&sentence.text) {
            *counts.entry(word).or_insert(0_u32) += 1;
        }
    }
    let rows = world(7).lexicon(&LanguageConfig::pivot());
    assert!(counts.len() * 100 >= rows.len() * 99);
    let mut sorted: Vec<_> = counts.into_values().collect();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    assert!(sorted[10] > 5 * sorted[100] && sorted[100] > 2 * sorted[400]);
}

#[test]
fn every_order_and_script_speaks() {
    let orders = [WordOrder::Svo, WordOrder::Sov, WordOrder::Vso, WordOrder::Vos, WordOrder::Ovs, WordOrder::Osv];
    for suffixing in [false, true] {
        let texts = orders.map(|order| {
            let language = LanguageConfig { name: "other".to_owned(), order, suffixing, script: Script::Cherokee, ..LanguageConfig::derived() };
            let sentence = sample(&language, Split::Dev, 1).remove(0);
            assert!(sentence.text.starts_with(char::is_uppercase));
            assert!(sentence.text.chars().filter(|c| c.is_alphabetic()).all(|c| c > '\u{1000}'));
            sentence.text
        });
        assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), orders.len());
        let sorted = texts.map(|text| {
            let mut words = words(&text);
            words.sort();
            words
        });
        // The order changes nothing but the order.
        assert!(sorted.iter().all(|words| *words == sorted[0]));
    }
}
