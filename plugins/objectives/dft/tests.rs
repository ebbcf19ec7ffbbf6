//! Tests of the objective `dft`.

#[path = "cases/reference.rs"]
mod reference;
#[path = "cases/rows.rs"]
mod rows;

use reference::{PAIRS, Term, by_hand, gradients_of, near, record};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::recompute::backward;
use tongues_kernel::{Batch, Coupling, Draws, ExampleContext, Kind, Model, Objective, Record, Step, options, values};
use tongues_objective_dft::Dft;
use tongues_testkit::{ObjectiveCase, Surroundings, ToyShape, ToyTokenizer, check_refusals, randomise};

/// Four blocks, every parameter random.
fn model(tied: bool) -> Model {
    ToyShape { layers: 4, tied, ..ToyShape::default() }.model(Draws::new(7))
}

fn objective(given: Json) -> Dft {
    let mut all = json!({ "i": 1, "j": 3, "lc": "none", "et": "none" });
    all.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    Dft::new(options("dft", all).unwrap(), &mut Surroundings::new(0)).unwrap()
}

fn batch(objective: &Dft, records: &[Record]) -> Batch {
    let tokenizer = ToyTokenizer::default();
    let cx = ExampleContext { tokenizer: &tokenizer, max_length: 64, draws: Draws::new(0), format: None };
    Batch { examples: records.iter().flat_map(|r| objective.examples(r, &cx).unwrap()).collect() }
}

/// The sum and the gradients of one term over all pairs.
fn found(given: &Json, term: &str, model: &Model, recompute: bool) -> (f64, BTreeMap<String, Vec<f32>>) {
    let objective = objective(given.clone());
    let (batch, others) = (batch(&objective, &PAIRS.map(record)), BTreeMap::new());
    let mut step = Step::new(model, &others, &batch, Draws::new(0));
    step.recompute = recompute;
    let terms = objective.loss(&mut step).unwrap();
    let term = terms.into_iter().find(|t| &*t.name == term).unwrap();
    assert_eq!(Some(&term.over), objective.denominators(&batch).get(&term.name));
    let sum = f64::from(values(term.sum.clone())[0]);
    (sum, gradients_of(model, &backward(term.sum, step.into_tapes(), &model.net).unwrap()))
}

/// Sum and gradients equal those of the reference, for head and embedding apart and in one matrix, recomputed or not.
fn equals(given: Json, term: &str, reference: Term) {
    for tied in [false, true] {
        let model = model(tied);
        let (expected, gradients) = by_hand(&model, reference);
        let untouched = |name: &String| name.starts_with("model.norm") || name.starts_with("lm_head") || name.starts_with("model.layers.3");
        let english_run_moves = given["detach_english"] == json!(false) && term == "et";
        assert!(english_run_moves || !gradients.keys().any(untouched), "{given}: the reference itself moves the head");
        for recompute in [false, true] {
            let what = format!("{given}, tied {tied}, recomputed {recompute}");
            let (sum, found) = found(&given, term, &model, recompute);
            assert!((sum - expected).abs() < 1e-4 * expected.abs(), "{what}: {sum} instead of {expected}");
            near(&what, &found, &gradients);
        }
    }
}

#[test]
fn forced_terms_have_the_gradients_of_the_formulas() {
    equals(json!({ "lc": "logits" }), "lc", Term::Forced { depth: 1, answers: false, norm: true });
    equals(json!({ "et": "logits" }), "et", Term::Forced { depth: 3, answers: true, norm: true });
    equals(json!({ "et": "logits", "final_norm": false, "align": "teacher-forced" }), "et", Term::Forced { depth: 3, answers: true, norm: false });
}

#[test]
fn aligned_terms_have_the_gradients_of_the_formulas() {
    let given = |term: &str| json!({ term: "logits", "align": "position" });
    equals(given("lc"), "lc", Term::Aligned { depth: 1, answers: false });
    equals(given("et"), "et", Term::Aligned { depth: 3, answers: true });
}

#[test]
fn feature_terms_have_the_gradients_of_the_formulas() {
    let lc = |given: Json, last, still| equals(given, "lc", Term::Feature { here: 1, there: 1, span: [true, false], last, still, shared: false });
    lc(json!({ "lc": "feature" }), false, true);
    lc(json!({ "lc": "feature", "pool": "last" }), true, true);
    lc(json!({ "lc": "feature", "detach_english": false }), false, false);
    let et = |given: Json, span, still, shared| equals(given, "et", Term::Feature { here: 3, there: 4, span, last: false, still, shared });
    et(json!({ "et": "feature" }), [true, true], true, false);
    et(json!({ "et": "feature", "detach_english": false }), [true, true], false, false);
    et(json!({ "et": "feature", "et_span": "query" }), [true, false], true, false);
    et(json!({ "et": "feature", "et_span": "answer" }), [false, true], true, false);
    et(json!({ "et": "feature", "et_span": "all", "skip_shared": false }), [true, true], true, true);
}

#[test]
fn the_english_run_is_seen_and_not_moved() {
    let model = model(false);
    let touched = |given: Json| found(&given, "et", &model, false).1.keys().filter(|n| n.starts_with("model.layers.3")).count();
    assert_eq!(touched(json!({ "et": "feature" })), 0);
    assert!(touched(json!({ "et": "feature", "detach_english": false })) > 0);
}

