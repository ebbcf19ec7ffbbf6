//! No text of the training part is scored, on a real corpus where it is at hand.

use std::collections::HashSet;
use std::path::Path;
use tongues_io::{By, TextFile, split};
use tongues_kernel::InMemory;

fn texts(part: &InMemory) -> HashSet<String> {
    part.records.iter().map(|r| r.text("text").expect("a text").trim().to_owned()).collect()
}

#[test]
fn no_verse_of_the_training_part_is_scored() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/bible-nt/eus.tsv");
    if !file.exists() {
        eprintln!("skipped: {} is not there", file.display());
        return;
    }
    let records = TextFile::new("eus", file).expect("a known ending");
    let parts = split(&records, By::Auto, 0.1, 0.0, 1).expect("a split");
    assert_eq!(parts.by, By::Chapter);
    assert!(texts(&parts.dev).is_disjoint(&texts(&parts.train)));
    let chapter = |id: &str| id.rsplit_once('.').map(|(c, _)| c.to_owned());
    let chapters = |part: &InMemory| part.records.iter().map(|r| chapter(&r.id)).collect::<HashSet<_>>();
    assert!(chapters(&parts.dev).is_disjoint(&chapters(&parts.train)));
    assert!(parts.dev.records.len() > 500, "{}", parts.dev.records.len());
}
