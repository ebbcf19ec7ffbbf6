//! Texts and distributions of transformers, on a checkpoint and logits stored with them (`tests/fixtures/decode`).

use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;
use tongues_decoder_sampling::{Sampling, choose, kept, penalise};
use tongues_io::{hf, open_file};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Built, Context, Draws, Generation, Kind, Limits, Model, Request, Result, build, options};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/decode")
}

struct About(Model);

impl Context for About {
    fn device(&self) -> Device {
        self.0.plain_device()
    }
    fn draws(&self) -> Draws {
        Draws::new(0)
    }
    fn subject(&mut self) -> Result<Model> {
        Ok(self.0.clone())
    }
}

fn model() -> Model {
    hf::load(&folder().join("checkpoint"), &hf::Reading::default(), &mut Bare { device: tongues_testkit::device(), draws: Draws::new(0) })
        .expect("the checkpoint")
}

fn stored() -> Json {
    serde_json::from_slice(&std::fs::read(folder().join("runs.json")).expect("runs")).expect("JSON")
}

fn numbers(value: &Json) -> Vec<u32> {
    value.as_array().expect("a list").iter().map(|id| id.as_u64().expect("an id") as u32).collect()
}

/// Decodes the stored prompts side by side (`batch`) or one after the other.
fn decoded(stored: &Json, plugin: &str, given: &Map<String, Json>, batch: usize, use_cache: bool) -> Vec<Generation> {
    let mut given = given.clone();
    given.extend([("batch".to_owned(), json!(batch)), ("use_cache".to_owned(), json!(use_cache))]);
    let mut cx = About(model());
    let Ok(Built::Decoder(decoder)) = build(Kind::Decoder, plugin, Json::Object(given), &mut cx) else { panic!("no {plugin}") };
    let prompts = stored["prompts"].as_array().expect("prompts");
    let requests: Vec<Request> =
        prompts.iter().enumerate().map(|(id, prompt)| Request { id: id as u64, prompt: numbers(prompt), ..Request::default() }).collect();
    let stop = cx.0.tokenizer().expect("a tokenizer").ends();
    assert_eq!(stop, numbers(&stored["stop"]), "generation_config.json names two");
    let limits = Limits { max_new_tokens: stored["max_new_tokens"].as_u64().expect("a number") as usize, stop, ..Limits::default() };
    decoder.decode(&mut cx, &requests, &limits).expect("texts")
}

fn compare(name: &str, run: &Json, found: &[Generation]) {
    for (p, (texts, found)) in run["texts"].as_array().expect("texts").iter().zip(found).enumerate() {
        let all: Vec<&Generation> = std::iter::once(found).chain(&found.others).collect();
        let texts = texts.as_array().expect("texts");
        assert_eq!(all.len(), texts.len(), "{name}, prompt {p}");
        for (rank, (text, found)) in texts.iter().zip(all).enumerate() {
            assert_eq!(found.ids, numbers(&text["ids"]), "{name}, prompt {p}, text {rank}");
            assert_eq!(found.stopped, text["stopped"], "{name}, prompt {p}, text {rank}");
            if let Some(score) = text["score"].as_f64() {
                let ours = found.rank.expect("a rank");
                assert!((ours - score).abs() < 1e-4 * score.abs().max(1.0), "{name}, prompt {p}, text {rank}: {ours} {score}");
            }
        }
    }
}

/// Every stored run whose name begins so, with and without a cache, side by side and alone.
fn check(prefix: &str, plugin: &str, more: &Json) {
    let stored = stored();
    let runs: Vec<_> = stored["runs"].as_object().expect("runs").iter().filter(|(name, _)| name.starts_with(prefix)).collect();
    assert!(!runs.is_empty());
    for (name, run) in runs {
        let mut given = run["options"].as_object().expect("options").clone();
        given.extend(more.as_object().expect("options").clone());
        for (batch, use_cache) in [(4, true), (4, false), (1, true), (3, true)] {
            compare(&format!("{name}, batch {batch}, cache {use_cache}"), run, &decoded(&stored, plugin, &given, batch, use_cache));
        }
    }
}

#[test]
fn greedy_texts_are_those_of_transformers() {
    check("greedy", "sampling", &json!({ "temperature": 0.0 }));
}

#[test]
fn beams_are_those_of_transformers() {
    check("beam", "beam", &json!({}));
}

#[test]
fn diverse_groups_are_those_of_a_plain_search() {
    check("groups", "beam", &json!({}));
}

