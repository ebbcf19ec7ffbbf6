//! Scores do not depend on what is read side by side: batches of 1, 3 and 16 texts, in any order, to 1e-6.

use serde_json::{Value as Json, json};
use tongues_kernel::{Built, Draws, Evaluation, InMemory, Item, Kind, Model, Record, Session, build};
use tongues_testkit::{Surroundings, ids, toy_model};

const BATCHES: [usize; 3] = [1, 3, 16];

/// Texts of 2 to 62 bytes, from a place that a seed chooses.
fn texts() -> Vec<String> {
    (0..17u64).map(|i| (0..2 + (i * 37 % 61)).map(|c| char::from(b'a' + ((i * 7 + c * c) % 26) as u8)).collect()).collect()
}

fn records(order: &[usize]) -> InMemory {
    let texts = texts();
    InMemory { name: "dev".into(), records: order.iter().map(|i| Record::of_text(format!("{i}"), texts[*i].as_str())).collect() }
}

/// Items by their record, whatever their order.
fn items(plugin: &str, options: Json, model: &Model, order: &[usize]) -> Vec<Item> {
    let mut cx = Surroundings::new(0);
    let Ok(Built::Evaluator(evaluator)) = build(Kind::Evaluator, plugin, options, &mut cx) else { panic!("no {plugin}") };
    let mut found = evaluator.evaluate(&mut Evaluation { model, data: &records(order), format: None, cx: &mut cx }).expect("scores").remove(0).items;
    found.sort_by_key(|item| item.id.parse::<usize>().expect("a number"));
    found
}

fn alike(what: &str, a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-6 * b.abs(), "{what}: {a} {b}");
}

#[test]
fn evaluations_are_equal_for_batches_of_any_size_and_order() {
    let model = toy_model(Draws::new(4));
    let order: Vec<usize> = (0..texts().len()).collect();
    let longest = texts().iter().map(|t| t.len() + 1).max().expect("texts");
    for plugin in ["bits-per-byte", "perplexity"] {
        let alone = items(plugin, json!({ "batch_tokens": 1 }), &model, &order);
        for rows in BATCHES {
            for order in [order.clone(), Draws::new(rows as u64).permutation(order.len())] {
                let found = items(plugin, json!({ "batch_tokens": rows * longest }), &model, &order);
                found.iter().zip(&alone).for_each(|(a, b)| alike(&format!("{plugin}, {rows} rows, {}", a.id), a.value, b.value));
            }
        }
    }
}

#[test]
fn answers_behind_left_padded_prompts_are_scored_the_same_in_batches_of_any_size() {
    let model = toy_model(Draws::new(4));
    let row = |i: usize| (ids(Draws::new(i as u64), 1 + i * 11 % 31, 256), ids(Draws::new(100 + i as u64), 1 + i * 5 % 9, 256));
    let rows: Vec<(Vec<u32>, Vec<u32>)> = (0..17).map(row).collect();
    let scored = |order: &[usize], size: usize| -> Vec<f64> {
        let mut sums = vec![0.0; rows.len()];
        for chunk in order.chunks(size) {
            let prompts: Vec<&[u32]> = chunk.iter().map(|i| rows[*i].0.as_slice()).collect();
            let answers: Vec<&[u32]> = chunk.iter().map(|i| rows[*i].1.as_slice()).collect();
            let (mut session, _) = Session::open(&model, &prompts).expect("a session");
            for (i, scores) in chunk.iter().zip(session.score(&answers).expect("scores")) {
                assert_eq!(scores.len(), rows[*i].1.len());
                sums[*i] = scores.iter().map(|s| f64::from(*s)).sum();
            }
        }
        sums
    };
    let order: Vec<usize> = (0..rows.len()).collect();
    let alone = scored(&order, 1);
    for size in BATCHES {
        for order in [order.clone(), Draws::new(size as u64).permutation(order.len())] {
            scored(&order, size).iter().zip(&alone).for_each(|(a, b)| alike(&format!("{size} rows"), *a, *b));
        }
    }
}
