//! Tests of sampling.

use serde_json::{Value as Json, json};
use tongues_decoder_sampling::{Sampling, choose};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::log_softmax;
use tongues_kernel::{Call, Context, Decoder, Draws, Generation, Kind, Laid, Limits, Model, Request, Result, Sequence, options, score, values};
use tongues_testkit::{check_refusals, ids, toy_model};

/// Surroundings about one model.
struct About(Model, u64);

impl Context for About {
    fn device(&self) -> Device {
        self.0.plain_device()
    }
    fn draws(&self) -> Draws {
        Draws::new(self.1)
    }
    fn subject(&mut self) -> Result<Model> {
        Ok(self.0.clone())
    }
}

fn sampling(given: Json) -> Sampling {
    options("sampling", given).unwrap()
}

/// Prompts of these lengths, each with its own id.
fn requests(lengths: &[usize]) -> Vec<Request> {
    lengths.iter().enumerate().map(|(i, n)| Request { id: 10 + i as u64, prompt: ids(Draws::new(i as u64), *n, 256), ..Request::default() }).collect()
}

fn decoded(given: Json, requests: &[Request], max_new_tokens: usize, stop: &[u32]) -> Result<Vec<Generation>> {
    let limits = Limits { max_new_tokens, stop: stop.to_vec(), ..Limits::default() };
    sampling(given).decode(&mut About(toy_model(Draws::new(8)), 3), requests, &limits)
}

/// The next token's log-probabilities, the model read from the start.
fn next(model: &Model, ids: &[u32]) -> Vec<f32> {
    let input = Laid::new([&Sequence::of("text", ids.to_vec(), 1.0)]).unwrap().input(model.spec().main(), &model.plain_device());
    let logits = model.logits(&input, Call::default()).unwrap();
    let [_, time, vocabulary] = logits.dims();
    values(log_softmax(logits.narrow(1, time - 1, 1).reshape([1, vocabulary]), 1))
}

fn largest(scores: &[f32]) -> u32 {
    (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(b.cmp(a))).unwrap() as u32
}

#[test]
fn greedy_text_is_that_of_the_model_read_from_the_start_every_time() {
    let model = toy_model(Draws::new(8)).inference();
    let requests = requests(&[3, 7, 1]);
    let written = decoded(json!({ "temperature": 0.0 }), &requests, 6, &[]).unwrap();
    for (request, generation) in requests.iter().zip(&written) {
        let mut text = request.prompt.clone();
        for (token, score) in generation.ids.iter().zip(&generation.scores) {
            let expected = next(&model, &text);
            assert_eq!(*token, largest(&expected));
            assert!((score - expected[*token as usize]).abs() < 1e-4);
            text.push(*token);
        }
        assert_eq!((generation.ids.len(), generation.stopped), (6, false));
    }
}

#[test]
fn a_text_does_not_depend_on_those_beside_it() {
    let all = requests(&[3, 9, 1, 5, 2]);
    let together = decoded(json!({ "batch": 8 }), &all, 8, &[]).unwrap();
    let apart = decoded(json!({ "batch": 1 }), &all, 8, &[]).unwrap();
    let some = decoded(json!({ "batch": 8 }), &all[2..4], 8, &[]).unwrap();
    let texts = |written: &[Generation]| written.iter().map(|g| g.ids.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&together), texts(&apart));
    assert_eq!(texts(&together)[2..4], texts(&some));
    for (a, b) in together.iter().flat_map(|g| &g.scores).zip(apart.iter().flat_map(|g| &g.scores)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
    let mut other = all.clone();
    other.iter_mut().for_each(|r| r.id += 100);
    assert_ne!(texts(&decoded(json!({}), &other, 8, &[]).unwrap()), texts(&together));
}

#[test]
fn every_step_draws_anew_from_seed_request_and_step() {
    let mut model = toy_model(Draws::new(8)).inference();
    let device = model.device();
    model.weights().set("lm_head.weight", Tensor::<2>::zeros([259, 16], &device)).unwrap();
    let limits = Limits { max_new_tokens: 12, stop: vec![], ..Limits::default() };
    let written = sampling(json!({})).decode(&mut About(model, 3), &requests(&[2]), &limits).unwrap();
    let place = Draws::new(3).stream("sampling").example(10);
    let flat = vec![-(259f32.ln()); 259];
    let expected: Vec<u32> = (0..12).map(|step| choose(&flat, &sampling(json!({})), place.step(step).uniform(1)[0])).collect();
    assert_eq!(written[0].ids, expected);
    assert!(expected.iter().any(|id| *id != expected[0]));
}