#[test]
fn one_beam_is_greedy() {
    let stored = stored();
    let given = json!({ "num_beams": 1 });
    compare("one beam", &stored["runs"]["greedy"], &without_ranks(decoded(&stored, "beam", given.as_object().expect("options"), 4, true)));
}

fn without_ranks(texts: Vec<Generation>) -> Vec<Generation> {
    texts.into_iter().map(|text| Generation { rank: None, ..text }).collect()
}

/// What the fixture must hold for the comparisons to say something.
#[test]
fn the_stored_runs_show_what_can_go_wrong() {
    let stored = stored();
    for (name, run) in stored["runs"].as_object().expect("runs") {
        assert!(run["gap"].as_f64().expect("a gap") >= 1e-3, "{name}");
        let texts: Vec<&Json> = run["texts"].as_array().expect("texts").iter().flat_map(|t| t.as_array().expect("texts")).collect();
        let different: std::collections::BTreeSet<u32> = texts.iter().flat_map(|text| numbers(&text["ids"])).collect();
        assert!(different.len() >= 20, "{name}: {} different tokens", different.len());
        assert!(texts.iter().any(|text| text["stopped"] == true), "{name}");
        assert!(!run["options"].as_object().expect("options").contains_key("num_beams") || run["crossings"].as_u64() >= Some(2), "{name}");
    }
    let lengths: std::collections::BTreeSet<usize> = stored["prompts"].as_array().expect("prompts").iter().map(|p| numbers(p).len()).collect();
    assert_eq!(lengths.len(), 4, "prompts of unequal length");
}

struct Warped {
    logits: Vec<Vec<f32>>,
    seen: Vec<Vec<u32>>,
}

fn warped() -> (tongues_io::Checkpoint, Warped) {
    let file = open_file(&folder().join("warped.safetensors")).expect("logits");
    let (ids, mask) = (file.i64("input_ids").expect("ids"), file.i64("attention_mask").expect("mask"));
    let time = file.info("input_ids").expect("ids").shape[1];
    let row = |(ids, mask): (&[i64], &[i64])| ids.iter().zip(mask).filter(|(_, m)| **m == 1).map(|(id, _)| *id as u32).collect();
    let seen: Vec<Vec<u32>> = ids.chunks(time).zip(mask.chunks(time)).map(row).collect();
    let logits = file.f32("logits").expect("logits");
    let logits = logits.chunks(logits.len() / seen.len()).map(<[f32]>::to_vec).collect();
    (file, Warped { logits, seen })
}

/// The settings of the fixture's generator.
fn settings() -> Vec<(&'static str, Json)> {
    vec![
        ("plain", json!({})),
        ("temperature", json!({ "temperature": 0.7 })),
        ("top_k", json!({ "top_k": 7 })),
        ("top_p", json!({ "top_p": 0.8 })),
        ("min_p", json!({ "min_p": 0.1 })),
        ("repetition", json!({ "repetition_penalty": 1.5 })),
        ("all", json!({ "temperature": 1.4, "top_k": 30, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.2 })),
    ]
}

#[test]
fn distributions_are_those_of_the_processors_of_transformers() {
    let (file, Warped { logits, seen }) = warped();
    for (name, given) in settings() {
        let how: Sampling = options("sampling", given).expect("options");
        let expected = file.f32(&format!("probabilities.{name}")).expect(name);
        for (row, expected) in expected.chunks(logits[0].len()).enumerate() {
            let mut scores = logits[row].clone();
            penalise(&mut scores, &seen[row], how.repetition_penalty);
            let mut found = vec![0.0; scores.len()];
            let all = kept(&scores, &how);
            let sum: f64 = all.iter().map(|(_, mass)| mass).sum();
            all.iter().for_each(|(id, mass)| found[*id as usize] = mass / sum);
            for (id, (found, expected)) in found.iter().zip(expected).enumerate() {
                let expected = f64::from(*expected);
                assert!((found - expected).abs() < 1e-6 && (*found == 0.0) == (expected == 0.0), "{name}, row {row}, token {id}: {found} {expected}");
            }
            // The draw is from this distribution: shares over many counters are within five standard errors, and three draws where a token is rare.
            let n = 20_000;
            let mut counts = vec![0.0; found.len()];
            Draws::new(3).stream(name).example(row as u64).uniform(n).into_iter().for_each(|u| counts[choose(&scores, &how, u) as usize] += 1.0 / n as f64);
            for (share, p) in counts.iter().zip(&found) {
                assert!((share - p).abs() <= 5.0 * (p * (1.0 - p) / n as f64).sqrt() + 3.0 / n as f64, "{name}, row {row}: {share} {p}");
            }
        }
    }
}
