//! Low-rank adaptation on the activation side (Hu et al. 2021): `y + scale · B A x` beside chosen projections.

use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::toy;
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::policy::{self, Selection};
use tongues_kernel::*;

#[derive(Module, Debug)]
pub struct LowRank {
    pub a: Param<Tensor<2>>,
    pub b: Param<Tensor<2>>,
    scale: f64,
    #[module(skip)]
    weight: String,
}

pub struct Lora {
    pub r: usize,
    /// Standard deviation of B; 0 as in the paper.
    pub spread: f64,
    pub target_modules: Vec<String>,
}

impl Lora {
    pub fn on(modules: &[&str], spread: f64) -> Self {
        Self { r: 2, spread, target_modules: modules.iter().map(|m| (*m).to_owned()).collect() }
    }
}

impl Adapter for Lora {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let pattern = SitePattern { target_modules: self.target_modules.clone(), ..SitePattern::default() };
        for info in pattern.select(model.spec())? {
            let draws = cx.draws().stream(&info.path);
            let a = draws.stream("a").normal_tensor([self.r, info.width[0]], 0.5, &cx.device());
            let b = draws.stream("b").normal_tensor([info.width[1], self.r], self.spread, &cx.device());
            let part = LowRank { a: Param::from_tensor(a), b: Param::from_tensor(b), scale: 1.5, weight: format!("{}.weight", info.path) };
            model.attach(info.path, vec![info.site], part)?;
        }
        Ok(())
    }
}

impl Part for LowRank {
    fn around(&self, _: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = inner(x.clone(), pass)?;
        let low = x.matmul(self.a.val().transpose().unsqueeze()).matmul(self.b.val().transpose().unsqueeze());
        Ok(y + low * self.scale)
    }
    fn fold(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        weights.add(&self.weight, self.b.val().matmul(self.a.val()) * self.scale)?;
        Ok(Folded::Exact)
    }
}

const IDS: [u32; 5] = [3, 1, 4, 1, 5];

fn with_lora(modules: &[&str], spread: f64) -> Model {
    let mut model = toy(1);
    Lora::on(modules, spread).attach(&mut model, &mut Models::of(&[])).unwrap();
    model
}

#[test]
fn it_is_the_identity_while_b_is_zero() {
    assert_eq!(logits(&with_lora(&["all-linear"], 0.0), &IDS), logits(&toy(1), &IDS));
}

/// The reference's weights with `B A` added.
fn merged(model: &Model) -> reference::Values {
    let mut values = reference_values(&model.net.backbone);
    for attached in model.net.parts.list() {
        let part = reference_values(&attached.part);
        let delta = reference::product(&part["b"].1, &part["a"].1, 2);
        let weight = &mut values.get_mut(&format!("{}.weight", attached.name)).unwrap().1;
        weight.iter_mut().zip(delta).for_each(|(w, d)| *w += 1.5 * d);
    }
    values
}

#[test]
fn forward_and_fold_give_the_merged_weights_function() {
    let mut model = with_lora(&["q_proj", "v_proj", "down_proj", "lm_head"], 0.4);
    let expected: Vec<f64> = reference::logits(&merged(&model), &IDS, &Tweaks::default()).concat();
    close(&logits(&model, &IDS), &expected, 2e-5);
    let folded = model.fold().unwrap();
    assert_eq!(folded.len(), 7);
    assert!(folded.iter().all(|(_, f)| *f == Folded::Exact) && model.net.parts.is_empty());
    close(&logits(&model, &IDS), &expected, 2e-5);
}

#[test]
fn a_part_that_wraps_one_that_stays_is_not_folded_below_it() {
    #[derive(Module, Debug)]
    struct Doubled {
        by: f64,
    }
    impl Part for Doubled {
        fn around(&self, _: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
            Ok(inner(x, pass)? * self.by)
        }
    }
    let mut model = toy(1);
    let site = Site::new(Stack::Decoder, 0, Role::Query);
    model.attach("doubled", vec![site], Doubled { by: 2.0 }).unwrap();
    Lora::on(&["model.layers.0.self_attn.q_proj"], 0.4).attach(&mut model, &mut Models::of(&[])).unwrap();
    let before = logits(&model, &IDS);
    let folded = model.fold().unwrap();
    assert!(matches!(&folded[1].1, Folded::No(why) if why.contains("doubled")), "{folded:?}");
    assert_eq!(logits(&model, &IDS), before);
}

#[test]
fn only_parts_get_gradients_and_they_are_right() {
    let mut model = with_lora(&["q_proj"], 0.4);
    train_only(&mut model, &["parts.*"]);
    let (others, batch) = (BTreeMap::new(), batch(&[&IDS]));
    let mut step = Step::new(&model, &others, &batch, Draws::new(0));
    let out = step.run("text", &Run::default()).unwrap();
    let found = gradients_of(&model, cross_entropy(&model, &out, false));
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let part = |l: usize, w: &str| format!("parts.model.layers.{l}.self_attn.q_proj.{w}");
    assert_eq!(names, [part(0, "a"), part(0, "b"), part(1, "a"), part(1, "b")]);
    // dL/dB[3, 1] by moving row 3 of the merged weight along scale · A[1].
    let a = reference_values(&model.net.parts.list()[0].part)["a"].1.clone();
    let slope = reference::slope(|step| {
        let mut values = merged(&model);
        let weight = &mut values.get_mut("model.layers.0.self_attn.q_proj.weight").unwrap().1;
        (0..8).for_each(|i| weight[3 * 8 + i] += step * 1.5 * a[8 + i]);
        reference::loss(&values, &IDS, &Tweaks::default())
    });
    close(&[found[&part(0, "b")][3 * 2 + 1]], &[slope], 1e-4);
    assert!(slope.abs() > 1e-3, "a slope that shows something: {slope}");
}

#[test]
fn a_selection_without_match_names_the_nearest() {
    let error = Lora::on(&["q_porj"], 0.0).attach(&mut toy(1), &mut Models::of(&[])).unwrap_err();
    assert!(error.story().remedy.contains("\"q_proj\""), "{error}");
    let selection = Selection { pattern: Some("model.norm.wieght".into()), ..Selection::default() };
    let error = policy::select(&toy(1), &selection).unwrap_err();
    assert!(error.story().remedy.contains("model.norm.weight"), "{error}");
}

#[test]
fn a_name_is_taken_once() {
    let mut model = with_lora(&["q_proj"], 0.0);
    let error = Lora::on(&["q_proj"], 0.0).attach(&mut model, &mut Models::of(&[])).unwrap_err();
    assert!(error.to_string().contains("a name of its own"), "{error}");
}
