//! What training minimises.

use crate::erased::ErasedModule;
use crate::recompute::{self, Tape};
use crate::{
    Batch, Call, Context, Draws, Error, Example, Format, Hidden, Laid, Model, Name, Notes, Record, Result, Sequence, Site, Stack, Tokenizer, View,
    language_number,
};
use burn::prelude::*;
use burn::tensor::Int;
use std::collections::BTreeMap;

/// A summed loss with its denominator; never a mean, so that micro-batches add up.
#[derive(Clone, Debug)]
pub struct Term {
    /// What it is, for the log.
    pub name: Name,
    /// The sum `[1]`.
    pub sum: Tensor<1>,
    /// What it is divided by: tokens, examples, …
    pub over: f64,
    /// Its weight among the terms.
    pub weight: f64,
}

/// What a loss couples, and so how far a step may be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coupling {
    /// Sums over tokens: any split gives the same gradient.
    Token,
    /// Sums over examples: splits between examples give the same gradient.
    Example,
    /// In-batch negatives and the like: the batch must stay whole.
    Batch,
    /// Only parameters.
    Parameters,
}

/// What an objective may use while it makes examples.
pub struct ExampleContext<'c> {
    /// The model's tokenizer.
    pub tokenizer: &'c dyn Tokenizer,
    /// Longest row in tokens.
    pub max_length: usize,
    /// Draws of this epoch; move them to the example.
    pub draws: Draws,
    /// How records become text, where the stage says it.
    pub format: Option<&'c dyn Format>,
}

/// An objective. May have parameters, buffers and state; all of it is a module and so resumed.
pub trait Objective: ErasedModule + CloneObjective {
    /// A record as examples.
    ///
    /// # Errors
    /// The record lacks a field.
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>>;

    /// Whether `examples` draws random numbers: the examples are then made anew for every pass over the data.
    fn redraws(&self) -> bool {
        false
    }

    /// Without gradient, before the loss: noise, rollouts, several passes over one batch.
    ///
    /// # Errors
    /// What it asks of its surroundings fails.
    fn prepare(&mut self, batch: Batch, cx: &mut dyn Context) -> Result<Vec<Batch>> {
        let _ = cx;
        Ok(vec![batch])
    }

    /// The denominators of this batch's terms by name; a term without entry is over the tokens that carry loss.
    /// They are summed over a whole optimiser step before any gradient is taken.
    fn denominators(&self, batch: &Batch) -> BTreeMap<Name, f64> {
        let _ = batch;
        BTreeMap::new()
    }

    /// The terms of this batch.
    ///
    /// # Errors
    /// The batch or the model does not fit.
    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>>;

    /// How far a step may be split.
    fn coupling(&self) -> Coupling {
        Coupling::Token
    }

    /// Examples may be joined into full rows.
    fn may_pack(&self) -> bool {
        false
    }

    /// After an update: moving averages, clamps.
    ///
    /// # Errors
    /// What it changes does not fit.
    fn after(&mut self, update: &mut Update<'_>) -> Result<()> {
        let _ = update;
        Ok(())
    }
}
crate::erased_module!(Objective, CloneObjective);

/// What an objective may look at and change after an update.
pub struct Update<'u> {
    /// The model after the step.
    pub model: &'u mut Model,
    /// The step that was taken, from 1.
    pub step: usize,
    /// Steps in all, where known.
    pub of: usize,
}

/// How a sequence is run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Places to read.
    pub reading: Vec<Site>,
    /// Stop after so many blocks.
    pub depth: Option<usize>,
    /// Parts in view.
    pub view: View,
}

/// What a run gave.
pub struct Output {
    /// The residual stream after the last walked block.
    pub hidden: Hidden,
    /// What each place predicts `[batch, time]`.
    pub labels: Tensor<2, Int>,
    /// With which weight `[batch, time]`.
    pub weights: Tensor<2>,
    /// States read, states emitted, losses of parts.
    pub notes: Notes,
    /// How the run was called; the read-out is called the same way.
    pub call: Call,
}

impl Output {
    /// Logits of the run's last state `[batch, time, vocabulary]`, through the same parts, columns and draws as the run.
    /// With `still` the final norm, the head and parts on them get no gradient.
    ///
    /// # Errors
    /// Whatever a part refuses.
    pub fn logits(&self, model: &Model, still: bool) -> Result<Tensor<3>> {
        model.read_out_with(self.hidden.x.clone(), still, &mut model.pass(self.call.clone()))
    }
}

