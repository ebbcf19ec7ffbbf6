//! Tests of the decoder `__name__`.

use serde_json::json;
use __library__ as _;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Built, Context, Draws, Kind, Limits, Model, Request, Result, build, score};
use tongues_testkit::{Surroundings, toy_model};

/// Surroundings with a model to decode with.
struct WithSubject(Model);

impl Context for WithSubject {
    fn device(&self) -> Device {
        self.0.plain_device()
    }
    fn draws(&self) -> Draws {
        Draws::new(1)
    }
    fn subject(&mut self) -> Result<Model> {
        Ok(self.0.clone())
    }
}

fn decoded(limits: &Limits) -> tongues_kernel::Generation {
    let Ok(Built::Decoder(decoder)) = build(Kind::Decoder, "__name__", json!({}), &mut Surroundings::new(1)) else { panic!("no decoder") };
    let request = Request { id: 0, prompt: vec![256, 72], ..Request::default() };
    decoder.decode(&mut WithSubject(toy_model(Draws::new(1))), &[request], limits).expect("a prompt").remove(0)
}

#[test]
fn it_writes_what_the_model_scores_highest() {
    let written = decoded(&Limits { max_new_tokens: 5, stop: vec![], ..Limits::default() });
    let row: Vec<u32> = [256, 72].into_iter().chain(written.ids.iter().copied()).collect();
    let scores = score::log_probabilities(&toy_model(Draws::new(1)), &[row], 64).expect("a row").remove(0);
    assert_eq!(written.ids.len(), 5);
    tongues_testkit::assert_near("scores", &written.scores, &scores[1..], 1e-4);
}

#[test]
fn a_stop_token_ends_the_text() {
    let free = decoded(&Limits { max_new_tokens: 3, stop: vec![], ..Limits::default() });
    let stopped = decoded(&Limits { max_new_tokens: 3, stop: vec![free.ids[0]], ..Limits::default() });
    assert!(stopped.stopped && stopped.ids.is_empty());
}

#[test]
fn without_a_model_it_is_refused() {
    let Ok(Built::Decoder(decoder)) = build(Kind::Decoder, "__name__", json!({}), &mut Surroundings::new(1)) else { panic!("no decoder") };
    let mut bare = Bare { device: Device::default(), draws: Draws::new(1) };
    assert!(decoder.decode(&mut bare, &[], &Limits { max_new_tokens: 1, stop: vec![], ..Limits::default() }).is_err());
}
