//! Splits: nothing lost, nothing on two sides, shares kept, and small data refused with the number that is needed.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tongues_io::{By, Parts, split};
use tongues_kernel::{InMemory, Record};

fn corpus(ids: impl IntoIterator<Item = String>) -> InMemory {
    let records = ids.into_iter().map(|id| Record::of_text(id.as_str(), format!("text of {id}"))).collect();
    InMemory { name: "d".into(), records }
}

fn numbered(n: usize) -> InMemory {
    corpus((1..=n).map(|i| format!("line-{i}")))
}

fn verses(chapters: usize, verses: usize) -> InMemory {
    corpus((1..=chapters).flat_map(|c| (1..=verses).map(move |v| format!("GEN.{c}.{v}"))))
}

fn ids(part: &InMemory) -> Vec<&str> {
    part.records.iter().map(|r| &*r.id).collect()
}

fn groups(part: &InMemory) -> BTreeSet<&str> {
    ids(part).into_iter().map(|id| id.rsplit_once('.').unwrap().0).collect()
}

fn sizes(parts: &Parts) -> [usize; 3] {
    [&parts.train, &parts.dev, &parts.test].map(|p| p.records.len())
}

#[test]
fn auto_takes_chapters_where_there_are_five_and_blocks_otherwise() {
    let parts = split(&verses(50, 10), By::Auto, 0.1, 0.2, 1).unwrap();
    assert_eq!((parts.by, sizes(&parts)), (By::Chapter, [350, 50, 100]));
    assert!(groups(&parts.train).is_disjoint(&groups(&parts.dev)) && groups(&parts.dev).is_disjoint(&groups(&parts.test)));
    assert_eq!(split(&verses(4, 30), By::Auto, 0.2, 0.0, 1).unwrap().by, By::Block(20));
    let parts = split(&numbered(200), By::Auto, 0.1, 0.1, 1).unwrap();
    assert_eq!((parts.by, sizes(&parts)), (By::Block(20), [160, 20, 20]));
    assert_eq!((parts.train.name.as_str(), parts.dev.name.as_str()), ("d.train", "d.dev"));
}

#[test]
fn blocks_are_neighbours_and_order_is_kept() {
    let data = numbered(100);
    let parts = split(&data, By::Block(10), 0.1, 0.0, 5).unwrap();
    let number = |id: &str| id.trim_start_matches("line-").parse::<usize>().unwrap();
    let dev: Vec<usize> = ids(&parts.dev).into_iter().map(number).collect();
    assert_eq!(dev, (dev[0]..dev[0] + 10).collect::<Vec<_>>());
    assert_eq!((dev[0] - 1) % 10, 0);
    assert!(ids(&parts.train).into_iter().map(number).is_sorted());
    assert!(parts.test.records.is_empty());
}

#[test]
fn the_seed_alone_decides() {
    let data = verses(30, 5);
    let dev = |seed| split(&data, By::Chapter, 0.1, 0.1, seed).unwrap().dev.records;
    assert_eq!(dev(1), dev(1));
    assert_ne!(dev(1), dev(2));
}

#[test]
fn repeated_texts_are_dropped_from_the_held_out_parts() {
    let mut data = numbered(40);
    for i in 0..40 {
        data.records[i] = Record::of_text(format!("line-{}", i + 1), if i % 2 == 0 { " same ".to_string() } else { format!("own {i}") });
    }
    data.records[1] = Record::of_text("line-2", "same");
    let parts = split(&data, By::Record, 0.25, 0.25, 3).unwrap();
    let kept: usize = sizes(&parts).iter().sum();
    assert_eq!(parts.dropped_overlap, 40 - kept);
    assert!(parts.dropped_overlap > 0);
    let same = |p: &InMemory| p.records.iter().filter(|r| r.text("text").unwrap().trim() == "same").count();
    assert!(same(&parts.train) > 0);
    assert_eq!((same(&parts.dev), same(&parts.test)), (0, 0));
    let all_same = InMemory { name: "d".into(), records: (0..9).map(|i| Record::of_text(format!("{i}"), "x")).collect() };
    let message = split(&all_same, By::Record, 0.3, 0.0, 1).unwrap_err().to_string();
    assert!(message.starts_with("split of `d`: expected records in dev, found none left (3 were dropped"), "{message}");
}

#[test]
fn a_group_given_by_the_record_is_kept_whole() {
    let mut data = numbered(60);
    data.records.iter_mut().enumerate().for_each(|(i, r)| r.group = Some(format!("doc{}", i % 6).into()));
    let parts = split(&data, By::Record, 0.2, 0.0, 1).unwrap();
    let docs = |p: &InMemory| p.records.iter().map(|r| r.group.clone().unwrap()).collect::<BTreeSet<_>>();
    assert_eq!((sizes(&parts), docs(&parts.dev).len()), ([50, 10, 0], 1));
    assert!(docs(&parts.train).is_disjoint(&docs(&parts.dev)));
}

#[test]
fn too_little_data_says_how_much_is_needed() {
    let message = |data: &InMemory, by, dev, test| split(data, by, dev, test, 1).unwrap_err().to_string();
    let one = message(&numbered(1), By::Auto, 0.1, 0.1);
    assert!(one.starts_with("split of `d`: expected at least 41 records for 3 blocks of 20, found 1 records in 1 groups"), "{one}");
    assert!(message(&numbered(2), By::Record, 0.1, 0.1).contains("expected at least 3 records"));
    assert!(message(&verses(1, 9), By::Chapter, 0.1, 0.0).contains("expected at least 2 chapters"));
    assert!(message(&numbered(0), By::Record, 0.1, 0.0).contains("found 0 records in 0 groups"));
    assert!(message(&numbered(9), By::Chapter, 0.1, 0.0).contains("expected ids such as GEN.1.1, found `line-1`"));
    assert!(message(&numbered(9), By::Block(0), 0.1, 0.0).contains("expected blocks of at least 1 record"));
    for (dev, test) in [(0.5, 0.5), (-0.1, 0.0), (f64::NAN, 0.0), (1.0, 0.0)] {
        assert!(message(&numbered(9), By::Record, dev, test).contains("expected shares from 0, below 1 together"));
    }
    assert_eq!(sizes(&split(&numbered(41), By::Auto, 0.1, 0.1, 1).unwrap()).iter().sum::<usize>(), 41);
}

proptest! {
    #[test]
    fn every_record_is_in_one_part_and_shares_are_near(n in 3usize..150, block in 1usize..12, dev in 0.0f64..0.45, test in 0.0f64..0.45, seed: u64) {
        let data = numbered(n);
        match split(&data, By::Block(block), dev, test, seed) {
            Err(e) => prop_assert!(n.div_ceil(block) < 1 + usize::from(dev > 0.0) + usize::from(test > 0.0), "{e}"),
            Ok(parts) => {
                let mut all: Vec<&str> = [&parts.train, &parts.dev, &parts.test].into_iter().flat_map(ids).collect();
                all.sort_unstable();
                let mut expected = ids(&data);
                expected.sort_unstable();
                prop_assert_eq!(all, expected);
                prop_assert!(!parts.train.records.is_empty());
                for (part, share) in [(&parts.dev, dev), (&parts.test, test)] {
                    let off = part.records.len() as f64 - share * n as f64;
                    prop_assert!(off <= block as f64, "{} of {n} for {share}", part.records.len());
                    prop_assert_eq!(part.records.is_empty(), share == 0.0);
                }
            }
        }
    }
}
