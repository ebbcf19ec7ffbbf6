//! Which optimiser a tensor gets.

use super::{Adafactor, AdamW, Lion, Method, Muon};
use std::collections::BTreeMap;
use tongues_kernel::Policy;

/// An optimiser with its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Loshchilov and Hutter 2019.
    AdamW(AdamW),
    /// Shazeer and Stern 2018.
    Adafactor(Adafactor),
    /// Chen et al. 2023.
    Lion(Lion),
    /// Jordan et al. 2024; matrices only.
    Muon(Muon),
}

impl Optimizer {
    /// The method behind the name.
    pub fn method(&self) -> &dyn Method {
        match self {
            Self::AdamW(method) => method,
            Self::Adafactor(method) => method,
            Self::Lion(method) => method,
            Self::Muon(method) => method,
        }
    }
}

/// The optimisers of a stage.
#[derive(Clone, Debug)]
pub struct Optimizers {
    /// Of tensors without a group.
    pub stage: Optimizer,
    /// Of tensors whose policy names a group.
    pub groups: BTreeMap<String, Optimizer>,
    /// Of tensors that theirs cannot train.
    pub fallback: AdamW,
}

impl Optimizers {
    /// AdamW for everything.
    pub fn adamw(options: AdamW) -> Self {
        Self { stage: Optimizer::AdamW(options), groups: BTreeMap::new(), fallback: options }
    }

    /// The optimiser of a tensor. Muon is for matrices; embeddings and heads, tables with a row per token, get it only where
    /// their group asks for it.
    pub(crate) fn of(&self, policy: &Policy, shape: &[usize], is_table: bool) -> Optimizer {
        let own = policy.group.as_ref().and_then(|g| self.groups.get(g));
        let chosen = *own.unwrap_or(&self.stage);
        let unfit = shape.len() != 2 || (is_table && own.is_none());
        if unfit && matches!(chosen, Optimizer::Muon(_)) { Optimizer::AdamW(self.fallback) } else { chosen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn muon_is_for_matrices_and_for_tables_on_request() {
        let muon = Optimizer::Muon(Muon::default());
        let all = Optimizers { stage: muon, groups: BTreeMap::from([("own".into(), muon)]), fallback: AdamW::default() };
        let own = Policy { group: Some("own".into()), ..Policy::free() };
        let name = |policy: &Policy, shape: &[usize], is_table| all.of(policy, shape, is_table).method().name();
        assert_eq!(name(&Policy::free(), &[4, 6], false), "muon");
        assert_eq!(name(&Policy::free(), &[4, 6], true), "adamw");
        assert_eq!(name(&own, &[4, 6], true), "muon");
        assert_eq!([name(&own, &[4], false), name(&own, &[2, 4, 6], false)], ["adamw"; 2]);
    }
}
