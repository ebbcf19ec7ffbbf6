//! One optimiser step after another.

use crate::adamw::{AdamW, Hyper};
use crate::feed::{Feed, split};
use crate::schedule::{Shape, factor};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, ModuleVisitor, Param};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Batch, Context, Coupling, Draws, Dyn, Entry, Error, Model, Net, Objective, Result, Step, Tensors, Term, Update, entries, policy, recompute, refuse, values,
};

/// How a stage trains.
#[derive(Clone, Debug)]
pub struct Options {
    /// Steps in all.
    pub steps: usize,
    /// Micro-batches of a step.
    pub accumulate: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Course of the learning rate.
    pub schedule: Shape,
    /// Steps of warm-up.
    pub warmup_steps: usize,
    /// Weight decay.
    pub weight_decay: f64,
    /// AdamW's betas.
    pub betas: (f64, f64),
    /// AdamW's epsilon.
    pub epsilon: f64,
    /// Largest gradient norm; 0 for none.
    pub max_grad_norm: f64,
    /// Run blocks without a graph and again on the way back.
    pub recompute: bool,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// From 1.
    pub step: usize,
    /// Tokens of this step, padding not counted.
    pub tokens: usize,
    /// Mean of each loss term.
    pub loss: BTreeMap<String, f64>,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Gradient norm before clipping.
    pub grad_norm: f64,
}

/// Everything that trains.
#[derive(Module, Debug)]
pub struct Trained {
    /// The model's parameters.
    pub net: Net,
    /// The objectives' parameters.
    pub objectives: Vec<Dyn<dyn Objective>>,
}

/// A stage at work.
pub struct Trainer<'s> {
    /// The model; its parts and rows change in place.
    pub model: Model,
    pub(crate) objectives: Vec<Dyn<dyn Objective>>,
    pub(crate) feeds: Vec<Feed<'s>>,
    others: BTreeMap<String, Model>,
    options: Options,
    optimizer: AdamW,
    draws: Draws,
    pub(crate) step: usize,
}

impl<'s> Trainer<'s> {
    /// A trainer with one feed per objective. Gradients are switched on where the model's policies say so.
    ///
    /// # Errors
    /// Nothing trains, or an objective cannot be split the way the options ask.
    pub fn new(mut model: Model, objectives: Vec<Dyn<dyn Objective>>, feeds: Vec<Feed<'s>>, options: Options, draws: Draws) -> Result<Self> {
        if options.accumulate > 1 && objectives.iter().any(|o| o.coupling() == Coupling::Batch) {
            return refuse("train.accumulate", "1", options.accumulate, "this objective couples the examples of a batch, which must stay whole");
        }
        let policies = model.policies.clone();
        policy::apply(&mut model, &policies);
        if !policy::tensor_names(&model).iter().any(|e| e.trains) {
            return refuse("weights", "at least one tensor that trains", "none", "add an adapter, or a rule with `train = true`");
        }
        Ok(Self { model, objectives, feeds, others: BTreeMap::new(), options, optimizer: AdamW::default(), draws, step: 0 })
    }

    /// Models that objectives may name.
    pub fn set_others(&mut self, others: BTreeMap<String, Model>) {
        self.others = others;
    }

    /// The optimiser's state, by name.
    pub fn optimizer_state(&self) -> Tensors {
        self.optimizer.save()
    }

    /// Puts a saved state of the optimiser back.
    ///
    /// # Errors
    /// It is of another optimiser.
    pub fn set_optimizer_state(&mut self, saved: &Tensors) -> Result<()> {
        let device = self.model.plain_device();
        self.optimizer.load(saved, &device)
    }

    /// One optimiser step.
    ///
    /// # Errors
    /// An objective refuses its batch, or a loss is not finite.
    pub fn step(&mut self, cx: &mut dyn Context) -> Result<StepReport> {
        self.step += 1;
        let mut collected = GradientsParams::new();
        let (mut tokens, mut loss) = (0, BTreeMap::new());
        for index in 0..self.objectives.len() {
            let batch = self.feeds[index].next_batch()?;
            for batch in self.objectives[index].prepare(batch, cx)? {
                tokens += batch.tokens();
                self.gradients(index, batch, &mut collected, &mut loss)?;
            }
        }
        let trained = Trained { net: self.model.net.clone(), objectives: self.objectives.clone() };
        let names = names(&self.model, &trained);
        let grad_norm = norm(&trained, &collected);
        let report = StepReport { step: self.step, tokens, loss, learning_rate: self.options.learning_rate * self.factor(), grad_norm };
        self.check(&report)?;
        let hyper = self.hyper(grad_norm);
        let trained = self.optimizer.step(trained, &names, &self.model.policies, collected, hyper);
        (self.model.net, self.objectives) = (trained.net, trained.objectives);
        for objective in &mut self.objectives {
            objective.after(&mut Update { model: &mut self.model, step: self.step, of: self.options.steps })?;
        }
        Ok(report)
    }

