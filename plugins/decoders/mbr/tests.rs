//! Tests of mbr.

use serde_json::{Value as Json, json};
use tongues_decoder_mbr::{chrf, most_alike};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Built, Context, Decoder, Draws, Kind, Limits, Model, Request, Result, build};
use tongues_testkit::{Surroundings, check_refusals, toy_model};

struct About(Model, Vec<(u64, usize)>);

impl Context for About {
    fn device(&self) -> Device {
        self.0.plain_device()
    }
    fn draws(&self) -> Draws {
        Draws::new(3)
    }
    fn subject(&mut self) -> Result<Model> {
        Ok(self.0.clone())
    }
    fn wrote(&mut self, request: u64, ids: &[u32]) -> Result<()> {
        self.1.push((request, ids.len()));
        Ok(())
    }
}

fn built(plugin: &str, given: Json) -> Box<dyn Decoder> {
    match build(Kind::Decoder, plugin, given, &mut Surroundings::new(0)) {
        Ok(Built::Decoder(decoder)) => decoder,
        _ => panic!("no {plugin}"),
    }
}

fn requests() -> Vec<Request> {
    [vec![256, 72, 101], vec![256, 33]].into_iter().enumerate().map(|(id, prompt)| Request { id: 5 + id as u64, prompt, ..Request::default() }).collect()
}

fn limits() -> Limits {
    Limits { max_new_tokens: 8, ..Limits::default() }
}

#[test]
fn chrf_is_that_of_sacrebleu() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/decode/chrf.json");
    let stored: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let pairs = stored["pairs"].as_array().unwrap();
    assert!(pairs.len() > 15);
    for pair in pairs {
        let (a, b, expected) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap(), pair[2].as_f64().unwrap());
        assert!((chrf(a, b) - expected).abs() < 1e-9, "{a:?} {b:?}: {} {expected}", chrf(a, b));
    }
}

#[test]
fn the_text_most_like_the_others_is_chosen_and_repetitions_count() {
    let texts = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let (best, utility) = most_alike(&texts(&["xyz", "the cat sat", "the cat sits", "the cats sat"]));
    let all = ["xyz", "the cat sat", "the cat sits", "the cats sat"];
    let mean = |i: usize| all.iter().map(|r| chrf(all[i], r)).sum::<f64>() / 4.0;
    assert_eq!(best, (0..4).max_by(|a, b| mean(*a).total_cmp(&mean(*b))).unwrap());
    assert!(best != 0 && (utility - mean(best)).abs() < 1e-12);
    assert_eq!(most_alike(&texts(&["aa", "bb", "bb"])).0, 1);
    assert_eq!(most_alike(&texts(&["aa", "bb"])).0, 0, "the first wins ties");
    assert_eq!(most_alike(&texts(&["", ""])), (0, 0.0));
}

#[test]
fn candidates_are_texts_of_the_nested_decoder_with_draws_of_their_own() {
    let mut cx = About(toy_model(Draws::new(8)), vec![]);
    let nested = json!({ "use": "sampling", "temperature": 0.7 });
    let found = built("mbr", json!({ "candidates": 6, "decode": nested })).decode(&mut cx, &requests(), &limits()).unwrap();
    let heard = cx.1.iter().filter(|(id, _)| [5, 6].contains(id)).count();
    assert_eq!(heard, 2, "candidates are told under names of their own");
    for (request, found) in requests().iter().zip(&found) {
        let named = (1..=6u64).map(|c| Request { id: request.id + (c << 40), prompt: request.prompt.clone(), ..Request::default() }).collect::<Vec<_>>();
        let drawn = built("sampling", json!({ "temperature": 0.7 })).decode(&mut cx, &named, &limits()).unwrap();
        let tokenizer = cx.0.tokenizer().unwrap().clone();
        let texts: Vec<String> = drawn.iter().map(|g| tokenizer.decode(&g.ids).unwrap()).collect();
        let (best, utility) = most_alike(&texts);
        assert_eq!((&found.ids, found.rank, found.stopped), (&drawn[best].ids, Some(utility), drawn[best].stopped));
        assert!(texts.iter().any(|text| *text != texts[0]));
    }
    let again = built("mbr", json!({ "candidates": 6, "decode": nested })).decode(&mut cx, &requests()[1..], &limits()).unwrap();
    assert_eq!((&again[0].ids, again[0].rank), (&found[1].ids, found[1].rank));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    check_refusals(Kind::Decoder, "mbr", &json!({ "candidates": 3, "decode": { "use": "sampling" } }));
    let refused = |given: Json| build(Kind::Decoder, "mbr", given, &mut Surroundings::new(0)).err().unwrap().to_string();
    assert!(refused(json!({ "candidates": 0 })).contains("at least 1"));
    assert!(refused(json!({ "decode": { "use": "samplin" } })).contains("did you mean \"sampling\"?"));
    let nested = refused(json!({ "decode": { "use": "sampling", "top_p": 2 } }));
    assert!(nested.starts_with("decoder mbr: decode: decoder sampling") && nested.contains("at most 1"), "{nested}");
    let empty = built("mbr", json!({ "candidates": 2 })).decode(&mut About(toy_model(Draws::new(8)), vec![]), &[Request::default()], &limits());
    assert!(empty.unwrap_err().to_string().contains("a prompt of at least one token"));
}
