//! One optimiser step after another.

use crate::feed::{Feed, split};
use crate::guard::{self, Norms};
use crate::optim::{self, AdamW, Optimizers, Place, Rates, States, Stepped};
use crate::schedule::{Shape, factor};
use std::collections::{BTreeMap, BTreeSet};
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::{
    Batch, Context, Coupling, Draws, Dyn, Entry, Model, Net, Objective, Policy, Result, Role, Step, Tensors, Term, Trains, Update, entries, policy, recompute,
    refuse, values,
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
    /// The same by role of the tensors; `part` for those of adapters, `objective` for those of objectives.
    pub grad_norms: BTreeMap<String, f64>,
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
    optimizers: Optimizers,
    states: States,
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
        let (beta1, beta2) = options.betas;
        let optimizers = Optimizers::adamw(AdamW { beta1, beta2, epsilon: options.epsilon });
        Ok(Self { model, objectives, feeds, others: BTreeMap::new(), options, optimizers, states: States::new(), draws, step: 0 })
    }

    /// Other optimisers than AdamW with the options' betas.
    ///
    /// # Errors
    /// A policy names a group that is not among them.
    pub fn set_optimizers(&mut self, optimizers: Optimizers) -> Result<()> {
        let lost =
            |(name, policy): (&String, &Policy)| policy.group.as_ref().filter(|g| !optimizers.groups.contains_key(*g)).map(|g| (name.clone(), g.clone()));
        if let Some((name, group)) = self.model.policies.iter().find_map(lost) {
            return refuse(format!("policy of {name}"), "a group that has an optimiser", group, "name it among `Optimizers::groups`");
        }
        self.optimizers = optimizers;
        Ok(())
    }

    /// How many tensors each optimiser trains.
    pub fn optimizer_counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        self.places().iter().for_each(|p| *counts.entry(p.optimizer.method().name()).or_default() += 1);
        counts
    }

    /// What the optimisers keep, by tensor; bit for bit.
    pub fn optimizer_state(&self) -> Tensors {
        optim::save(&self.states)
    }

    /// Goes on from what [`Self::optimizer_state`] gave.
    ///
    /// # Errors
    /// The state is not one of these tensors and optimisers; nothing is changed then.
    pub fn set_optimizer_state(&mut self, saved: &Tensors) -> Result<()> {
        self.states = optim::load(saved, &self.places(), &self.model.plain_device())?;
        Ok(())
    }

    /// Models that objectives may name.
    pub fn set_others(&mut self, others: BTreeMap<String, Model>) {
        self.others = others;
    }

    /// One optimiser step. A step that fails before its update is applied changes neither parameters nor states and is not
    /// counted. Where an objective's `after` fails, the update stands and is counted.
    ///
    /// # Errors
    /// An objective refuses its batch, a loss, a gradient or a parameter is not finite, or an objective's `after` fails.
    pub fn step(&mut self, cx: &mut dyn Context) -> Result<StepReport> {
        let objectives = self.objectives.clone();
        self.step += 1;
        let report = self.advance(cx).inspect_err(|_| {
            self.step -= 1;
            self.objectives = objectives;
        })?;
        for objective in &mut self.objectives {
            objective.after(&mut Update { model: &mut self.model, step: self.step, of: self.options.steps })?;
        }
        Ok(report)
    }

    fn advance(&mut self, cx: &mut dyn Context) -> Result<StepReport> {
        let mut collected = GradientsParams::new();
        let (mut tokens, mut loss) = (0, BTreeMap::new());
        for index in 0..self.objectives.len() {
            let batch = self.feeds[index].next_batch()?;
            for batch in self.objectives[index].prepare(batch, cx)? {
                tokens += batch.tokens();
                self.gradients(index, batch, &mut collected, &mut loss)?;
            }
        }
        loss.iter().try_for_each(|(name, value)| guard::loss(self.step, name, *value))?;
        let norms = self.update(collected)?;
        let learning_rate = self.options.learning_rate * self.factor();
        Ok(StepReport { step: self.step, tokens, loss, learning_rate, grad_norm: norms.all, grad_norms: norms.groups })
    }

    /// Applies the gradients of a step.
    fn update(&mut self, collected: GradientsParams) -> Result<Norms> {
        let trained = Trained { net: self.model.net.clone(), objectives: self.objectives.clone() };
        let names = names(&self.model, &trained.objectives);
        let group = |name: &str| self.group(name);
        let norms = guard::norms(self.step, &trained, &names, group, &collected)?;
        let (rates, tables) = (self.rates(norms.all), self.tables());
        let how = Stepped { optimizers: &self.optimizers, names: &names, policies: &self.model.policies, tables: &tables, rates };
        // Finite gradients of ordinary size at an ordinary rate stay finite. Only where that is not so is the old state held
        // until the step is over; holding it always would cost as much memory again, and the step could not work in place.
        let rate = |p: &Policy| p.learning_rate.unwrap_or(rates.learning_rate) * p.learning_rate_factor * rates.factor;
        let ordinary = norms.all * rates.gradient_scale < 1e15 && rates.learning_rate < 1e10 && self.model.policies.values().all(|p| rate(p) < 1e10);
        let before = (!ordinary).then(|| self.states.clone());
        let (trained, bad) = optim::step(trained, collected, &mut self.states, how);
        if let (Some(_), Some(before)) = (&bad, before) {
            self.states = before;
        }
        guard::updated(self.step, bad)?;
        (self.model.net, self.objectives) = (trained.net, trained.objectives);
        Ok(norms)
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
                guard::loss(self.step, &term.name, sum)?;
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

    fn factor(&self) -> f64 {
        factor(self.options.schedule, self.step, self.options.warmup_steps, self.options.steps)
    }

    fn rates(&self, grad_norm: f64) -> Rates {
        let o = &self.options;
        let clip = o.max_grad_norm > 0.0 && grad_norm > o.max_grad_norm;
        // PyTorch's clip_grad_norm_ divides by the norm + 1e-6.
        let gradient_scale = if clip { o.max_grad_norm / (grad_norm + 1e-6) } else { 1.0 };
        Rates { learning_rate: o.learning_rate, factor: self.factor(), weight_decay: o.weight_decay, gradient_scale }
    }

    /// Matrices with a row per token.
    fn tables(&self) -> BTreeSet<String> {
        [Role::Embeddings, Role::Head].into_iter().filter_map(|role| self.model.spec().weight_of(role)).collect()
    }

    /// What a tensor's gradient norm is added to.
    fn group(&self, name: &str) -> String {
        let word = policy::role_word(self.model.spec(), name);
        word.unwrap_or(if name.starts_with("objectives.") { "objective" } else { "other" }).into()
    }

    /// Everything that trains, as its optimiser sees it.
    fn places(&self) -> Vec<Place> {
        let (free, tables) = (Policy::free(), self.tables());
        let place = |entry: Entry| {
            let policy = self.model.policies.get(&entry.name).unwrap_or(&free);
            let shape = optim::trained_shape(&policy.trains, &entry.shape);
            let optimizer = self.optimizers.of(policy, &shape, tables.contains(&entry.name));
            (entry.trains && policy.trains != Trains::Nothing).then_some(Place { name: entry.name, shape, optimizer })
        };
        names(&self.model, &self.objectives).into_iter().filter_map(place).collect()
    }
}

/// Names of everything that trains, as policies know them.
fn names(model: &Model, objectives: &[Dyn<dyn Objective>]) -> Vec<Entry> {
    let mut all = policy::tensor_names(model);
    for (i, objective) in objectives.iter().enumerate() {
        all.extend(entries(objective, &format!("objectives.{i}")));
    }
    all
}
