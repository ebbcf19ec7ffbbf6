//! Prefix tuning (Li and Liang 2021): learned keys and values before the others, at every attention.

use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::{HEADS, WIDTH, toy};
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::*;

#[derive(Module, Debug)]
pub struct Prefix {
    /// `[heads, prefix, head_dim]`.
    k: Param<Tensor<3>>,
    v: Param<Tensor<3>>,
}

impl Part for Prefix {
    fn attend(&self, _: At<'_>, mut a: Attention, inner: InnerAttend<'_>, pass: &mut Pass<'_>) -> Result<Tensor<4>> {
        let batch = a.k.dims()[0];
        let [heads, length, size] = self.k.val().dims();
        let rows = |x: Tensor<3>| x.unsqueeze::<4>().expand([batch, heads, length, size]);
        a.k = Tensor::cat(vec![rows(self.k.val()), a.k], 2);
        a.v = Tensor::cat(vec![rows(self.v.val()), a.v], 2);
        a.mask = a.mask.prepend_visible(length);
        a.new_keys = a.new_keys.start + length..a.new_keys.end + length;
        inner(a, pass)
    }
    fn starts_as_identity(&self) -> bool {
        false
    }
}

const LENGTH: usize = 3;

pub fn with_prefix(seed: u64) -> Model {
    let mut model = toy(seed);
    for layer in 0..2 {
        let draw = |what: &str| {
            Param::from_tensor(Draws::new(9).stream(what).example(layer).normal_tensor([HEADS, LENGTH, WIDTH / HEADS], 1.0, &Device::flex().autodiff()))
        };
        let site = Site::new(Stack::Decoder, layer as usize, Role::Attention);
        model.attach(format!("prefix.{layer}"), vec![site], Prefix { k: draw("k"), v: draw("v") }).unwrap();
    }
    model
}

/// The prefixes as the reference wants them: heads side by side.
pub fn tweaks(model: &Model) -> Tweaks {
    let size = WIDTH / HEADS;
    let side_by_side =
        |flat: &[f64]| (0..LENGTH).map(|t| (0..HEADS).flat_map(|h| flat[(h * LENGTH + t) * size..(h * LENGTH + t + 1) * size].to_vec()).collect()).collect();
    let of = |a: &Attached| {
        let values = reference_values(&a.part);
        (side_by_side(&values["k"].1), side_by_side(&values["v"].1))
    };
    Tweaks { prefix: model.net.parts.list().iter().map(of).collect(), ..Tweaks::default() }
}

const ROWS: [&[u32]; 3] = [&[1, 2, 3, 4, 5, 6], &[7, 8], &[9, 10, 0, 1]];

#[test]
fn it_is_attention_with_longer_keys_in_padded_rows_too() {
    let model = with_prefix(1);
    let (values, tweaks) = (reference_values(&model.net.backbone), tweaks(&model));
    for row in ROWS {
        close(&logits(&model, row), &reference::logits(&values, row, &tweaks).concat(), 2e-5);
    }
    let scores = score::log_probabilities(&model, &ROWS.map(<[u32]>::to_vec), 1000).unwrap();
    for (row, scores) in ROWS.iter().zip(scores) {
        close(&scores, &reference::log_probabilities(&values, row, &tweaks), 2e-5);
    }
}

#[test]
fn read_token_by_token_it_is_the_same() {
    let model = with_prefix(1);
    let (values, tweaks) = (reference_values(&model.net.backbone), tweaks(&model));
    let (mut session, mut found) = Session::open(&model, &ROWS).unwrap();
    let mut texts = ROWS.map(<[u32]>::to_vec);
    for next in [[2, 3, 4], [5, 0, 1], [8, 8, 8]] {
        let expected: Vec<f64> = texts.iter().flat_map(|t| reference::softmax(reference::logits(&values, t, &tweaks).last().unwrap())).map(f64::ln).collect();
        close(&tongues_kernel::values(found), &expected, 2e-5);
        found = session.push(&next).unwrap();
        texts.iter_mut().zip(next).for_each(|(t, n)| t.push(n));
    }
}
