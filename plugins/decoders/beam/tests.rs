//! Tests of beam. Texts of transformers are compared in `tests/cross/decode.rs`.

use serde_json::{Value as Json, json};
use tongues_decoder_beam as _;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Built, Context, Draws, Generation, Kind, Limits, Model, Request, Result, build, score};
use tongues_testkit::{Surroundings, check_refusals, ids, toy_model};

struct About(Model);

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
}

fn requests(lengths: &[usize]) -> Vec<Request> {
    lengths.iter().enumerate().map(|(i, n)| Request { id: 10 + i as u64, prompt: ids(Draws::new(i as u64), *n, 256), ..Request::default() }).collect()
}

fn decoded(given: Json, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
    let Built::Decoder(decoder) = build(Kind::Decoder, "beam", given, &mut Surroundings::new(0))? else { panic!("no decoder") };
    decoder.decode(&mut About(toy_model(Draws::new(8))), requests, limits)
}

fn limits(max_new_tokens: usize) -> Limits {
    Limits { max_new_tokens, ..Limits::default() }
}

fn all(generation: &Generation) -> Vec<&Generation> {
    std::iter::once(generation).chain(&generation.others).collect()
}

#[test]
fn a_text_s_score_is_its_log_probability_over_its_length() {
    let asked = requests(&[4, 2]);
    for penalty in [0.0, 1.0, 2.5, -1.0] {
        let given = json!({ "num_beams": 3, "num_return_sequences": 3, "length_penalty": penalty });
        for (request, found) in asked.iter().zip(decoded(given, &asked, &limits(5)).unwrap()) {
            for text in all(&found) {
                let row: Vec<u32> = request.prompt.iter().chain(&text.ids).copied().collect();
                let expected = score::log_probabilities(&toy_model(Draws::new(8)), &[row], 1).unwrap().remove(0);
                tongues_testkit::assert_near("scores", &text.scores, &expected[request.prompt.len() - 1..], 1e-4);
                let sum: f64 = text.scores.iter().map(|s| f64::from(*s)).sum();
                assert!((text.rank.unwrap() - sum / 5f64.powf(penalty)).abs() < 1e-9);
            }
            assert_eq!(all(&found).len(), 3);
            assert!(all(&found).windows(2).all(|pair| pair[0].rank >= pair[1].rank && pair[0].ids != pair[1].ids));
        }
    }
}

#[test]
fn wide_beams_find_the_likeliest_text_of_all() {
    // 259² texts of two tokens: as many beams as tokens keep every first token.
    let asked = requests(&[3]);
    let found = decoded(json!({ "num_beams": 259, "length_penalty": 0.0 }), &asked, &limits(2)).unwrap().remove(0);
    let rows: Vec<Vec<u32>> = (0..259).map(|first| [asked[0].prompt.clone(), vec![first]].concat()).collect();
    let texts: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    let model = toy_model(Draws::new(8));
    let (_, next) = tongues_kernel::Session::open(&model, &texts).unwrap();
    let next = tongues_kernel::values(next);
    let firsts = score::log_probabilities(&model, &rows, 4096).unwrap();
    let sum = |i: usize| f64::from(*firsts[i / 259].last().unwrap()) + f64::from(next[i]);
    let best = (0..259 * 259).max_by(|a, b| sum(*a).total_cmp(&sum(*b))).unwrap();
    assert_eq!(found.ids, [(best / 259) as u32, (best % 259) as u32]);
    assert!((found.rank.unwrap() - sum(best)).abs() < 1e-4);
}

#[test]
fn a_text_that_ended_is_not_written_on() {
    let asked = requests(&[3, 6]);
    let free = decoded(json!({ "num_return_sequences": 4 }), &asked, &limits(8)).unwrap();
    let stop = vec![free[0].ids[1], free[1].ids[2]];
    let found = decoded(json!({ "num_return_sequences": 4, "length_penalty": 0.0 }), &asked, &Limits { stop: stop.clone(), ..limits(8) }).unwrap();
    let texts: Vec<&Generation> = found.iter().flat_map(all).collect();
    assert!(texts.iter().any(|text| text.stopped && text.ids.len() < 3));
    assert!(texts.iter().all(|text| text.ids.len() == text.scores.len() && !text.ids.iter().any(|id| stop.contains(id))));
}

