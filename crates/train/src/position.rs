//! Where training stands: everything that a later process needs to go on bit for bit.

use crate::Trainer;
use crate::feed::Cursor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::{Model, Result, Tensors, Trains, entries, for_each_value, policy, refuse, restore_some, restore_values};

/// The counters of a trainer. Draws depend on the step only, so there is no generator to save.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Optimiser steps done.
    pub step: usize,
    /// Where each objective's data stands.
    pub feeds: Vec<Cursor>,
}

/// Before the names of the model's tensors.
const MODEL: &str = "model.";
/// Before the names of the objectives' tensors.
const OBJECTIVES: &str = "objectives";
/// Before the names of the optimiser's tensors.
const OPTIMIZER: &str = "optimizer.";

impl Trainer<'_> {
    /// The counters.
    pub fn position(&self) -> Position {
        Position { step: self.step, feeds: self.feeds.iter().map(|f| f.cursor().clone()).collect() }
    }

    /// Everything that training changes: tensors that train, whole parts, whole objectives, the optimiser's state.
    ///
    /// # Errors
    /// A tensor cannot be read.
    pub fn tensors(&self) -> Result<Tensors> {
        let mut all = under(MODEL, changing(&self.model)?);
        for (i, objective) in self.objectives.iter().enumerate() {
            for_each_value(objective, &format!("{OBJECTIVES}.{i}"), &mut |name, shape, values| {
                all.insert(name.into(), (shape.to_vec(), values));
                Ok(())
            })?;
        }
        all.extend(under(OPTIMIZER, self.optimizer_state()));
        Ok(all)
    }

    /// Goes to a saved place. The trainer must have been made from the same recipe.
    ///
    /// # Errors
    /// The place or the tensors are of another configuration.
    pub fn resume(&mut self, position: &Position, tensors: &Tensors) -> Result<()> {
        if position.feeds.len() != self.feeds.len() {
            let found = format!("{} saved ones", position.feeds.len());
            return refuse("objectives", format!("{} streams of data", self.feeds.len()), found, "the saved state is of another recipe");
        }
        restore(&mut self.model, &without(MODEL, tensors))?;
        for (i, objective) in self.objectives.iter_mut().enumerate() {
            let prefix = format!("{OBJECTIVES}.{i}");
            let here: Vec<String> = entries(objective, &prefix).into_iter().map(|e| e.name).collect();
            let saved = tensors.iter().filter(|(name, _)| here.contains(name)).map(|(n, t)| (n.clone(), t.clone())).collect();
            restore_values(objective, &prefix, &saved)?;
        }
        self.set_optimizer_state(&without(OPTIMIZER, tensors))?;
        for (feed, cursor) in self.feeds.iter_mut().zip(&position.feeds) {
            feed.seek(cursor)?;
        }
        self.step = position.step;
        Ok(())
    }
}

/// The tensors of a model that training may change: those with a policy that trains, and all of its parts.
///
/// # Errors
/// A tensor cannot be read.
pub fn changing(model: &Model) -> Result<Tensors> {
    let changes = |name: &str| model.policies.get(name).is_some_and(|p| p.trains != Trains::Nothing);
    let mut all = BTreeMap::new();
    for_each_value(&model.net.backbone, "", &mut |name, shape, values| {
        if changes(name) {
            all.insert(name.into(), (shape.to_vec(), values));
        }
        Ok(())
    })?;
    for attached in model.net.parts.list() {
        for_each_value(&attached.part, &format!("parts.{}", attached.name), &mut |name, shape, values| {
            all.insert(name.into(), (shape.to_vec(), values));
            Ok(())
        })?;
    }
    Ok(all)
}

/// Puts what [`changing`] gave back into a model of the same making.
///
/// # Errors
/// A tensor that changes has no saved values, or saved values have no tensor.
pub fn restore(model: &mut Model, saved: &Tensors) -> Result<()> {
    let named: Vec<String> = policy::tensor_names(model).into_iter().map(|e| e.name).collect();
    let needed = changing(model)?;
    if let Some(missing) = needed.keys().find(|name| !saved.contains_key(*name)) {
        return refuse(missing, "saved values", "none", "the saved state is of another recipe");
    }
    if let Some(left) = saved.keys().find(|name| !named.contains(name)) {
        return refuse(left, "a tensor of this model", "none", "the saved state is of another recipe");
    }
    let (parts, backbone): (Tensors, Tensors) = saved.clone().into_iter().partition(|(name, _)| name.starts_with("parts."));
    restore_some(&mut model.net.backbone, "", &backbone)?;
    for attached in model.net.parts.list_mut() {
        let prefix = format!("parts.{}", attached.name);
        let here: Vec<String> = entries(&attached.part, &prefix).into_iter().map(|e| e.name).collect();
        let saved = parts.iter().filter(|(name, _)| here.contains(name)).map(|(n, t)| (n.clone(), t.clone())).collect();
        restore_values(&mut attached.part, &prefix, &saved)?;
    }
    Ok(())
}

fn under(prefix: &str, tensors: Tensors) -> Tensors {
    tensors.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect()
}

fn without(prefix: &str, tensors: &Tensors) -> Tensors {
    tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone()))).collect()
}
