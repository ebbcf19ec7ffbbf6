//! Tests of dedup-exact.

use serde_json::{Value as Json, json};
use tongues_curator_dedup_exact::{DedupExact, Normalize};
use tongues_kernel::{Curator, InMemory, Kind, Record, Result, Sink, options};
use tongues_testkit::{Surroundings, check_refusals};

fn curated(given: Json, texts: &[&str]) -> Result<Sink> {
    let records = texts.iter().enumerate().map(|(i, text)| Record::of_text(format!("r{i}"), *text)).collect();
    let curator: DedupExact = options("dedup-exact", given)?;
    let mut sink = Sink::default();
    curator.curate(&InMemory { name: "train".into(), records }, &mut sink, &mut Surroundings::new(0))?;
    Ok(sink)
}

/// Ids of the kept records, and how many were dropped.
fn kept(given: Json, texts: &[&str]) -> (Vec<String>, usize) {
    let sink = curated(given, texts).unwrap();
    assert!(sink.dropped.keys().all(|rule| rule == "duplicate"));
    (sink.kept.iter().map(|r| r.id.to_string()).collect(), sink.dropped.get("duplicate").copied().unwrap_or(0))
}

const TEXTS: [&str; 8] = ["a b", "a  b", " a b\n", "A b", "ab", "a b", "ÉA", "éa"];

#[test]
fn the_first_of_each_text_stays_in_order() {
    let ids = |numbers: &[usize]| numbers.iter().map(|i| format!("r{i}")).collect::<Vec<_>>();
    assert_eq!(kept(json!({ "normalize": "none" }), &TEXTS), (ids(&[0, 1, 2, 3, 4, 6, 7]), 1));
    assert_eq!(kept(json!({}), &TEXTS), (ids(&[0, 3, 4, 6, 7]), 3));
    assert_eq!(kept(json!({ "normalize": "casefold" }), &TEXTS), (ids(&[0, 4, 6]), 5));
    assert_eq!(kept(json!({}), &["x", "y"]), (ids(&[0, 1]), 0));
    assert_eq!(kept(json!({}), &[]), (vec![], 0));
}

#[test]
fn a_kept_record_keeps_its_text_as_it_was() {
    let sink = curated(json!({ "normalize": "casefold" }), &["  A  b "]).unwrap();
    assert_eq!(sink.kept[0].text("text").unwrap(), "  A  b ");
}

#[test]
fn the_fingerprint_is_the_first_half_of_sha256() {
    // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    let expected = 0xba78_16bf_8f01_cfea_4141_40de_5dae_2223;
    assert_eq!(Normalize::None.fingerprint("abc"), expected);
    assert_eq!(Normalize::Whitespace.fingerprint(" abc\t"), expected);
    assert_eq!(Normalize::Casefold.fingerprint("ABC"), expected);
    assert_ne!(Normalize::None.fingerprint(" abc"), expected);
}

#[test]
fn a_record_without_the_field_is_named() {
    let refused = curated(json!({ "field": "body" }), &["a"]).unwrap_err().to_string();
    assert!(refused.starts_with("record r0, field `body`"), "{refused}");
    check_refusals(Kind::Curator, "dedup-exact", &json!({ "field": "text", "normalize": "none" }));
}
