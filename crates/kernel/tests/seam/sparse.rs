//! Sparse fine-tuning: a policy says which entries train; an update that keeps to it changes exactly those.

use super::tools::*;
use super::toy::{WIDTH, toy};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::{ModuleMapper, Param, ParamId};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::policy::{self, Policy, Trains};
use tongues_kernel::*;

/// Gradient descent that keeps to the policies.
struct Descent<'g> {
    grads: &'g GradientsParams,
    policies: BTreeMap<ParamId, Policy>,
}

impl ModuleMapper for Descent<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (Some(gradient), Some(policy)) = (self.grads.get::<D>(param.id), self.policies.get(&param.id)) else { return param };
        let old = param.val().without_autodiff();
        let n = old.dims().iter().product::<usize>();
        let mask = match &policy.trains {
            Trains::Nothing => vec![0.0; n],
            Trains::Everything => vec![1.0; n],
            Trains::Masked(mask) => mask.clone(),
            Trains::Rows(rows) => (0..n).map(|i| f32::from(rows.contains(&(i / (n / old.dims()[0]))))).collect(),
        };
        let mask = Tensor::from_data(TensorData::new(mask, old.dims()), &old.device());
        put(param, old - gradient * mask)
    }
}

#[test]
fn exactly_the_masked_entries_and_rows_change() {
    let mut model = toy(2);
    let (matrix, table) = ("model.layers.1.mlp.up_proj.weight", "model.embed_tokens.weight");
    let mask: Vec<f32> = (0..12 * WIDTH).map(|i| f32::from(i % 7 == 3)).collect();
    model.policies.insert(matrix.into(), Policy { trains: Trains::Masked(mask.clone()), ..Policy::free() });
    model.policies.insert(table.into(), Policy { trains: Trains::Rows(2..4), ..Policy::free() });
    let policies = model.policies.clone();
    policy::apply(&mut model, &policies);
    let training: Vec<String> = policy::tensor_names(&model).into_iter().filter(|e| e.trains).map(|e| e.name).collect();
    assert_eq!(training, [table, matrix]);

    let before = saved_values(&model.net.backbone);
    let (others, batch) = (BTreeMap::new(), batch(&[&[1, 2, 3, 4, 5], &[3, 2]]));
    let out = Step::new(&model, &others, &batch, Draws::new(0)).run("text", &Run::default()).unwrap();
    let grads = recompute::backward(cross_entropy(&model, &out, false), vec![], &model.net).unwrap();
    let by_id = policy::tensor_names(&model).into_iter().filter_map(|e| Some((e.id, policies.get(&e.name)?.clone()))).collect();
    model.map_net(&mut Descent { grads: &grads, policies: by_id });

    for (name, (_, new)) in saved_values(&model.net.backbone) {
        let changed: Vec<usize> = before[&name].1.iter().zip(&new).enumerate().filter(|(_, (a, b))| a.to_bits() != b.to_bits()).map(|(i, _)| i).collect();
        let expected: Vec<usize> = match name.as_str() {
            n if n == matrix => (0..mask.len()).filter(|i| i % 7 == 3).collect(),
            n if n == table => (2 * WIDTH..4 * WIDTH).collect(),
            _ => vec![],
        };
        assert_eq!(changed, expected, "{name}");
    }
    // What trained still trains afterwards, under the same identity.
    let after: Vec<String> = policy::tensor_names(&model).into_iter().filter(|e| e.trains).map(|e| e.name).collect();
    assert_eq!(after, training);
}
