//! Offsets on chosen heads (LoFiT, Yin et al. 2024): vectors added to head outputs before the output projection.

use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::{HEADS, WIDTH, toy};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::*;

#[derive(Module, Debug)]
struct Offset {
    /// `[head_dim]`.
    offset: Param<Tensor<1>>,
    head: usize,
}

impl Part for Offset {
    fn around(&self, _: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = inner(x, pass)?;
        let [batch, time, width] = y.dims();
        let size = width / HEADS;
        let here = self.head * size..(self.head + 1) * size;
        let moved = y.clone().slice([0..batch, 0..time, here.clone()]) + self.offset.val().reshape([1, 1, size]);
        Ok(y.slice_assign([0..batch, 0..time, here], moved))
    }
}

#[test]
fn only_the_chosen_head_moves() {
    let size = WIDTH / HEADS;
    let mut model = toy(3);
    let offset = Draws::new(4).normal_tensor([size], 1.0, &Device::flex().autodiff());
    model.attach("lofit.1.1", vec![Site::new(Stack::Decoder, 1, Role::Heads)], Offset { offset: Param::from_tensor(offset), head: 1 }).unwrap();
    train_only(&mut model, &["parts.*"]);
    let ids = [5, 9, 2, 6];
    let values = reference_values(&model.net.backbone);
    let moved = |change: f64| {
        let mut offset = vec![0.0; WIDTH];
        offset[size..].copy_from_slice(&reference_values(&model.net.parts.list()[0].part)["offset"].1);
        offset[size] += change;
        Tweaks { offsets: vec![vec![0.0; WIDTH], offset], ..Tweaks::default() }
    };
    close(&logits(&model, &ids), &reference::logits(&values, &ids, &moved(0.0)).concat(), 2e-5);
    let (others, batch) = (BTreeMap::new(), batch(&[&ids]));
    let out = Step::new(&model, &others, &batch, Draws::new(0)).run("text", &Run::default()).unwrap();
    let found = gradients_of(&model, cross_entropy(&model, &out, false));
    assert_eq!(found.len(), 1);
    close(&found["parts.lofit.1.1.offset"][..1], &[reference::slope(|step| reference::loss(&values, &ids, &moved(step)))], 1e-4);
}
