//! Tests of the curator `__name__`.

use serde_json::json;
use __library__ as _;
use tongues_kernel::{Built, InMemory, Kind, Record, Sink, build};
use tongues_testkit::{Surroundings, check_refusals};

#[test]
fn short_texts_are_dropped_and_counted() {
    let mut cx = Surroundings::new(1);
    let Ok(Built::Curator(curator)) = build(Kind::Curator, "__name__", json!({ "min_characters": 3 }), &mut cx) else { panic!("no curator") };
    let records = ["ää", "äää", ""].iter().enumerate().map(|(i, text)| Record::of_text(i.to_string(), *text)).collect();
    let mut sink = Sink::default();
    curator.curate(&InMemory { name: "data".into(), records }, &mut sink, &mut cx).expect("texts");
    assert_eq!(sink.kept.iter().map(|r| &*r.id).collect::<Vec<_>>(), ["1"]);
    assert_eq!(sink.dropped["short"], 2);
}

#[test]
fn wrong_options_are_refused() {
    check_refusals(Kind::Curator, "__name__", &json!({ "min_characters": 3 }));
}
