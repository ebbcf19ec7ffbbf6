//! The page in the documentation is the one that the example prints.

use tongues_world::{World, WorldConfig, sample_page};

#[test]
fn the_page_is_what_the_example_prints() {
    let world = World::new(WorldConfig::default()).unwrap();
    let found = sample_page(&world).unwrap();
    assert!(found == include_str!("../../../docs/world.md"), "run `cargo run --release -p tongues-world --example sample > docs/world.md`");
}

#[test]
fn every_world_has_a_page_or_says_why_not() {
    for size in [3, 30] {
        let world = World::new(WorldConfig { nouns_per_class: size, transitive_verbs: size, ..WorldConfig::default() }).unwrap();
        match sample_page(&world) {
            Ok(page) => assert!(page.starts_with("# The world")),
            Err(error) => assert!(error.to_string().contains("enlarge the lexicon")),
        }
    }
}
