//! Adapters of one base combined into one: a merge in the space of their tensors.

use super::{Work, write};
use crate::surroundings::Surroundings;
use std::collections::BTreeMap;
use std::sync::Arc;
use tongues_kernel::{Error, MergeInput, MergeInputs, Merger, Model, OnDisk, Result, Slice, part_format, refuse};
use tongues_recipe::ast::Merge;

/// Combines, writes the adapter beside its base, and hands the model to later stages.
pub fn run(work: &Work<'_, '_>, merge: &Merge, mut merger: Box<dyn Merger>) -> Result<()> {
    if !merge.slices.is_empty() || merge.base_model.is_some() || merge.tokenizer_source.is_some() || merge.tokenizer.is_some() {
        let at = format!("merge: {}", merge.plugin);
        return refuse(at, "`models` alone: adapters have no layers and no tokenizer", "`slices`, `base_model` or `tokenizer`", "take them out");
    }
    let (models, disks) = read(work, merge)?;
    let header = |(model, disk): (&tongues_recipe::ast::MergeModel, &OnDisk)| MergeInput {
        name: model.name().into(),
        config: disk.config.clone(),
        tensors: disk.tensors.iter().map(|(name, (shape, _))| (name.clone(), shape.clone())).collect(),
        settings: Arc::new(model.settings()),
        ..MergeInput::default()
    };
    let inputs = MergeInputs { models: merge.models.iter().zip(&disks).map(header).collect(), base: None, slices: vec![] };
    crate::merging::check_settings(merge, merger.as_ref(), &inputs)?;
    let mut cx = Surroundings::new(work.shop, &work.stage.name);
    let combined = combined(merger.as_mut(), &inputs, &disks, &mut cx)?;
    let mut model = models[0].without_parts();
    let kind = combined.kind().ok_or_else(|| Error::run(&merge.plugin, "the merger made no adapter that a plugin reads"))?;
    (part_format(&kind)?.load)(&combined, &work.stage.name, &mut model)?;
    let names: Vec<&str> = merge.models.iter().map(tongues_recipe::ast::MergeModel::name).collect();
    model.lineage.steps.push(format!("stage {}: {} of {}", work.stage.name, merge.plugin, names.join(", ")));
    write::write(work, &mut model, false)?;
    work.shop.put_model(&work.stage.name, model);
    Ok(())
}

/// The models with the one adapter of each; all of one base.
fn read(work: &Work<'_, '_>, merge: &Merge) -> Result<(Vec<Model>, Vec<OnDisk>)> {
    let (mut models, mut disks): (Vec<Model>, Vec<OnDisk>) = (vec![], vec![]);
    for entry in &merge.models {
        let model = work.shop.model(entry.name())?;
        let [part] = model.net.parts.list() else {
            let found = format!("{} of them", model.net.parts.list().len());
            return refuse(format!("merge: model `{}`", entry.name()), "a base with one adapter", found, "name one adapter a model: adapters = [\"folder\"]");
        };
        if let Some(first) = models.first().filter(|first| first.lineage.base != model.lineage.base) {
            let told = |model: &Model| model.lineage.base.clone().unwrap_or_else(|| "a model without a folder".into());
            let at = format!("merge: models `{}` and `{}`", merge.models[0].name(), entry.name());
            return refuse(
                at,
                "adapters of one base",
                format!("{} and {}", told(first), told(&model)),
                "combine adapters that were trained on the same checkpoint",
            );
        }
        disks.push(part.part.save()?);
        models.push(model);
    }
    Ok((models, disks))
}

fn combined(merger: &mut dyn Merger, inputs: &MergeInputs, disks: &[OnDisk], cx: &mut Surroundings<'_, '_>) -> Result<OnDisk> {
    let plan = merger.plan(inputs, cx)?;
    let held = |input: usize, name: &String| {
        disks.get(input).and_then(|d| d.tensors.get(name)).ok_or_else(|| Error::run(name, "the merger's plan reads a tensor that is not there"))
    };
    let mut tensors = BTreeMap::new();
    for out in &plan.outputs {
        let slices = out.reads.iter().map(|r| held(r.input, &r.name).map(|(_, values)| Slice::of(values))).collect::<Result<Vec<_>>>()?;
        let values = merger.merge(out, &slices, cx)?.values(out.shape.iter().product(), &slices);
        if let Some(x) = values.iter().find(|x| !x.is_finite()) {
            return refuse(format!("tensor {}", out.name), "a finite result", x, "an adapter is damaged, or weights are too large");
        }
        tensors.insert(out.name.clone(), (out.shape.clone(), values));
    }
    Ok(OnDisk { config: plan.config, tensors })
}