    fn gradients(&self, index: usize, batch: Batch, collected: &mut GradientsParams, loss: &mut BTreeMap<String, f64>) -> Result<()> {
        let objective = &self.objectives[index];
        let denominators = objective.denominators(&batch);
        let tokens = batch.loss_tokens();
        let whole = |term: &Term| denominators.get(&term.name).copied().unwrap_or(tokens);
        let mut seen: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let trained = Trained { net: self.model.net.clone(), objectives: self.objectives.clone() };
        for (micro, part) in split(batch, self.options.accumulate).into_iter().enumerate() {
            let draws = self.draws.stream("step").stream(&index.to_string()).step(self.step as u64).example(micro as u64);
            let mut step = Step::new(&self.model, &self.others, &part, draws);
            (step.step, step.of, step.recompute) = (self.step, self.options.steps, self.options.recompute);
            let terms = objective.loss(&mut step)?;
            for term in &terms {
                let sum = values(term.sum.clone()).first().copied().map_or(f64::NAN, f64::from);
                let entry = seen.entry(term.name.to_string()).or_default();
                *entry = (entry.0 + sum, entry.1 + term.over);
                *loss.entry(term.name.to_string()).or_default() += sum / whole(term);
            }
            let total = terms.iter().map(|t| t.sum.clone() * (t.weight / whole(t).max(f64::MIN_POSITIVE))).reduce(|a, b| a + b);
            let tapes = step.into_tapes();
            if let Some(total) = total {
                recompute::accumulate(recompute::backward(total, tapes, &trained)?, &trained, collected);
            }
        }
        self.check_denominators(&seen, &denominators, tokens)
    }

    /// The denominators were announced before the first gradient; what the terms then say must add up to them.
    fn check_denominators(&self, seen: &BTreeMap<String, (f64, f64)>, announced: &BTreeMap<tongues_kernel::Name, f64>, tokens: f64) -> Result<()> {
        for (name, (_, over)) in seen {
            let expected = announced.get(name.as_str()).copied().unwrap_or(tokens);
            if (over - expected).abs() > 1e-6 * expected.abs().max(1.0) {
                return refuse(
                    format!("loss term `{name}`"),
                    format!("a denominator of {expected} over the step"),
                    over,
                    "the objective's `denominators` must announce it",
                );
            }
        }
        Ok(())
    }

    fn check(&self, report: &StepReport) -> Result<()> {
        for (name, value) in &report.loss {
            if !value.is_finite() {
                return Err(Error::run(
                    format!("step {}, loss term `{name}`", report.step),
                    format!("the loss is {value}; lower the learning rate or add warm-up steps"),
                ));
            }
        }
        if report.grad_norm.is_finite() {
            return Ok(());
        }
        Err(Error::run(format!("step {}", report.step), format!("the gradient norm is {}; lower the learning rate or add warm-up steps", report.grad_norm)))
    }

    fn factor(&self) -> f64 {
        factor(self.options.schedule, self.step, self.options.warmup_steps, self.options.steps)
    }

    fn hyper(&self, grad_norm: f64) -> Hyper {
        let o = &self.options;
        let clip = o.max_grad_norm > 0.0 && grad_norm > o.max_grad_norm;
        // PyTorch's clip_grad_norm_ divides by the norm + 1e-6.
        let gradient_scale = if clip { o.max_grad_norm / (grad_norm + 1e-6) } else { 1.0 };
        let (beta1, beta2) = o.betas;
        Hyper { learning_rate: o.learning_rate, factor: self.factor(), weight_decay: o.weight_decay, beta1, beta2, epsilon: o.epsilon, gradient_scale }
    }
}

/// Names of everything that trains, as policies know them.
fn names(model: &Model, trained: &Trained) -> Vec<Entry> {
    let mut all = policy::tensor_names(model);
    for (i, objective) in trained.objectives.iter().enumerate() {
        all.extend(entries(objective, &format!("objectives.{i}")));
    }
    all
}

/// Euclidean norm of all gradients together, summed in the order of the parameters.
fn norm(module: &impl Module, grads: &GradientsParams) -> f64 {
    struct Squares<'g>(&'g GradientsParams, f64);
    impl ModuleVisitor for Squares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.get::<D>(param.id) {
                self.1 += values(gradient.square().sum()).first().copied().map_or(0.0, f64::from);
            }
        }
    }
    let mut squares = Squares(grads, 0.0);
    module.visit(&mut squares);
    squares.1.sqrt()
}
