//! Training.

use super::optimizers::{optimizers, told};
use super::policies::policies;
use super::steps::Steps;
use super::{Work, write};
use crate::journal::Journal;
use crate::pool::Examples;
use crate::surroundings::Surroundings;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::rc::Rc;
use tongues_kernel::policy::release;
use tongues_kernel::{Built, Dyn, Error, InMemory, Kind, Model, Objective, Result, Trains, build, refuse};
use tongues_recipe::ast::{Budget, ObjectiveUse, Schedule, Train};
use tongues_train::{Feed, Layout, Options, Rows, Shape, Size, Trainer, Uniform};

/// Trains, saves, and hands the model to later stages.
pub fn run(work: &Work<'_, '_>, journal: &Journal, train: &Train) -> Result<()> {
    let data = work.shop.records(&train.data)?;
    let mut model = prepared(work, train, &data)?;
    let backbone_trains = model.policies.iter().any(|(name, p)| !name.starts_with("parts.") && p.trains != Trains::Nothing);
    let objectives = objectives(work, train)?;
    let feeds = feeds(work, train, &model, &objectives)?;
    let first = feeds[0].first_pass();
    let (steps, epochs) = steps(&train.budget, first)?;
    let seen: usize = (first.tokens as f64 * epochs) as usize;
    let padding = 100.0 * (1.0 - first.tokens as f64 / first.cells.max(1) as f64);
    work.progress.say(&format!(
        "{}: {} records, {steps} steps ({epochs:.1} passes, about {seen} tokens, {padding:.1} % padding), {}",
        work.stage.name,
        data.records.len(),
        trained(&model)
    ));
    let draws = work.shop.draws.stream("train").stream(&work.stage.name);
    let mut trainer = Trainer::new(model, objectives, feeds, options(train, steps), draws)?;
    trainer.set_optimizers(optimizers(train, &work.stage.weights))?;
    told(&trainer.optimizer_counts()).iter().for_each(|text| work.progress.say(&format!("{}: {text}", work.stage.name)));
    let kept = Steps::begin(work, journal, train, &mut trainer)?.take(steps)?;
    model = kept.unwrap_or(trainer.model);
    model.lineage.steps.push(format!("stage {} on {}", work.stage.name, train.data));
    let grown = !model.new_rows.is_empty();
    release(&mut model);
    write::write(work, &mut model, backbone_trains || grown)?;
    work.shop.put_model(&work.stage.name, model);
    Ok(())
}

/// The model with the stage's adapters and policies.
fn prepared(work: &Work<'_, '_>, train: &Train, data: &Rc<InMemory>) -> Result<Model> {
    let mut model = work.shop.model(&train.model)?;
    let old_parts: BTreeSet<String> = model.net.parts.list().iter().map(|a| a.name.clone()).collect();
    for entry in &work.stage.adapters {
        let mut cx = Surroundings::new(work.shop, &format!("{} {}", work.stage.name, entry.plugin)).about(model.clone()).with_data(data.clone());
        let Built::Adapter(adapter) = build(Kind::Adapter, &entry.plugin, Json::Object(entry.options.clone()), &mut cx)? else {
            return Err(Error::run(&entry.plugin, "an adapter plugin built something else"));
        };
        adapter.attach(&mut model, &mut cx).map_err(|e| e.within(format!("adapter {}", entry.plugin)))?;
    }
    model.policies = policies(&model, &work.stage.weights, &old_parts, !work.stage.adapters.is_empty())?;
    if let Some(name) = tongues_io::hf::rounded(&model, |name| model.policies.get(name).is_some_and(|p| p.trains != Trains::Nothing)) {
        let remedy = "train adapters on it, or read the base model with dtype = \"auto\"";
        return refuse(format!("stage `{}`: {name}", work.stage.name), "weights that can train", "int8", remedy);
    }
    Ok(model)
}

fn trained(model: &Model) -> String {
    let entries = tongues_kernel::policy::tensor_names(model);
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let all: usize = entries.iter().map(|e| count(&e.shape)).sum();
    let part = |e: &tongues_kernel::Entry| match model.policies.get(&e.name).map(|p| &p.trains) {
        Some(Trains::Everything) => count(&e.shape),
        Some(Trains::Rows(rows)) => rows.len() * count(&e.shape[1..]),
        Some(Trains::Masked(mask)) => mask.iter().filter(|m| **m > 0.5).count(),
        _ => 0,
    };
    let some: usize = entries.iter().map(part).sum();
    format!("{some} of {all} parameters train ({:.2} %)", 100.0 * some as f64 / all as f64)
}

