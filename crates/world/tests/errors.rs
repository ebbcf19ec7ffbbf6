//! Every refusal says where, what was expected, what was found, what to do.

use tongues_world::{LanguageConfig, Split, World, WorldConfig, WorldError};

#[test]
fn sizes_out_of_range_are_refused() {
    for names in [0, 2, 201] {
        let config = WorldConfig { names, ..WorldConfig::default() };
        let error = World::new(config).err().unwrap();
        assert_eq!(error.to_string(), format!("world.names: expected 3 to 200, found {names}; choose a value in that range"));
    }
}

#[test]
fn more_sentences_than_there_are_is_refused() {
    let world = World::new(WorldConfig::default()).unwrap();
    for split in [Split::Train, Split::Dev, Split::Test] {
        let available = world.capacity(split);
        assert!(available >= 100_000);
        for asked in [available as usize + 1, usize::MAX] {
            let error = world.sentences(&LanguageConfig::pivot(), split, asked).unwrap_err();
            let expected = WorldError::TooMany { split: split.name(), available, asked: asked as u64 };
            assert_eq!(error, expected);
        }
    }
    let none = world.sentences(&LanguageConfig::pivot(), Split::Dev, 0);
    assert_eq!(none, Ok(Vec::new()));
}

#[test]
fn impossible_languages_are_refused_and_their_lexicon_does_not_panic() {
    let world = World::new(WorldConfig::default()).unwrap();
    let excessive = LanguageConfig { cognate_permille: 1001, merged_permille: u32::MAX, ..LanguageConfig::derived() };
    let error = world.sentences(&excessive, Split::Dev, 1).unwrap_err();
    assert_eq!(error.to_string(), "language.derived.cognate_permille: expected 0 to 1000, found 1001; choose a value in that range");
    assert!(world.lexicon(&excessive).iter().all(|(pivot, here)| pivot == here));
    let nameless = LanguageConfig { name: String::new(), ..LanguageConfig::pivot() };
    let error = world.sentences(&nameless, Split::Dev, 1).unwrap_err();
    assert_eq!(error, WorldError::NamelessLanguage);
    assert!(LanguageConfig::named("unknown").is_none());
}

#[test]
fn the_largest_world_speaks() {
    let config = WorldConfig {
        seed: u64::MAX,
        nouns_per_class: 200,
        names: 200,
        intransitive_verbs: 200,
        transitive_verbs: 200,
        ditransitive_verbs: 200,
        adjectives: 200,
        manner_adverbs: 200,
        time_adverbs: 200,
        numerals: 200,
    };
    let world = World::new(config).unwrap();
    let sentences = world.sentences(&LanguageConfig::derived(), Split::Test, 1000).unwrap();
    assert_eq!(sentences.len(), 1000);
}
