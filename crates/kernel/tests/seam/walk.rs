//! The walk itself: values, batches, padding, sessions, dropout, who listens.

use super::lora::Lora;
use super::prefix::with_prefix;
use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::toy;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::*;

const ROWS: [&[u32]; 4] = [&[1, 2, 3, 4, 5, 6, 7, 8, 9], &[3], &[10, 0], &[5, 5, 5, 5, 2]];

#[test]
fn the_walk_is_the_plain_computation() {
    let model = toy(1);
    let values = reference_values(&model.net.backbone);
    for row in ROWS {
        close(&logits(&model, row), &reference::logits(&values, row, &Tweaks::default()).concat(), 2e-5);
    }
}

#[test]
fn scores_do_not_depend_on_the_batch() {
    for model in [toy(1), with_prefix(1), super::moe::with_experts()] {
        let rows = ROWS.map(<[u32]>::to_vec);
        let together = score::log_probabilities(&model, &rows, 1000).unwrap();
        let alone: Vec<Vec<f32>> = rows.iter().map(|r| score::log_probabilities(&model, std::slice::from_ref(r), 1).unwrap().remove(0)).collect();
        assert_eq!(together.iter().map(Vec::len).collect::<Vec<_>>(), [8, 0, 1, 4]);
        close(&together.concat(), &alone.concat(), 1e-6);
        let backwards: Vec<Vec<u32>> = rows.iter().rev().cloned().collect();
        let turned: Vec<Vec<f32>> = score::log_probabilities(&model, &backwards, 12).unwrap().into_iter().rev().collect();
        close(&turned.concat(), &together.concat(), 1e-6);
    }
}

#[test]
fn left_padded_prompts_read_like_whole_texts() {
    let model = toy(1);
    let (mut session, mut found) = Session::open(&model, &ROWS).unwrap();
    let mut texts = ROWS.map(<[u32]>::to_vec);
    for token in [4, 7, 0] {
        for (r, text) in texts.iter_mut().enumerate() {
            let whole = burn::tensor::activation::log_softmax(Tensor::<1>::from_floats(&logits(&model, text)[(text.len() - 1) * 11..], &Device::flex()), 0);
            close(&values(found.clone())[r * 11..(r + 1) * 11], &values(whole), 1e-5);
            text.push(token);
        }
        found = session.push(&[token; 4]).unwrap();
    }
}

#[test]
fn what_a_pad_holds_reaches_no_one() {
    let model = toy(1);
    let device = model.plain_device();
    let read = |pad: i64| {
        let ints = |v: [i64; 4]| Tensor::<2, Int>::from_data(TensorData::new(v.to_vec(), [1, 4]), &device);
        let stream =
            Stream { ids: ints([pad, pad, 3, 4]), rows: None, valid: Some(ints([0, 0, 1, 1]).equal_elem(1)), positions: ints([0, 0, 0, 1]), segments: None };
        values(model.logits(&Input::of(Stack::Decoder, stream), Call::default()).unwrap())
    };
    let (one, other) = (read(0), read(9));
    assert!(one.iter().all(|l| l.is_finite()), "a pad's own state is a number too");
    assert_eq!(one[22..], other[22..]);
    close(&one[22..], &logits(&model, &[3, 4]), 1e-6);
}

#[test]
fn a_part_made_without_gradients_trains_in_a_model_that_trains() {
    let mut model = toy(1);
    let plain = Tensor::<2>::zeros([2, 8], &Device::flex());
    let before = entries(&Linear::new(plain.clone(), None), "")[0].trains;
    #[derive(Module, Debug)]
    struct Idle {
        linear: Linear,
    }
    impl Part for Idle {}
    model.attach("idle", vec![], Idle { linear: Linear::new(plain, None) }).unwrap();
    train_only(&mut model, &["parts.*"]);
    let training: Vec<String> = policy::tensor_names(&model).into_iter().filter(|e| e.trains).map(|e| e.name).collect();
    assert_eq!((before, training), (false, vec!["parts.idle.linear.weight".to_owned()]));
    assert!(model.net.parts.list()[0].part.downcast_ref::<Idle>().is_some());
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = toy(1);
    assert!(Session::open(&model, &[&[1], &[]]).is_err());
    assert!(Session::open(&model, &[&[1; 33]]).is_err());
    assert!(Session::open(&model, &[&[1]]).unwrap().0.push(&[1, 2]).is_err());
    assert!(score::log_probabilities(&model, &[vec![1; 33]], 100).is_err());
    let error = score::log_probabilities(&model, &[vec![1, 11]], 100).unwrap_err();
    assert!(error.to_string().contains("vocabulary of 11, found 11"), "{error}");
    assert!(Session::open(&model, &[&[12]]).is_err());
    let (others, batch) = (BTreeMap::new(), batch(&[&[1, 99]]));
    assert!(Step::new(&model, &others, &batch, Draws::new(0)).run("text", &Run::default()).is_err());
    assert!(model.clone().weights().get::<1>("lm_head.weight").is_err(), "another rank");
    let error = model.clone().weights().get::<2>("lm_haed.weight").unwrap_err();
    assert!(error.to_string().contains("did you mean lm_head.weight?"), "{error}");
}

