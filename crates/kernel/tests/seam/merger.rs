//! A merge whose result is deeper than its inputs: the blocks of one model, then those of the other; the rest is averaged.

use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::{network, toy};
use std::collections::BTreeMap;
use std::sync::Arc;
use tongues_kernel::burn::module::Module;
use tongues_kernel::*;

struct Stacked;

fn layers(input: &MergeInput) -> Result<u64> {
    let found = input.config.get("num_hidden_layers").and_then(|n| n.as_u64());
    found.map_or_else(|| refuse(&input.name, "num_hidden_layers", "none", ""), Ok)
}

/// The name with its layer raised by `by`; `None` outside the layers.
fn raised(name: &str, by: u64) -> Option<String> {
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    Some(format!("model.layers.{}.{rest}", layer.parse::<u64>().ok()? + by))
}

impl Merger for Stacked {
    fn plan(&self, inputs: &[MergeInput], _: &mut dyn Context) -> Result<MergePlan> {
        let [first, second] = inputs else { return refuse("models", "two", inputs.len(), "") };
        let (below, above) = (layers(first)?, layers(second)?);
        let mut plan = MergePlan { config: first.config.clone(), ..MergePlan::default() };
        plan.config.insert("num_hidden_layers".into(), (below + above).into());
        for (index, (input, by)) in [(first, 0), (second, below)].into_iter().enumerate() {
            for (name, shape) in &input.tensors {
                match raised(name, by) {
                    Some(new) => plan.outputs.push(Planned { name: new, shape: shape.clone(), reads: vec![(index, name.clone())] }),
                    None if index == 0 => {
                        plan.outputs.push(Planned { name: name.clone(), shape: shape.clone(), reads: vec![(0, name.clone()), (1, name.clone())] })
                    }
                    None => {}
                }
            }
        }
        Ok(plan)
    }
    fn merge(&self, _: &Planned, slices: &[&[f32]], _: &mut dyn Context) -> Result<Vec<f32>> {
        let n = slices.len() as f32;
        Ok((0..slices[0].len()).map(|i| slices.iter().map(|s| s[i]).sum::<f32>() / n).collect())
    }
}

#[test]
fn the_result_walks_the_blocks_of_both() {
    let inputs = [toy(1), toy(2)];
    let tensors = inputs.each_ref().map(|m| saved_values(&m.net.backbone));
    let described: Vec<MergeInput> = (0..2)
        .map(|i| MergeInput {
            name: format!("m{i}"),
            config: inputs[i].spec().config.clone(),
            tensors: tensors[i].iter().map(|(n, (s, _))| (n.clone(), s.clone())).collect(),
        })
        .collect();
    let mut cx = Models::of(&[]);
    let plan = Stacked.plan(&described, &mut cx).unwrap();
    assert_eq!(plan.config["num_hidden_layers"], 4);
    let result: BTreeMap<String, (Vec<usize>, Vec<f32>)> = plan
        .outputs
        .iter()
        .map(|out| {
            let slices: Vec<&[f32]> = out.reads.iter().map(|(i, n)| tensors[*i][n].1.as_slice()).collect();
            (out.name.clone(), (out.shape.clone(), Stacked.merge(out, &slices, &mut cx).unwrap()))
        })
        .collect();
    assert_eq!(result["model.layers.3.mlp.up_proj.weight"], tensors[1]["model.layers.1.mlp.up_proj.weight"]);
    let (a, b) = (&tensors[0]["lm_head.weight"].1, &tensors[1]["lm_head.weight"].1);
    close(&result["lm_head.weight"].1, &a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<_>>(), 1e-6);

    let mut deeper = network(9, Stack::Decoder, 4);
    restore_values(&mut deeper, "", &result).unwrap();
    assert_eq!(Module::num_params(&deeper), result.values().map(|(_, v)| v.len()).sum::<usize>());
    let deeper = Model::new(Box::new(deeper), Arc::new(super::toy::Letters(serde_json::Value::Null)));
    let ids = [1, 5, 2, 8];
    let expected = reference::logits(&reference_values(&deeper.net.backbone), &ids, &Tweaks::default());
    close(&logits(&deeper, &ids), &expected.concat(), 2e-5);
    assert_eq!(saved_values(&deeper.net.backbone), result);

    let error = restore_values(&mut network(9, Stack::Decoder, 3), "", &result).unwrap_err();
    assert!(error.to_string().contains("model.layers.3."), "{error}");
}
