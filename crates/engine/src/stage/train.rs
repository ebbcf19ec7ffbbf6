//! Training.

use super::policies::policies;
use super::validate::Watch;
use super::{Work, write};
use crate::memory::anonymous_bytes;
use crate::surroundings::Surroundings;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::rc::Rc;
use std::time::Instant;
use tongues_kernel::{Built, Dyn, Error, ExampleContext, InMemory, Kind, Model, Objective, Result, Trains, build, refuse};
use tongues_recipe::ast::{Budget, PluginUse, Schedule, Train};
use tongues_report::MetricLine;
use tongues_train::{Feed, Options, Shape, StepReport, Trainer};

/// Trains, saves, and hands the model to later stages.
pub fn run(work: &Work<'_, '_>, train: &Train) -> Result<()> {
    let data = work.shop.records(&train.data)?;
    let mut model = prepared(work, train, &data)?;
    let backbone_trains = model.policies.iter().any(|(name, p)| !name.starts_with("parts.") && p.trains != Trains::Nothing);
    let objectives = objectives(work, &data)?;
    let feeds = feeds(work, train, &model, &objectives, &data)?;
    let (steps, epochs) = steps(&train.budget, &feeds[0])?;
    let seen: usize = (feeds[0].tokens_per_epoch() as f64 * epochs) as usize;
    work.progress.say(&format!(
        "{}: {} records, {steps} steps ({epochs:.1} passes, about {seen} tokens), {}",
        work.stage.name,
        data.records.len(),
        trained(&model)
    ));
    let draws = work.shop.draws.stream("train").stream(&work.stage.name);
    let mut trainer = Trainer::new(model, objectives, feeds, options(train, steps), draws)?;
    let kept = steps_taken(work, train, &mut trainer, steps)?;
    model = kept.unwrap_or(trainer.model);
    model.lineage.steps.push(format!("stage {} on {}", work.stage.name, train.data));
    let grown = !model.new_rows.is_empty();
    settle(&mut model);
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

fn objectives(work: &Work<'_, '_>, data: &Rc<InMemory>) -> Result<Vec<Dyn<dyn Objective>>> {
    let built = |entry: &PluginUse| {
        let mut cx = Surroundings::new(work.shop, &format!("{} {}", work.stage.name, entry.plugin)).with_data(data.clone());
        match build(Kind::Objective, &entry.plugin, Json::Object(entry.options.clone()), &mut cx)? {
            Built::Objective(objective) => Ok(Dyn(objective)),
            _ => Err(Error::run(&entry.plugin, "an objective plugin built something else")),
        }
    };
    work.stage.objectives.iter().map(built).collect()
}

fn feeds(work: &Work<'_, '_>, train: &Train, model: &Model, objectives: &[Dyn<dyn Objective>], data: &InMemory) -> Result<Vec<Feed>> {
    let room = model.spec().max_positions;
    if room > 0 && train.sequence_length > room {
        return refuse("train.sequence_length", format!("at most {room}, the model's max_position_embeddings"), train.sequence_length, "lower it");
    }
    let draws = work.shop.draws.stream("train").stream(&work.stage.name);
    let feed = |objective: &Dyn<dyn Objective>| {
        let tokenizer = model.tokenizer()?;
        let format = work.shop.format(train.format.as_deref(), tokenizer.as_ref())?;
        let cx = ExampleContext {
            tokenizer: tokenizer.as_ref(),
            max_length: train.sequence_length,
            draws,
            format: format.as_ref().map(|f| f as &dyn tongues_kernel::Format),
        };
        let mut examples = vec![];
        for record in &data.records {
            examples.extend(objective.examples(record, &cx)?);
        }
        if let Some(format) = &format {
            work.progress.say(&work.shop.note_cut(&format!("Stage {}", work.stage.name), format));
        }
        Feed::new(examples, draws, train.batch_tokens, train.sequence_length, train.packing && objective.may_pack())
    };
    objectives.iter().map(feed).collect()
}

/// Steps of a budget, and how many passes over the data they are.
fn steps(budget: &Budget, feed: &Feed) -> Result<(usize, f64)> {
    let per_epoch = feed.batches_per_epoch();
    let steps = match (budget.steps, budget.epochs, budget.tokens) {
        (Some(steps), None, None) => steps,
        (None, Some(epochs), None) => (epochs * per_epoch as f64).round() as usize,
        (None, None, Some(tokens)) => (tokens as f64 / (feed.tokens_per_epoch() as f64 / per_epoch as f64)).round() as usize,
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

/// All steps; returns the state to keep where it is not the last.
fn steps_taken(work: &Work<'_, '_>, train: &Train, trainer: &mut Trainer, steps: usize) -> Result<Option<Model>> {
    let mut log = open_log(work)?;
    let mut watch = train.validate.as_ref().map(Watch::new);
    let mut cx = Surroundings::new(work.shop, &work.stage.name);
    let mut tokens = 0;
    for step in 1..=steps {
        let start = Instant::now();
        let report = trainer.step(&mut cx)?;
        let seconds = start.elapsed().as_secs_f64();
        tokens += report.tokens;
        let due = watch.as_ref().is_some_and(|w| w.is_due(step, steps));
        let validation = match &mut watch {
            Some(watch) if due => Some(watch.look(work.shop, &trainer.model)?),
            _ => None,
        };
        work.progress.tick(step, steps, &summary(&report, seconds, validation.as_ref()));
        line(work, report, tokens, seconds, validation).append(&mut log).map_err(|e| Error::run("metrics.jsonl", e))?;
        if watch.as_ref().is_some_and(Watch::is_over) {
            work.shop.note(format!("Stage {} stopped at step {step} of {steps}: no better validation score.", work.stage.name));
            break;
        }
    }
    Ok(watch.and_then(Watch::keeps))
}

fn open_log(work: &Work<'_, '_>) -> Result<File> {
    let path = work.folder.path("metrics.jsonl");
    OpenOptions::new().create(true).append(true).open(&path).map_err(|e| crate::folder::cannot(&path, &e))
}

fn summary(report: &StepReport, seconds: f64, validation: Option<&BTreeMap<String, f64>>) -> String {
    let losses: Vec<String> = report.loss.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    let scores: Vec<String> = validation.into_iter().flatten().map(|(name, value)| format!("{name} {value:.4}")).collect();
    let text = format!("{} lr {:.1e} {:.0} tokens/s {}", losses.join(" "), report.learning_rate, report.tokens as f64 / seconds, scores.join(" "));
    text.trim_end().to_owned()
}

fn line(work: &Work<'_, '_>, report: StepReport, tokens: usize, seconds: f64, validation: Option<BTreeMap<String, f64>>) -> MetricLine {
    MetricLine {
        stage: work.stage.name.clone(),
        step: report.step as u64,
        tokens: tokens as u64,
        tokens_per_second: report.tokens as f64 / seconds,
        loss: report.loss,
        learning_rate: report.learning_rate,
        grad_norm: report.grad_norm,
        rss_anon_bytes: anonymous_bytes(),
        validation,
    }
}

/// A trained model is an ordinary one: no policies, no rows that are new.
fn settle(model: &mut Model) {
    let all = tongues_kernel::policy::tensor_names(model).into_iter().map(|e| (e.name, tongues_kernel::Policy::free())).collect();
    tongues_kernel::policy::apply(model, &all);
    model.policies.clear();
    model.new_rows.clear();
}