/// One loss computation.
pub struct Step<'s> {
    /// The model that trains.
    pub model: &'s Model,
    /// Other models the objective named.
    pub others: &'s BTreeMap<String, Model>,
    /// The examples.
    pub batch: &'s Batch,
    /// Where random numbers are drawn.
    pub draws: Draws,
    /// The step, from 1.
    pub step: usize,
    /// Steps in all.
    pub of: usize,
    /// Run blocks without a graph and again on the way back.
    pub recompute: bool,
    /// Parts behave as in training (dropout).
    pub training: bool,
    tapes: Vec<Tape>,
    runs: u64,
}

impl<'s> Step<'s> {
    /// A step of training.
    pub fn new(model: &'s Model, others: &'s BTreeMap<String, Model>, batch: &'s Batch, draws: Draws) -> Self {
        Self { model, others, batch, draws, step: 1, of: 1, recompute: false, training: true, tapes: vec![], runs: 0 }
    }

    /// Lays the sequences of that name out and runs the model.
    ///
    /// # Errors
    /// An example lacks the sequence, or the input does not fit the model.
    pub fn run(&mut self, sequence: &str, how: &Run) -> Result<Output> {
        self.run_model(self.model, sequence, how)
    }

    /// The same with another model, without recomputation.
    ///
    /// # Errors
    /// An example lacks the sequence, or the input does not fit the model.
    pub fn run_model(&mut self, model: &Model, sequence: &str, how: &Run) -> Result<Output> {
        self.run_with(model, sequence, &[], how)
    }

    /// The same with further sequences for other stacks: what an encoder reads beside the main one.
    ///
    /// # Errors
    /// An example lacks a sequence, or the input does not fit the model.
    pub fn run_with(&mut self, model: &Model, sequence: &str, beside: &[(Stack, &str)], how: &Run) -> Result<Output> {
        let laid = self.lay(sequence)?;
        model.check_ids(self.batch.examples.iter().filter_map(|e| e.sequences.get(sequence)).flat_map(Sequence::ids))?;
        let device = model.plain_device();
        let mut input = laid.input(model.spec().main(), &device);
        for (stack, name) in beside {
            let other = self.lay(name)?.input(*stack, &device);
            input.streams.extend(other.streams);
            input.present.extend(other.present);
        }
        input.columns = self.columns(&device);
        let draws = self.draws.stream(&format!("run {}", self.runs));
        let call = Call { training: self.training, draws, view: how.view.clone(), columns: input.columns.clone() };
        self.runs += 1;
        let mut pass = model.pass(call.clone());
        let hidden = if self.recompute && std::ptr::eq(model, self.model) {
            let (hidden, tape) = recompute::walk(model, &input, how.depth, &mut pass, &how.reading)?;
            self.tapes.push(tape);
            hidden
        } else {
            pass.read_also(&how.reading);
            model.walk(&input, how.depth, &mut pass)?
        };
        let (labels, weights) = laid.labels(&hidden);
        Ok(Output { hidden, labels, weights, notes: pass.notes, call })
    }

    fn lay(&self, sequence: &str) -> Result<Laid> {
        Laid::new(self.batch.examples.iter().map(|e| e.sequence(sequence)).collect::<Result<Vec<_>>>()?)
    }

    /// Numbers of which every example has exactly one whole value are columns that parts may read; so is `language`, where some
    /// example has one.
    fn columns(&self, device: &Device) -> BTreeMap<Name, Tensor<1, Int>> {
        let examples = &self.batch.examples;
        let whole = |name: &Name| -> Option<Vec<i64>> { examples.iter().map(|e| one_whole(e.numbers.get(name)?)).collect() };
        let names = examples.first().into_iter().flat_map(|e| e.numbers.keys());
        let columns = names.filter_map(|name| Some((name.clone(), whole(name)?)));
        let mut columns: BTreeMap<Name, Vec<i64>> = columns.collect();
        if examples.iter().any(|e| e.language.is_some()) {
            let number = |e: &Example| e.language.as_deref().map_or(0, language_number);
            columns.entry("language".into()).or_insert_with(|| examples.iter().map(number).collect());
        }
        columns.into_iter().map(|(name, values)| (name, Tensor::from_data(TensorData::new(values, [examples.len()]), device))).collect()
    }

    /// A model the objective named.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn other(&self, name: &str) -> Result<&'s Model> {
        self.others
            .get(name)
            .ok_or_else(|| Error::input(format!("model `{name}`"), "a model of this objective", "none of that name", "name it in the objective's options"))
    }

    /// The tapes of the recomputed runs, for [`recompute::backward`].
    pub fn into_tapes(self) -> Vec<Tape> {
        self.tapes
    }
}

fn one_whole(values: &[f32]) -> Option<i64> {
    match values[..] {
        [one] if one.fract() == 0.0 => Some(one as i64),
        _ => None,
    }
}
