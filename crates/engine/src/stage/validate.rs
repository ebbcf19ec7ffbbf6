//! Scores while a stage trains, and which state it ends with.

use super::evaluate::findings;
use crate::shop::Shop;
use std::collections::BTreeMap;
use tongues_kernel::{Better, Model, Result, Tensors};
use tongues_recipe::ast::{Keep, Validate};
use tongues_train::{changing, restore};

/// The validation of a stage.
pub struct Watch<'v> {
    how: &'v Validate,
    best: Option<(f64, Model)>,
    waited: usize,
}

impl<'v> Watch<'v> {
    /// Nothing seen yet.
    pub fn new(how: &'v Validate) -> Self {
        Self { how, best: None, waited: 0 }
    }

    /// Whether this step is one to score after.
    pub fn is_due(&self, step: usize, of: usize) -> bool {
        step.is_multiple_of(self.how.every) || step == of
    }

    /// Scores the model; the first entry decides what is best.
    ///
    /// # Errors
    /// An evaluator refuses its data.
    pub fn look(&mut self, shop: &Shop<'_>, model: &Model) -> Result<BTreeMap<String, f64>> {
        let mut seen = BTreeMap::new();
        for (i, entry) in self.how.on.iter().enumerate() {
            for (j, finding) in findings(shop, model, entry)?.into_iter().enumerate() {
                let value = tongues_eval::aggregate(&finding.aggregate, &finding.items);
                if i == 0 && j == 0 {
                    self.compare(value, finding.better, model);
                }
                seen.insert(format!("{} {}", entry.subject(), finding.metric), value);
            }
        }
        Ok(seen)
    }

    fn compare(&mut self, value: f64, better: Better, model: &Model) {
        let improves = |best: f64| if better == Better::Lower { value < best } else { value > best };
        if self.best.as_ref().is_none_or(|(best, _)| improves(*best)) {
            self.best = Some((value, model.clone()));
            self.waited = 0;
        } else {
            self.waited += 1;
        }
    }

    /// No new best for as long as the recipe allows.
    pub fn is_over(&self) -> bool {
        self.how.patience.is_some_and(|p| self.waited >= p)
    }

    /// The best score's bits and the scorings since, for a later process.
    pub fn counters(&self) -> (Option<u64>, usize) {
        (self.best.as_ref().map(|(value, _)| value.to_bits()), self.waited)
    }

    /// What the best state has of its own.
    ///
    /// # Errors
    /// A tensor cannot be read.
    pub fn tensors(&self) -> Result<Tensors> {
        match &self.best {
            Some((_, model)) if self.how.keep == Keep::Best => changing(model),
            _ => Ok(Tensors::new()),
        }
    }

    /// Goes on with what an earlier process saved.
    ///
    /// # Errors
    /// The saved state is of another recipe.
    pub fn resume(&mut self, best: Option<u64>, waited: usize, model: &Model, tensors: &Tensors) -> Result<()> {
        self.waited = waited;
        if let Some(bits) = best {
            let mut model = model.clone();
            if self.how.keep == Keep::Best {
                restore(&mut model, tensors)?;
            }
            self.best = Some((f64::from_bits(bits), model));
        }
        Ok(())
    }

    /// The state the stage ends with, where it is not the last.
    pub fn keeps(self) -> Option<Model> {
        if self.how.keep == Keep::Best { self.best.map(|(_, model)| model) } else { None }
    }
}