#[test]
fn a_stop_string_ends_a_text_with_the_token_that_completes_it() {
    let asked = requests(&[3]);
    let free = decoded(json!({}), &asked, &limits(8)).unwrap().remove(0);
    let letter = free.ids.iter().position(|id| (33..127).contains(id)).expect("a letter");
    let stop = char::from(free.ids[letter] as u8).to_string();
    let limits = Limits { strings: vec![stop.clone()], ..limits(8) };
    let found = decoded(json!({ "num_return_sequences": 4, "length_penalty": 0.0 }), &asked, &limits).unwrap().remove(0);
    let ended: Vec<&Generation> = all(&found).into_iter().filter(|text| text.stopped).collect();
    assert!(!ended.is_empty());
    for text in ended {
        let at = text.ids.iter().position(|id| *id == u32::from(stop.as_bytes()[0]));
        assert_eq!(at, Some(text.ids.len() - 1));
    }
}

#[test]
fn groups_that_differ_pay_for_it() {
    let asked = requests(&[5]);
    let given = |penalty: f64| json!({ "num_beams": 4, "num_beam_groups": 4, "num_return_sequences": 4, "diversity_penalty": penalty });
    let same = decoded(given(0.0), &asked, &limits(6)).unwrap().remove(0);
    assert!(all(&same).iter().all(|text| text.ids == same.ids), "without a penalty all groups search the same");
    let other = decoded(given(50.0), &asked, &limits(6)).unwrap().remove(0);
    let firsts: std::collections::BTreeSet<u32> = all(&other).iter().map(|text| text.ids[0]).collect();
    assert_eq!(firsts.len(), 4);
    assert!(all(&other).iter().all(|text| text.scores.iter().all(|s| *s > -40.0)), "scores are of the unchanged distribution");
}

#[test]
fn every_prompt_may_fill_the_positions_whatever_stands_beside_it() {
    // The toy has 64 positions.
    let asked = requests(&[60, 3, 64, 50]);
    let given = |batch: usize| json!({ "num_beams": 2, "batch": batch, "early_stopping": "never" });
    let (together, apart) = (decoded(given(4), &asked, &limits(40)).unwrap(), decoded(given(1), &asked, &limits(40)).unwrap());
    assert_eq!(together.iter().map(|g| g.ids.len()).collect::<Vec<_>>(), [4, 40, 0, 14]);
    together.iter().zip(&apart).for_each(|(a, b)| assert_eq!(a.ids, b.ids));
}

#[test]
fn what_cannot_be_searched_is_refused() {
    check_refusals(Kind::Decoder, "beam", &json!({ "num_beams": 4, "length_penalty": 0.5, "early_stopping": true, "diversity_penalty": 0.0 }));
    let refused = |given: Json| decoded(given, &requests(&[2]), &limits(2)).unwrap_err().to_string();
    assert!(refused(json!({ "num_beams": 0 })).contains("num_beams: expected a number at least 1, found 0"));
    assert!(
        refused(json!({ "num_beams": 4, "num_beam_groups": 3 }))
            .starts_with("decoder beam: num_beam_groups: expected a number that divides num_beams, which is 4")
    );
    assert!(refused(json!({ "num_beam_groups": 2, "diversity_penalty": -0.5 })).contains("at least 0"));
    assert!(refused(json!({ "diversity_penalty": 0.5 })).contains("expected 0 where there is one group"));
    assert!(refused(json!({ "num_return_sequences": 5 })).contains("at most num_beams, which is 4"));
    assert!(refused(json!({ "early_stopping": "sometimes" })).contains("one of true, false, \"never\""));
    let empty = decoded(json!({}), &[Request::default()], &limits(2)).unwrap_err().to_string();
    assert!(empty.starts_with("request 0: expected a prompt of at least one token"));
    assert!(decoded(json!({}), &requests(&[65]), &limits(2)).unwrap_err().to_string().contains("at most 64 tokens"));
    assert_eq!(decoded(json!({}), &requests(&[3]), &limits(0)).unwrap(), [Generation::default()]);
    assert_eq!(decoded(json!({}), &[], &limits(3)).unwrap(), []);
}
