//! Tests of the curator `parallel-instructions`.

use serde_json::{Value as Json, json};
use tongues_curator_parallel_instructions::ParallelInstructions;
use tongues_kernel::{Curator, InMemory, Kind, Record, Result, Sink, Value, options};
use tongues_testkit::{Surroundings, check_refusals};

/// A record with a prompt and a response, and the number `n`.
fn record(id: &str, prompt: &str, n: f64) -> Record {
    let text = |t: String| Value::Text(t.into());
    let fields = [("prompt".into(), text(prompt.into())), ("response".into(), text(format!("{prompt}!"))), ("n".into(), Value::Number(n))];
    Record { id: id.into(), language: Some("target".into()), fields: fields.into(), ..Record::default() }
}

fn curated(given: Json, records: Vec<Record>, with: Vec<Record>, seed: u64) -> Result<Sink> {
    let mut all = json!({ "with": "english" });
    all.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let curator: ParallelInstructions = options("parallel-instructions", all)?;
    let mut sink = Sink::default();
    let mut cx = Surroundings { records: with, ..Surroundings::new(seed) };
    curator.curate(&InMemory { name: "target".into(), records }, &mut sink, &mut cx)?;
    Ok(sink)
}

/// What was kept: `id prompt/response prompt_en/response_en`.
fn told(sink: &Sink) -> Vec<String> {
    let one = |r: &Record| {
        let text = |field: &str| r.text(field).unwrap().to_owned();
        format!("{} {}/{} {}/{}", r.id, text("prompt"), text("response"), text("prompt_en"), text("response_en"))
    };
    sink.kept.iter().map(one).collect()
}

fn sides() -> (Vec<Record>, Vec<Record>) {
    (
        vec![record("a", "bat", 1.0), record("b", "bi", 2.0), record("c", "hiru", 3.0)],
        vec![record("c", "three", 2.0), record("a", "one", 3.0), record("x", "none", 9.0)],
    )
}

#[test]
fn both_sides_stand_in_one_record_by_id_order_or_field() {
    let (records, with) = sides();
    let joined = |given: Json| curated(given, records.clone(), with.clone(), 0).unwrap();
    let by_id = joined(json!({}));
    assert_eq!(told(&by_id), ["a bat/bat! one/one!", "c hiru/hiru! three/three!"]);
    assert_eq!(by_id.dropped.into_iter().collect::<Vec<_>>(), [("no-counterpart".to_owned(), 1)]);
    assert_eq!((by_id.kept[0].language.as_deref(), &by_id.kept[0].fields["n_en"]), (Some("target"), &Value::Number(3.0)));
    assert_eq!(told(&joined(json!({ "by": "order" }))), ["a bat/bat! three/three!", "b bi/bi! one/one!", "c hiru/hiru! none/none!"]);
    assert_eq!(told(&joined(json!({ "by": "field", "key": "n" }))), ["b bi/bi! three/three!", "c hiru/hiru! one/one!"]);
    assert!(joined(json!({ "suffix": ".pivot" })).kept[0].fields.contains_key("prompt.pivot"));
    let longer = curated(json!({ "by": "order" }), records.clone(), with[..2].to_vec(), 0).unwrap();
    assert_eq!((longer.kept.len(), longer.dropped["no-counterpart"]), (2, 1));
}

#[test]
fn shuffled_pairs_keep_all_texts_and_no_pair() {
    let side = |language: &str| (0..20).map(|i| record(&format!("r{i:02}"), &format!("{language} {i}"), 0.0)).collect::<Vec<Record>>();
    let numbers = |seed: u64, shuffle: bool| {
        let sink = curated(json!({ "shuffle_pairs": shuffle }), side("t"), side("e"), seed).unwrap();
        let number = |r: &Record, field: &str| r.text(field).unwrap().split(' ').next_back().unwrap().trim_end_matches('!').parse::<usize>().unwrap();
        sink.kept.iter().for_each(|r| assert_eq!(number(r, "prompt_en"), number(r, "response_en"), "a counterpart is torn apart"));
        sink.kept.iter().map(|r| (number(r, "prompt"), number(r, "prompt_en"))).collect::<Vec<_>>()
    };
    assert!(numbers(1, false).iter().all(|(target, english)| target == english));
    let shuffled = numbers(1, true);
    assert!(shuffled.iter().all(|(target, english)| target != english), "{shuffled:?}");
    let mut english: Vec<usize> = shuffled.iter().map(|(_, english)| *english).collect();
    english.sort_unstable();
    assert_eq!(english, (0..20).collect::<Vec<_>>());
    assert_eq!(numbers(1, true), shuffled);
    assert_ne!(numbers(2, true), shuffled);
}

#[test]
fn doubles_strangers_and_taken_names_are_refused() {
    let (records, with) = sides();
    let refused = |given: Json, records: &[Record], with: &[Record]| curated(given, records.to_vec(), with.to_vec(), 0).unwrap_err().to_string();
    let twice = [records.clone(), records[..1].to_vec()].concat();
    let told = refused(json!({}), &twice, &with);
    assert!(told.starts_with("data `target`, record a: expected a key of its own (`by = \"id\"`), found a, as record a has it"), "{told}");
    let twice = [with.clone(), with[..1].to_vec()].concat();
    assert!(refused(json!({}), &records, &twice).starts_with("data `english`, record c: expected a key of its own"));
    assert!(refused(json!({}), &records[1..2], &with).starts_with("data `target` with `english`: expected records with a common key"));
    assert!(refused(json!({ "by": "field" }), &records, &with).starts_with("parallel-instructions: key"));
    assert!(refused(json!({ "by": "field", "key": "no" }), &records, &with).starts_with("record "));
    assert!(refused(json!({ "shuffle_pairs": true }), &records[..1], &with).contains("at least two pairs to shuffle"));
    let mut taken = records.clone();
    taken[0].fields.insert("prompt_en".into(), Value::Text("own".into()));
    assert!(refused(json!({}), &taken, &with).starts_with("record a, field `prompt_en`"));
    check_refusals(Kind::Curator, "parallel-instructions", &json!({ "with": "e", "by": "id", "key": "k", "suffix": "_en", "shuffle_pairs": false }));
}