#[test]
fn scores_are_of_the_unchanged_distribution() {
    let model = toy_model(Draws::new(8));
    let requests = requests(&[4]);
    let written = decoded(json!({ "temperature": 0.5, "top_k": 20, "top_p": 0.9 }), &requests, 5, &[]).unwrap();
    let row: Vec<u32> = requests[0].prompt.iter().chain(&written[0].ids).copied().collect();
    let expected = score::log_probabilities(&model, &[row], 1).unwrap();
    for (a, b) in written[0].scores.iter().zip(&expected[0][3..]) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn the_likeliest_of_one_is_the_likeliest_of_all() {
    let requests = requests(&[3, 6]);
    let greedy = decoded(json!({ "temperature": 0.0 }), &requests, 6, &[]).unwrap();
    assert_eq!(decoded(json!({ "top_k": 1 }), &requests, 6, &[]).unwrap(), greedy);
    assert_eq!(decoded(json!({ "top_p": 0.0 }), &requests, 6, &[]).unwrap(), greedy);
}

#[test]
fn a_row_ends_at_its_stop_token_and_the_others_go_on() {
    let requests = requests(&[3, 7, 5]);
    let free = decoded(json!({ "temperature": 0.0 }), &requests, 10, &[]).unwrap();
    let stop = free[0].ids[2];
    let stopped = decoded(json!({ "temperature": 0.0 }), &requests, 10, &[stop]).unwrap();
    for (free, stopped) in free.iter().zip(&stopped) {
        let end = free.ids.iter().position(|id| *id == stop);
        assert_eq!(stopped.ids, free.ids[..end.unwrap_or(10)]);
        assert_eq!((stopped.stopped, stopped.scores.len()), (end.is_some(), stopped.ids.len()));
    }
    assert!(stopped[0].stopped && stopped[0].ids.len() <= 2);
}

#[test]
fn every_row_may_fill_the_positions_whatever_stands_beside_it() {
    // The toy has 64 positions.
    let requests = requests(&[60, 3, 64, 50]);
    let together = decoded(json!({ "batch": 4 }), &requests, 40, &[]).unwrap();
    let apart = decoded(json!({ "batch": 1 }), &requests, 40, &[]).unwrap();
    assert_eq!(together.iter().map(|g| g.ids.len()).collect::<Vec<_>>(), [4, 40, 0, 14]);
    let texts = |written: &[Generation]| written.iter().map(|g| g.ids.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&together), texts(&apart));
    assert!(together.iter().all(|g| !g.stopped));
}

#[test]
fn nothing_to_write_and_nothing_to_read() {
    assert_eq!(decoded(json!({}), &requests(&[3]), 0, &[]).unwrap(), [Generation::default()]);
    assert_eq!(decoded(json!({}), &[], 5, &[]).unwrap(), []);
    let refused = |prompt: Vec<u32>| decoded(json!({}), &[Request { id: 5, prompt, ..Request::default() }], 5, &[]).unwrap_err().to_string();
    assert!(refused(vec![]).starts_with("request 5: expected a prompt of at least one token"));
    assert!(refused(vec![1; 65]).starts_with("request 5: expected a prompt of at most 64 tokens"));
    check_refusals(Kind::Decoder, "sampling", &json!({ "temperature": 0.5, "top_k": 3, "top_p": 0.9, "batch": 2 }));
}

const P: [f32; 5] = [0.1, 0.4, 0.05, 0.25, 0.2];

/// Shares of the tokens over many draws.
fn shares(given: Json) -> Vec<f64> {
    let how = sampling(given);
    let scores: Vec<f32> = P.iter().map(|p| p.ln()).collect();
    let mut counts = vec![0.0; P.len()];
    for u in Draws::new(1).uniform(40_000) {
        counts[choose(&scores, &how, u) as usize] += 1.0 / 40_000.0;
    }
    counts
}

fn assert_shares(given: Json, expected: [f64; 5]) {
    for (token, (found, expected)) in shares(given.clone()).into_iter().zip(expected).enumerate() {
        // Four standard deviations of a share are at most 4 · √(0.25 / 40000) = 0.01; what was cut off never appears.
        assert!((found - expected).abs() < 0.01 && (expected > 0.0 || found == 0.0), "{given}: token {token} has {found}, expected {expected}");
    }
}

#[test]
fn draws_have_the_distribution_asked_for() {
    assert_shares(json!({}), [0.1, 0.4, 0.05, 0.25, 0.2]);
    assert_shares(json!({ "top_k": 2 }), [0.0, 0.4 / 0.65, 0.0, 0.25 / 0.65, 0.0]);
    assert_shares(json!({ "top_p": 0.7 }), [0.0, 0.4 / 0.85, 0.0, 0.25 / 0.85, 0.2 / 0.85]);
    assert_shares(json!({ "top_p": 0.3 }), [0.0, 1.0, 0.0, 0.0, 0.0]);
    // top_p is of what top_k left: 0.4 of 0.65 is 0.62.
    assert_shares(json!({ "top_k": 2, "top_p": 0.6 }), [0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_shares(json!({ "top_k": 2, "top_p": 0.63 }), [0.0, 0.4 / 0.65, 0.0, 0.25 / 0.65, 0.0]);
    // At temperature 1/2 probabilities are squared: 0.01, 0.16, 0.0025, 0.0625, 0.04 of 0.275. Then 0.16 + 0.0625 reach 0.8.
    let sum = 0.275;
    assert_shares(json!({ "temperature": 0.5 }), [0.01 / sum, 0.16 / sum, 0.0025 / sum, 0.0625 / sum, 0.04 / sum]);
    assert_shares(json!({ "temperature": 0.5, "top_p": 0.8 }), [0.0, 0.16 / 0.2225, 0.0, 0.0625 / 0.2225, 0.0]);
}

#[test]
fn ties_go_to_the_lowest_id() {
    let greedy = sampling(json!({ "temperature": 0.0 }));
    assert_eq!(choose(&[-2.0, -1.0, -1.0], &greedy, 0.9), 1);
    let two = sampling(json!({ "top_k": 2 }));
    assert_eq!([0.0, 0.499, 0.501, 0.999].map(|u| choose(&[-1.0, -1.0, -1.0], &two, u)), [0, 0, 1, 1]);
    assert_eq!(choose(&[-1.0, -1.0, -1.0], &sampling(json!({ "top_k": 1 })), 0.999), 0);
    assert_eq!(choose(&[f32::NEG_INFINITY, 0.0], &sampling(json!({})), 0.999_999_9), 1);
    assert_eq!(choose(&[-30.0, 0.0], &sampling(json!({ "temperature": 1e-9 })), 0.999_999_9), 1);
}
