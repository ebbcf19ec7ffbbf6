//! What every objective promises.

use crate::gradient::values_of;
use crate::params::named;
use crate::{Surroundings, ToyTokenizer, check_gradients, check_refusals, toy_model};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use tongues_kernel::recompute::backward;
use tongues_kernel::{Batch, Built, Coupling, Draws, ExampleContext, Kind, Model, Objective, Record, Segment, Step, Tokenizer, build, values};

const SEED: u64 = 13;

/// An objective with options and the records it reads, on the toy model.
pub struct ObjectiveCase {
    name: String,
    options: Json,
    records: Vec<Record>,
    others: BTreeMap<String, Model>,
    model: Model,
}

impl ObjectiveCase {
    /// A registered objective with its options, on a few short texts.
    pub fn new(name: &str, options: Json) -> Self {
        let texts = ["one text", "another, longer text", "short", "of words"];
        let records = texts.iter().enumerate().map(|(i, text)| Record::of_text(format!("{i}"), *text)).collect();
        Self { name: name.into(), options, records, others: BTreeMap::new(), model: toy_model(Draws::new(SEED)) }
    }

    /// On other records.
    #[must_use]
    pub fn with_records(self, records: Vec<Record>) -> Self {
        Self { records, ..self }
    }

    /// With another model that the options name.
    #[must_use]
    pub fn with_other(mut self, name: &str, model: Model) -> Self {
        self.others.insert(name.into(), model);
        self
    }

    /// On another model.
    #[must_use]
    pub fn with_model(self, model: Model) -> Self {
        Self { model, ..self }
    }

    /// All checks.
    ///
    /// # Panics
    /// A promise is broken.
    pub fn check(&self) {
        self.gradients();
        self.recomputation();
        self.splits();
        self.is_deterministic();
        self.weightless_tokens();
        check_refusals(Kind::Objective, &self.name, &self.options);
    }

    /// The objective.
    ///
    /// # Panics
    /// It cannot be built.
    pub fn built(&self) -> Box<dyn Objective> {
        match build(Kind::Objective, &self.name, self.options.clone(), &mut self.surroundings()) {
            Ok(Built::Objective(objective)) => objective,
            Ok(_) => panic!("{} is no objective", self.name),
            Err(error) => panic!("objective {}: cannot be built: {error}", self.name),
        }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings { records: self.records.clone(), models: self.others.clone(), ..Surroundings::new(SEED) }
    }

    /// The examples of all records.
    ///
    /// # Panics
    /// The objective refuses a record, or makes no example of any.
    pub fn batch(&self, objective: &dyn Objective) -> Batch {
        let tokenizer: std::sync::Arc<dyn Tokenizer> = match self.model.tokenizer() {
            Ok(tokenizer) => tokenizer.clone(),
            Err(_) => std::sync::Arc::new(ToyTokenizer::default()),
        };
        let cx = ExampleContext { tokenizer: &*tokenizer, max_length: 32, draws: Draws::new(SEED), format: None };
        let made = |r: &Record| objective.examples(r, &cx).unwrap_or_else(|e| panic!("objective {}: record {}: {e}", self.name, r.id));
        let examples: Vec<_> = self.records.iter().flat_map(made).collect();
        assert!(!examples.is_empty(), "objective {}: no example of {} records", self.name, self.records.len());
        Batch { examples }
    }

    /// Sums and gradients of a batch: term name to sum, tensor name to gradient (weighted sum of all terms).
    fn run(&self, objective: &dyn Objective, model: &Model, batch: &Batch, recompute: bool) -> (BTreeMap<String, f64>, BTreeMap<String, Vec<f32>>) {
        let mut step = Step::new(model, &self.others, batch, Draws::new(SEED));
        step.recompute = recompute;
        let terms = objective.loss(&mut step).unwrap_or_else(|e| panic!("objective {}: {e}", self.name));
        let mut sums = BTreeMap::new();
        for term in &terms {
            *sums.entry(term.name.to_string()).or_default() += f64::from(values(term.sum.clone())[0]);
        }
        let total = terms.into_iter().map(|t| t.sum * t.weight).reduce(|a, b| a + b);
        let total = total.unwrap_or_else(|| panic!("objective {}: no term", self.name));
        let grads = backward(total, step.into_tapes(), &model.net).unwrap_or_else(|e| panic!("objective {}: no way back: {e}", self.name));
        let gradients = named(model, "").into_iter().filter_map(|e| Some((e.name.clone(), values_of(&grads, &e)?))).collect();
        (sums, gradients)
    }

    fn loss(&self, objective: &dyn Objective, model: &Model, batch: &Batch) -> f64 {
        let mut step = Step::new(model, &self.others, batch, Draws::new(SEED));
        let terms = objective.loss(&mut step).unwrap_or_else(|e| panic!("objective {}: {e}", self.name));
        terms.iter().map(|t| f64::from(values(t.sum.clone())[0]) * t.weight).sum()
    }