#[test]
fn a_softcap_of_logits_stands_at_inner_layers_too() {
    let sum = |cap: Json| {
        let model = reference::capped(cap);
        let given = json!({ "lc": "logits", "i": 1, "j": 2 });
        found(&given, "lc", &model, false).0
    };
    let expected = reference::capped_by_hand(&reference::capped(Json::Null), 0.5);
    assert!((sum(json!(0.5)) - expected).abs() < 1e-3 * expected, "{} instead of {expected}", sum(json!(0.5)));
    assert!((sum(Json::Null) - expected).abs() > 1e-2 * expected, "the cap changes nothing here");
}

#[test]
fn all_terms_keep_the_promises_of_objectives() {
    let records: Vec<Record> = PAIRS.map(record).to_vec();
    let case = |given: Json| ObjectiveCase::new("dft", given).with_records(records.clone()).with_model(model(true));
    case(json!({ "lc": "none", "et": "none" })).check();
    // Nothing holds still here, so that gradients are those of finite differences.
    case(json!({ "lc": "feature", "et": "feature", "i": 1, "j": 2, "detach_english": false })).check();
    for given in [json!({ "align": "teacher-forced" }), json!({ "align": "position" }), json!({ "lc": "feature", "final_norm": true })] {
        let mut all = json!({ "lc": "logits", "et": "logits", "i": 1, "j": 2, "w_lc": 0.5, "w_et": 2.0 });
        all.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let case = case(all.clone());
        case.recomputation();
        case.splits();
        case.is_deterministic();
        check_refusals(Kind::Objective, "dft", &all);
    }
    assert_eq!((objective(json!({})).coupling(), objective(json!({ "lc": "logits" })).coupling()), (Coupling::Token, Coupling::Example));
    assert!(!objective(json!({})).may_pack(), "runs that differ in terms alone would have other rows");
}

#[test]
fn every_term_is_over_its_own_and_has_its_weight() {
    let objective = objective(json!({ "lc": "logits", "et": "feature", "w_lc": 0.5, "w_et": 3.0 }));
    let batch = batch(&objective, &PAIRS.map(record));
    let (others, model) = (BTreeMap::new(), model(false));
    let terms = objective.loss(&mut Step::new(&model, &others, &batch, Draws::new(0))).unwrap();
    let length = |of: fn(&(&str, &str, &str, &str)) -> usize| PAIRS.iter().map(of).sum::<usize>() as f64;
    // The end is learned behind an answer, and not behind a query.
    let expected = [("tft", length(|p| p.1.len() + 1), 1.0), ("lc", length(|p| p.2.len()), 0.5), ("et", PAIRS.len() as f64, 3.0)];
    assert_eq!(terms.iter().map(|t| (&*t.name, t.over, t.weight)).collect::<Vec<_>>(), expected);
    let single: f64 = batch.examples.iter().map(|e| objective.denominators(&Batch { examples: vec![e.clone()] })["lc"]).sum();
    assert_eq!(single, expected[1].1);
}

#[test]
fn vectors_of_zeros_have_no_direction_and_no_wild_gradient() {
    let mut model = model(false);
    randomise(&mut model, "", 0.0, Draws::new(0));
    let (sum, gradients) = found(&json!({ "et": "feature", "detach_english": false }), "et", &model, false);
    assert!((sum - PAIRS.len() as f64).abs() < 1e-6);
    assert!(gradients.values().flatten().all(|g| g.is_finite()));
}

#[test]
fn layers_and_weights_that_cannot_be_are_refused() {
    let refused = |given: Json| {
        let made = options("dft", given.clone()).and_then(|o| Dft::new(o, &mut Surroundings::new(0)));
        let objective = match made {
            Err(error) => return error.to_string(),
            Ok(objective) => objective,
        };
        let (batch, others, model) = (batch(&objective, &PAIRS.map(record)), BTreeMap::new(), model(false));
        objective.loss(&mut Step::new(&model, &others, &batch, Draws::new(0))).unwrap_err().to_string()
    };
    let both = |i: usize, j: usize| refused(json!({ "lc": "logits", "et": "feature", "i": i, "j": j }));
    assert!(both(2, 2).starts_with("dft: i: expected a layer below j = 2, found 2"));
    assert!(both(3, 2).starts_with("dft: i: expected a layer below j = 2, found 3"));
    assert!(both(0, 2).starts_with("dft: i: expected a layer from 1, the output of the first block, found 0, which would be the embeddings"));
    assert!(both(1, 4).starts_with("dft: j: expected an inner layer, below the model's last (4), found 4"), "{}", both(1, 4));
    assert!(refused(json!({ "lc": "logits", "et": "none", "i": 9 })).starts_with("dft: i: expected an inner layer"));
    assert!(refused(json!({ "i": 1 })).starts_with("dft: j: expected the layer of `et`, found none"));
    assert!(refused(json!({ "lc": "logits", "et": "none" })).starts_with("dft: i: expected the layer of `lc`"));
    assert!(refused(json!({ "i": 1, "j": 2, "w_lc": -1.0 })).contains("w_lc"));
}
