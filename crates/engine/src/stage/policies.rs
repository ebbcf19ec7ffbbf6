//! What trains in a stage: the recipe's rules, or the default.

use super::optimizers::group;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use tongues_kernel::policy::{Selection, select, tensor_names};
use tongues_kernel::{Model, Policy, Result, Trains, refuse};
use tongues_recipe::ast::{Select, TrainWhat, WeightRule};

/// One policy per tensor. Without rules: where the stage has adapters, the parts they brought and their new rows;
/// otherwise everything.
///
/// # Errors
/// A rule selects nothing, or asks for new rows where there are none.
pub fn policies(model: &Model, rules: &[WeightRule], old_parts: &BTreeSet<String>, adapters: bool) -> Result<BTreeMap<String, Policy>> {
    let mut policies = by_rules(model, rules, old_parts, adapters)?;
    // What an adapter said of its own tensors when it was attached.
    for (name, own) in &model.policies {
        if let Some(policy) = policies.get_mut(name) {
            policy.learning_rate_factor = own.learning_rate_factor;
            if rules.is_empty() && own.trains == Trains::Nothing {
                policy.trains = Trains::Nothing;
            }
        }
    }
    Ok(policies)
}

fn by_rules(model: &Model, rules: &[WeightRule], old_parts: &BTreeSet<String>, adapters: bool) -> Result<BTreeMap<String, Policy>> {
    let names: Vec<String> = tensor_names(model).into_iter().map(|e| e.name).collect();
    if rules.is_empty() {
        return Ok(names.into_iter().map(|n| (n.clone(), default(model, &n, old_parts, adapters))).collect());
    }
    let mut policies: BTreeMap<String, Policy> = BTreeMap::new();
    for (i, rule) in rules.iter().enumerate() {
        let chosen = select(model, &selection(&rule.select)).map_err(|e| e.within(format!("weights[{i}]")))?;
        for name in chosen {
            if let Entry::Vacant(place) = policies.entry(name) {
                let policy = policy(model, rule, place.key()).map_err(|e| e.within(format!("weights[{i}]")))?;
                place.insert(Policy { group: rule.optimizer.as_ref().map(|_| group(i)), ..policy });
            }
        }
    }
    for name in names {
        policies.entry(name).or_insert_with(Policy::frozen);
    }
    Ok(policies)
}

fn default(model: &Model, name: &str, old_parts: &BTreeSet<String>, adapters: bool) -> Policy {
    if !adapters {
        return Policy::free();
    }
    if let Some(rows) = model.new_rows.get(name) {
        return Policy { trains: Trains::Rows(rows.clone()), ..Policy::free() };
    }
    let part = name.strip_prefix("parts.").is_some_and(|rest| !old_parts.iter().any(|p| rest.strip_prefix(p.as_str()).is_some_and(|r| r.starts_with('.'))));
    if part { Policy::free() } else { Policy::frozen() }
}

fn selection(select: &Select) -> Selection {
    match select {
        Select::Pattern(pattern) => Selection { pattern: Some(pattern.clone()), ..Selection::default() },
        Select::Where(place) => Selection { pattern: None, role: place.role.clone(), layers: place.layers },
    }
}

fn policy(model: &Model, rule: &WeightRule, name: &str) -> Result<Policy> {
    let trains = match rule.train {
        None | Some(TrainWhat::All(true)) => Trains::Everything,
        Some(TrainWhat::All(false)) => Trains::Nothing,
        Some(TrainWhat::Rows(_)) => match model.new_rows.get(name) {
            Some(rows) => Trains::Rows(rows.clone()),
            None => return refuse(name, "rows added by a vocabulary adapter of this stage", "none", "add the adapter, or write train = true"),
        },
    };
    Ok(Policy { trains, learning_rate: rule.learning_rate, weight_decay: rule.weight_decay, ..Policy::free() })
}