fn objectives(work: &Work<'_, '_>, train: &Train) -> Result<Vec<Dyn<dyn Objective>>> {
    let built = |entry: &ObjectiveUse| {
        let data = work.shop.records(entry.data.as_ref().unwrap_or(&train.data))?;
        let mut cx = Surroundings::new(work.shop, &format!("{} {}", work.stage.name, entry.plugin)).with_data(data);
        match build(Kind::Objective, &entry.plugin, Json::Object(entry.options.clone()), &mut cx)? {
            Built::Objective(objective) => Ok(Dyn(objective)),
            _ => Err(Error::run(&entry.plugin, "an objective plugin built something else")),
        }
    };
    work.stage.objectives.iter().map(built).collect()
}

fn feeds<'s>(work: &Work<'s, '_>, train: &Train, model: &Model, objectives: &[Dyn<dyn Objective>]) -> Result<Vec<Feed<'s>>> {
    let room = model.spec().max_positions;
    if room > 0 && train.sequence_length > room {
        return refuse("train.sequence_length", format!("at most {room}, the model's max_position_embeddings"), train.sequence_length, "lower it");
    }
    let draws = work.shop.draws.stream("train").stream(&work.stage.name);
    let tokenizer = model.tokenizer()?;
    let feed = |(entry, objective): (&ObjectiveUse, &Dyn<dyn Objective>)| {
        let data = entry.data.as_ref().unwrap_or(&train.data);
        let layout = layout(work, train, data, objective.may_pack())?;
        let column = train.batches.as_ref().and_then(|b| b.pure.clone().or_else(|| b.balanced.clone()));
        let format = entry.format_in(train).map(String::from);
        let source = Examples::new(work.shop, data, objective.clone(), tokenizer.clone(), train.sequence_length, draws, column);
        let source = source.with_format(work.stage.name.clone(), format);
        Feed::over(Rc::new(source), draws, layout)
    };
    work.stage.objectives.iter().zip(objectives).map(feed).collect()
}

fn layout(work: &Work<'_, '_>, train: &Train, data: &str, may_pack: bool) -> Result<Layout> {
    let packing = train.packing.unwrap_or(!train.group_by_length) && may_pack;
    let rows = match (packing, train.group_by_length) {
        (true, _) => Rows::Packed,
        (false, true) => Rows::Bucketed,
        (false, false) => Rows::Single,
    };
    let uniform = match &train.batches {
        Some(rule) if rule.pure.is_some() => Uniform::Pure,
        Some(_) => Uniform::Balanced,
        None => Uniform::Any,
    };
    let mixture = work.shop.mixture(data)?;
    Ok(Layout { batch_tokens: train.batch_tokens, row_tokens: train.sequence_length, rows, uniform, mixture })
}

/// Steps of a budget, and how many passes over the data they are.
fn steps(budget: &Budget, pass: Size) -> Result<(usize, f64)> {
    let per_epoch = pass.batches;
    let steps = match (budget.steps, budget.epochs, budget.tokens) {
        (Some(steps), None, None) => steps,
        (None, Some(epochs), None) => (epochs * per_epoch as f64).round() as usize,
        (None, None, Some(tokens)) => (tokens as f64 / (pass.tokens as f64 / per_epoch as f64)).round() as usize,
        _ => return refuse("train.budget", "exactly one of steps, epochs, tokens", "none or several", ""),
    };
    let steps = steps.max(1);
    Ok((steps, steps as f64 / per_epoch as f64))
}

fn options(train: &Train, steps: usize) -> Options {
    let schedule = match train.schedule {
        Schedule::Constant => Shape::Constant,
        Schedule::Linear => Shape::Linear,
        Schedule::Cosine => Shape::Cosine,
    };
    Options {
        steps,
        accumulate: train.accumulate,
        learning_rate: train.learning_rate,
        schedule,
        warmup_steps: train.warmup_steps,
        weight_decay: train.weight_decay,
        betas: (train.beta1, train.beta2),
        epsilon: train.epsilon,
        max_grad_norm: train.max_grad_norm,
        recompute: train.recompute,
    }
}
