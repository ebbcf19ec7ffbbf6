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
    fn plan(&self, inputs: &MergeInputs, _: &mut dyn Context) -> Result<MergePlan> {
        let [first, second] = inputs.models.as_slice() else { return refuse("models", "two", inputs.models.len(), "") };
        let (below, above) = (layers(first)?, layers(second)?);
        let mut plan = MergePlan { config: first.config.clone(), ..MergePlan::default() };
        plan.config.insert("num_hidden_layers".into(), (below + above).into());
        let planned = |name: String, shape: &[usize], reads| Planned { name, shape: shape.to_vec(), reads, ..Planned::default() };
        for (index, (input, by)) in [(first, 0), (second, below)].into_iter().enumerate() {
            for (name, shape) in &input.tensors {
                match raised(name, by) {
                    Some(new) => plan.outputs.push(planned(new, shape, vec![Read::of(index, name)])),
                    None if index == 0 => plan.outputs.push(planned(name.clone(), shape, vec![Read::of(0, name), Read::of(1, name)])),
                    None => {}
                }
            }
        }
        Ok(plan)
    }
    fn merge<'m>(&'m self, out: &'m Planned, slices: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        if out.reads.len() == 1 {
            return Ok(Merged::Copy(0));
        }
        let n = slices.len() as f32;
        Ok(Merged::elements(move |p| p.out.iter_mut().enumerate().for_each(|(i, out)| *out = p.inputs.iter().map(|x| x[i]).sum::<f32>() / n)))
    }
}

#[test]
fn the_result_walks_the_blocks_of_both() {
    let inputs = [toy(1), toy(2)];
    let tensors = inputs.each_ref().map(|m| saved_values(&m.net.backbone));
    let models: Vec<MergeInput> = (0..2)
        .map(|i| MergeInput {
            name: format!("m{i}"),
            config: inputs[i].spec().config.clone(),
            tensors: tensors[i].iter().map(|(n, (s, _))| (n.clone(), s.clone())).collect(),
            ..MergeInput::default()
        })
        .collect();
    let mut cx = Models::of(&[]);
    let plan = Stacked.plan(&MergeInputs { models, base: None, slices: vec![] }, &mut cx).unwrap();
    assert_eq!(plan.config["num_hidden_layers"], 4);
    let result: BTreeMap<String, (Vec<usize>, Vec<f32>)> = plan
        .outputs
        .iter()
        .map(|out| {
            let slices: Vec<Slice<'_>> = out.reads.iter().map(|r| Slice::of(&tensors[r.input][&r.name].1)).collect();
            let len = out.shape.iter().product();
            (out.name.clone(), (out.shape.clone(), Stacked.merge(out, &slices, &mut cx).unwrap().values(len, &slices)))
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