    /// Gradients of every tensor of the model that gets one equal finite differences; at least one tensor gets one.
    ///
    /// # Panics
    /// They do not. Objectives that hold a state still on purpose (a stopped gradient) do not keep this promise.
    pub fn gradients(&self) {
        let objective = self.built();
        let batch = self.batch(&*objective);
        let (_, found) = self.run(&*objective, &self.model, &batch, false);
        assert!(!found.is_empty(), "objective {}: no tensor gets a gradient", self.name);
        for name in found.keys() {
            check_gradients(&self.model, name, &found, &|model| self.loss(&*objective, model, &batch));
        }
    }

    /// Blocks that run without a graph and again on the way back give the same gradients.
    ///
    /// # Panics
    /// They do not.
    pub fn recomputation(&self) {
        let objective = self.built();
        let batch = self.batch(&*objective);
        let ((_, plain), (_, again)) = (self.run(&*objective, &self.model, &batch, false), self.run(&*objective, &self.model, &batch, true));
        self.same_gradients("under recomputation", &again, &plain, 1e-4);
    }

    fn same_gradients(&self, when: &str, found: &BTreeMap<String, Vec<f32>>, expected: &BTreeMap<String, Vec<f32>>, tolerance: f64) {
        for (name, expected) in expected {
            let found = found.get(name).unwrap_or_else(|| panic!("objective {}: {name} gets no gradient {when}", self.name));
            let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
            let gap = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
            let of = norm(&mut expected.iter().map(|x| f64::from(*x)));
            assert!(gap <= tolerance * of + 1e-6, "objective {}: gradient of {name} {when} is {gap:e} away, its norm is {of:e}", self.name);
        }
    }

    /// Where the objective couples tokens or examples only: sums and gradients of single examples add up to those of the
    /// whole batch, within 1e-5 (sums) and 1e-4 (gradients) of their size.
    ///
    /// # Panics
    /// They do not.
    pub fn splits(&self) {
        let objective = self.built();
        if !matches!(objective.coupling(), Coupling::Token | Coupling::Example) {
            return;
        }
        let batch = self.batch(&*objective);
        let (whole, gradient) = self.run(&*objective, &self.model, &batch, false);
        let (mut sums, mut added) = (BTreeMap::<String, f64>::new(), BTreeMap::<String, Vec<f32>>::new());
        for example in &batch.examples {
            let (some, gradients) = self.run(&*objective, &self.model, &Batch { examples: vec![example.clone()] }, false);
            some.into_iter().for_each(|(name, sum)| *sums.entry(name).or_default() += sum);
            for (name, values) in gradients {
                let slot = added.entry(name).or_insert_with(|| vec![0.0; values.len()]);
                slot.iter_mut().zip(values).for_each(|(a, b)| *a += b);
            }
        }
        self.same_sums("of single examples added up", &sums, &whole, 1e-5);
        self.same_gradients("of single examples added up", &added, &gradient, 1e-4);
    }

    fn same_sums(&self, when: &str, found: &BTreeMap<String, f64>, expected: &BTreeMap<String, f64>, tolerance: f64) {
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "objective {}: terms {when}", self.name);
        for (name, expected) in expected {
            let gap = (found[name] - expected).abs();
            assert!(gap <= tolerance * expected.abs().max(1.0), "objective {}: term {name} {when} is {} instead of {expected}", self.name, found[name]);
        }
    }

    /// The same batch gives the same sums and gradients, bit for bit, also from an objective built anew.
    ///
    /// # Panics
    /// It does not.
    pub fn is_deterministic(&self) {
        let run = || {
            let objective = self.built();
            let batch = self.batch(&*objective);
            (batch.clone(), self.run(&*objective, &self.model, &batch, false))
        };
        let ((batch_a, a), (batch_b, b)) = (run(), run());
        assert!(batch_a == batch_b, "objective {}: the same records gave other examples", self.name);
        assert!(a == b, "objective {}: the same batch gave another loss or gradient", self.name);
    }

    /// Where the objective couples tokens only, and tokens see earlier ones alone: which tokens stand, without weight, behind
    /// everything else does not matter.
    ///
    /// # Panics
    /// It does.
    pub fn weightless_tokens(&self) {
        let objective = self.built();
        if objective.coupling() != Coupling::Token || self.model.check_causal("").is_err() {
            return;
        }
        let with_tail = |id: u32| {
            let mut batch = self.batch(&*objective);
            for sequence in batch.examples.iter_mut().flat_map(|e| e.sequences.values_mut()) {
                sequence.segments.push(Segment { mark: "tail".into(), ids: vec![id, id + 1], weight: 0.0 });
            }
            self.run(&*objective, &self.model, &batch, false).0
        };
        let (a, b) = (with_tail(3), with_tail(9));
        assert!(a.values().any(|sum| *sum != 0.0), "objective {}: every sum is 0", self.name);
        self.same_sums("with other tokens that have no weight", &a, &b, 1e-6);
    }
}