#[test]
fn a_model_where_nothing_trains_has_no_way_back() {
    let mut model = toy(1);
    policy::apply(&mut model, &BTreeMap::new());
    let (others, batch) = (BTreeMap::new(), batch(&[&[1, 2, 3]]));
    let out = Step::new(&model, &others, &batch, Draws::new(0)).run("text", &Run::default()).unwrap();
    let error = recompute::backward(cross_entropy(&model, &out, false), vec![], &model.net).unwrap_err();
    assert!(error.to_string().contains("something that trains"), "{error}");
}

/// Counts its calls.
#[derive(Module, Debug)]
struct Listener {
    #[module(skip)]
    calls: Arc<AtomicUsize>,
}

impl Part for Listener {
    fn around(&self, _: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        inner(x, pass)
    }
}

#[test]
fn a_part_is_called_at_its_places_only_and_only_in_view() {
    let calls = Arc::new(AtomicUsize::new(0));
    let mut model = toy(1);
    let sites = [(0, Role::Query), (1, Role::Block)].map(|(l, r)| Site::new(Stack::Decoder, l, r));
    model.attach("ear", sites.to_vec(), Listener { calls: calls.clone() }).unwrap();
    let input = laid(&[&[1, 2, 3]]).input(Stack::Decoder, &model.plain_device());
    let listening = |view: View| {
        let mut pass = model.pass(Call { view, ..Call::default() });
        let listens = [sites[0], sites[1], Site::new(Stack::Decoder, 1, Role::Query)].map(|s| pass.listens(s));
        calls.store(0, Ordering::Relaxed);
        model.walk(&input, None, &mut pass).unwrap();
        (listens, calls.load(Ordering::Relaxed))
    };
    assert_eq!(listening(View::All), ([true, true, false], 2));
    assert_eq!(listening(View::Only(vec!["ear".into()])), ([true, true, false], 2));
    assert_eq!(listening(View::None), ([false; 3], 0));
    assert_eq!(listening(View::Only(vec!["eye".into()])), ([false; 3], 0));
    let tap = Site::new(Stack::Decoder, 1, Role::Query);
    assert!(toy(1).pass(Call::default()).reading(&[tap]).listens(tap));
}

#[test]
fn the_first_attached_is_the_innermost() {
    #[derive(Module, Debug)]
    struct Affine {
        times: f64,
        plus: f64,
    }
    impl Part for Affine {
        fn around(&self, _: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
            Ok(inner(x, pass)? * self.times + self.plus)
        }
    }
    let mut model = toy(1);
    let head = Site::new(Stack::Decoder, 0, Role::Head);
    let plain = logits(&model, ROWS[0]);
    model.attach("plus", vec![head], Affine { times: 1.0, plus: 1.0 }).unwrap();
    model.attach("times", vec![head], Affine { times: 3.0, plus: 0.0 }).unwrap();
    close(&logits(&model, ROWS[0]), &plain.iter().map(|y| (y + 1.0) * 3.0).collect::<Vec<_>>(), 1e-6);
    model.net.parts.detach("plus").unwrap();
    close(&logits(&model, ROWS[0]), &plain.iter().map(|y| y * 3.0).collect::<Vec<_>>(), 1e-6);
}

#[test]
fn an_inference_view_shares_values_and_a_view_without_parts_is_the_base() {
    let mut model = toy(1);
    Lora::on(&["v_proj"], 0.5).attach(&mut model, &mut Models::of(&[])).unwrap();
    // The two views run other kernels for broadcast products: the last bit may differ.
    close(&logits(&model.inference(), ROWS[0]), &logits(&model, ROWS[0]), 1e-6);
    assert_ne!(logits(&model, ROWS[0]), logits(&toy(1), ROWS[0]));
    let (others, batch) = (BTreeMap::new(), batch(&[ROWS[0]]));
    let mut step = Step::new(&model, &others, &batch, Draws::new(0));
    let base = step.run("text", &Run { view: View::None, ..Run::default() }).unwrap();
    assert_eq!(values(base.logits(&model, false).unwrap()), logits(&toy(1), ROWS[0]));
}
