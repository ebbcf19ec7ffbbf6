//! What trains, and how: one policy per tensor.

use crate::weights::{entries, put};
use crate::{Model, Result, refuse};
use burn::module::{ModuleMapper, Param};
use burn::prelude::*;
use burn::tensor::DType;
use std::collections::BTreeMap;
use std::ops::Range;

/// How much of a tensor trains.
#[derive(Clone, Debug, PartialEq)]
pub enum Trains {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// Some rows of the first axis; the others stay bit for bit.
    Rows(Range<usize>),
    /// The entries where the mask is 1 (flattened, row by row); the others stay bit for bit and are not decayed.
    Masked(Vec<f32>),
}

/// How one tensor is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// How much of it.
    pub trains: Trains,
    /// Learning rate instead of the stage's.
    pub learning_rate: Option<f64>,
    /// What the learning rate is multiplied by. Adapters may set it for their tensors; it stays when rules are applied.
    pub learning_rate_factor: f64,
    /// Weight decay instead of the stage's.
    pub weight_decay: Option<f64>,
    /// A group with an optimiser of its own; the trainer knows which.
    pub group: Option<String>,
}

impl Policy {
    /// Everything trains, as the stage says.
    pub fn free() -> Self {
        Self { trains: Trains::Everything, learning_rate: None, learning_rate_factor: 1.0, weight_decay: None, group: None }
    }
    /// Nothing trains.
    pub fn frozen() -> Self {
        Self { trains: Trains::Nothing, ..Self::free() }
    }
}

/// Which tensors a rule selects; every given condition must hold.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// A pattern over names with `*`.
    pub pattern: Option<String>,
    /// A role's word, or `part` for tensors of parts.
    pub role: Option<String>,
    /// Layers, last one included.
    pub layers: Option<[usize; 2]>,
}

/// `*` matches any run of characters.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Names of all tensors of a model: the backbone's own, and `parts.<part>.…`.
pub fn tensor_names(model: &Model) -> Vec<crate::Entry> {
    let mut all = entries(&model.net.backbone, "");
    for attached in model.net.parts.list() {
        all.extend(entries(&attached.part, &format!("parts.{}", attached.name)));
    }
    all
}

/// The tensors that a selection names.
///
/// # Errors
/// It names none.
pub fn select(model: &Model, selection: &Selection) -> Result<Vec<String>> {
    let all = tensor_names(model);
    let found: Vec<String> = all.iter().map(|e| e.name.clone()).filter(|n| selected(model, selection, n)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let near = selection.pattern.as_deref().and_then(|p| crate::nearest(p, all.iter().map(|e| e.name.as_str())));
    let remedy = near.map_or_else(|| "`tongues inspect` lists the tensors".into(), |n| format!("did you mean {n}?"));
    refuse("weights.select", "a tensor of the model", format!("{selection:?}, which matches none of {} tensors", all.len()), remedy)
}

fn selected(model: &Model, selection: &Selection, name: &str) -> bool {
    let role = |word: &str| role_word(model.spec(), name) == Some(word);
    let within = |[first, last]: [usize; 2]| layer_of(name).is_some_and(|l| (first..=last).contains(&l));
    selection.pattern.as_deref().is_none_or(|p| matches(p, name)) && selection.role.as_deref().is_none_or(role) && selection.layers.is_none_or(within)
}

/// The word of a tensor's role: that of the innermost place it belongs to, or `part`.
pub fn role_word(spec: &crate::Spec, name: &str) -> Option<&'static str> {
    if name.starts_with("parts.") {
        return Some("part");
    }
    let inside = spec.sites.iter().filter(|i| name.strip_prefix(i.path.as_str()).is_some_and(|rest| rest.starts_with('.')));
    inside.max_by_key(|i| i.path.len()).map(|i| i.site.role.word())
}

/// The layer in a tensor's name: the first number among its pieces.
pub fn layer_of(name: &str) -> Option<usize> {
    name.split('.').find_map(|piece| piece.parse().ok())
}

/// Switches gradients on exactly where a policy trains something. What trains becomes 32-bit, and so does its optimiser's state:
/// steps are often smaller than the spacing of 16-bit numbers. What does not train stays as it was stored.
pub fn apply(model: &mut Model, policies: &BTreeMap<String, Policy>) {
    let trains = tensor_names(model).into_iter().map(|e| (e.id, policies.get(&e.name).is_some_and(|p| p.trains != Trains::Nothing)));
    model.map_net(&mut Switch(trains.collect()));
}

/// No policies and no new rows: an ordinary model, whose 32-bit tensors all may train.
pub fn release(model: &mut Model) {
    struct Free;
    impl ModuleMapper for Free {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let may = param.val().dtype() == DType::F32 && param.val().device().is_autodiff();
            param.set_require_grad(may)
        }
    }
    model.map_net(&mut Free);
    model.policies.clear();
    model.new_rows.clear();
}

struct Switch(BTreeMap<burn::module::ParamId, bool>);

impl ModuleMapper for Switch {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let on = self.0.get(&param.id).copied().unwrap_or(false);
        if on && param.val().dtype() != DType::F32 {
            let wide = tongues_ops::wide(param.val());
            return put(param, wide).set_require_grad(true);
        }
        param.set_require_grad(on)
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_match_runs() {
        assert!(matches("*", "a.b"));
        assert!(matches("model.*.q_proj.weight", "model.layers.0.self_attn.q_proj.weight"));
        assert!(matches("parts.*", "parts.lora.x"));
        assert!(!matches("parts.*", "model.x"));
        assert!(!matches("model", "model.x"));
        assert!(!matches("*.bias", "a.weight"));
    }
}
