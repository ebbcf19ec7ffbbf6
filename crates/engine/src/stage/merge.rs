//! Merging, tensor by tensor.

use super::{Work, write};
use crate::surroundings::Surroundings;
use serde_json::Value as Json;
use std::path::Path;
use tongues_io::hf;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Built, Error, Init, Kind, MergeInput, MergePlan, Merger, Model, Planned, Result, build, refuse, values};
use tongues_recipe::ast::Merge;

/// Merges, saves, and hands the model to later stages.
pub fn run(work: &Work<'_, '_>, merge: &Merge) -> Result<()> {
    let models = inputs(work, merge)?;
    let described: Vec<MergeInput> = merge.models.iter().zip(&models).map(|(name, model)| describe(name, model)).collect();
    let mut cx = Surroundings::new(work.shop, &work.stage.name);
    let Built::Merger(mut merger) = build(Kind::Merger, &merge.plugin, Json::Object(merge.options.clone()), &mut cx)? else {
        return Err(Error::run(&merge.plugin, "a merger plugin built something else"));
    };
    let plan = merger.plan(&described, &mut cx)?;
    for pass in 0..plan.surveys {
        for out in &plan.outputs {
            let slices = read(&models, out)?;
            merger.survey(pass, out, &slices.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        }
    }
    let mut model = merged(work, merger.as_ref(), &plan, &models, &mut cx)?;
    model.lineage.steps.push(format!("stage {}: {} of {}", work.stage.name, merge.plugin, merge.models.join(", ")));
    write::write(work, &mut model, true)?;
    work.shop.put_model(&work.stage.name, model);
    Ok(())
}

/// The inputs with their parts folded in: a merge is of weights.
fn inputs(work: &Work<'_, '_>, merge: &Merge) -> Result<Vec<Model>> {
    let folded = |name: &String| {
        let mut model = work.shop.model(name)?.inference();
        super::export::fold_all(&mut model, name)?;
        Ok(model)
    };
    merge.models.iter().map(folded).collect()
}

fn describe(name: &str, model: &Model) -> MergeInput {
    let tensors = tongues_kernel::entries(&model.net.backbone, "").into_iter().map(|e| (e.name, e.shape)).collect();
    MergeInput { name: name.into(), config: model.spec().config.clone(), tensors }
}

/// The values that one output reads.
fn read(models: &[Model], out: &Planned) -> Result<Vec<Vec<f32>>> {
    let one = |(input, name): &(usize, String)| {
        let mut model = models[*input].clone();
        let weights = model.weights();
        let shape = weights.entries().into_iter().find(|e| e.name == *name).map(|e| e.shape.len());
        match shape {
            Some(1) => Ok(values(weights.get::<1>(name)?)),
            Some(2) => Ok(values(weights.get::<2>(name)?)),
            Some(3) => Ok(values(weights.get::<3>(name)?)),
            Some(4) => Ok(values(weights.get::<4>(name)?)),
            _ => refuse(format!("tensor {name}"), "a tensor of the input", "none", "the merger's plan names a tensor that is not there"),
        }
    };
    out.reads.iter().map(one).collect()
}

fn merged(work: &Work<'_, '_>, merger: &dyn Merger, plan: &MergePlan, models: &[Model], cx: &mut Surroundings<'_, '_>) -> Result<Model> {
    let family = hf::family(&plan.config, Path::new("the merged configuration"), cx)?;
    let mut backbone = family.build(&Init { device: work.shop.device.clone(), draws: None })?;
    backbone.spec_mut().config = plan.config.clone();
    let mut model = Model::new(backbone, models[plan.tokenizer].tokenizer()?.clone());
    for (i, out) in plan.outputs.iter().enumerate() {
        work.pause()?;
        work.progress.tick(i, plan.outputs.len(), &out.name);
        let slices = read(models, out)?;
        let slices: Vec<&[f32]> = slices.iter().map(Vec::as_slice).collect();
        let values = merger.merge(out, &slices, cx)?;
        put(&mut model, out, values)?;
    }
    work.progress.tick(plan.outputs.len(), plan.outputs.len(), "done");
    Ok(model)
}

fn put(model: &mut Model, out: &Planned, values: Vec<f32>) -> Result<()> {
    let device = model.plain_device();
    let data = TensorData::new(values, out.shape.clone());
    let mut weights = model.weights();
    match out.shape.len() {
        1 => weights.set(&out.name, Tensor::<1>::from_data(data, &device)),
        2 => weights.set(&out.name, Tensor::<2>::from_data(data, &device)),
        3 => weights.set(&out.name, Tensor::<3>::from_data(data, &device)),
        4 => weights.set(&out.name, Tensor::<4>::from_data(data, &device)),
        rank => refuse(&out.name, "a tensor of rank 1 to 4", rank, ""),
    }
}
