//! A joint projection of embeddings (as in learned embedding propagation): all rows are recomputed from small codes through
//! one learned matrix while it trains, and written into the embedding matrix at the end.

use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::{VOCABULARY, WIDTH, toy};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::*;

struct Lep {
    code: usize,
}

#[derive(Module, Debug)]
struct Projected {
    /// `[vocabulary, code]`; does not train.
    codes: Param<Tensor<2>>,
    /// `[width, code]`.
    projection: Linear,
    #[module(skip)]
    weight: String,
}

impl Adapter for Lep {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let spec = model.spec();
        let Some(weight) = spec.weight_of(Role::Embeddings) else { return refuse("model", "an embedding matrix", "none", "") };
        let (site, width) = (Site::new(spec.main(), 0, Role::Embeddings), spec.hidden);
        let codes = model.weights().get::<2>(&weight)?.without_autodiff().narrow(1, 0, self.code);
        let projection = cx.draws().normal_tensor([width, self.code], 0.5, &cx.device());
        let codes = Param::from_tensor(codes).set_require_grad(false);
        model.attach("lep", vec![site], Projected { codes, projection: Linear::new(projection, None), weight })
    }
}

impl Part for Projected {
    fn around(&self, at: At<'_>, _: Tensor<3>, _: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let ids = pass.ids(at.site.stack)?;
        let [batch, time] = ids.dims();
        let codes = self.codes.val().select(0, ids.reshape([batch * time]));
        Ok(self.projection.rows(codes).reshape([batch as i64, time as i64, -1]))
    }
    fn fold(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        weights.set(&self.weight, self.projection.rows(self.codes.val()))?;
        Ok(Folded::Exact)
    }
    fn starts_as_identity(&self) -> bool {
        false
    }
}

const IDS: [u32; 6] = [3, 1, 4, 1, 5, 9];
const CODE: usize = 3;

#[test]
fn forward_gradient_and_fold_are_those_of_the_product() {
    let mut model = toy(1);
    Lep { code: CODE }.attach(&mut model, &mut Models::of(&[])).unwrap();
    train_only(&mut model, &["parts.lep.projection.*"]);
    let part = reference_values(&model.net.parts.list()[0].part);
    let base = reference_values(&model.net.backbone);
    let table = |at: usize, step: f64| {
        let (codes, mut projection) = (&part["codes"].1, part["projection.weight"].1.clone());
        projection[at] += step;
        let row = |code: &[f64]| projection.chunks(CODE).map(|p| p.iter().zip(code).map(|(a, b)| a * b).sum::<f64>()).collect::<Vec<_>>();
        let rows: Vec<f64> = codes.chunks(CODE).flat_map(row).collect();
        let mut values = base.clone();
        values.insert("model.embed_tokens.weight".into(), (vec![VOCABULARY, WIDTH], rows));
        values
    };
    let expected = reference::logits(&table(0, 0.0), &IDS, &Tweaks::default()).concat();
    close(&logits(&model, &IDS), &expected, 2e-5);

    let (others, batch) = (BTreeMap::new(), batch(&[&IDS]));
    let out = Step::new(&model, &others, &batch, Draws::new(0)).run("text", &Run::default()).unwrap();
    let found = gradients_of(&model, cross_entropy(&model, &out, false));
    assert_eq!(found.len(), 1);
    for at in [0, 7, 20] {
        let slope = reference::slope(|step| reference::loss(&table(at, step), &IDS, &Tweaks::default()));
        close(&[found["parts.lep.projection.weight"][at]], &[slope], 2e-4);
    }

    assert_eq!(model.fold().unwrap(), [("lep".into(), Folded::Exact)]);
    close(&logits(&model, &IDS), &expected, 2e-5);
    close(&values(model.weights().get::<2>("model.embed_tokens.weight").unwrap()), &table(0, 0.0)["model.embed_tokens.weight"].1, 1e-5);
}
