//! The tensors of a network from those of a checkpoint; every one is accounted for.

use super::keep::in_blocks;
use super::reading::Reading;
use super::stored::Stored;
use crate::Checkpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tongues_kernel::burn::module::{Module, ModuleMapper, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::policy::matches;
use tongues_kernel::{Backbone, Dyn, Result, Role, Spec, entries, put, refuse};

type Ties = [(String, String)];

/// Fills a network; also says which tensors of the checkpoint it has no use for (where that is allowed).
///
/// # Errors
/// A tensor is missing, has another shape, or is not used.
pub(super) fn fill(backbone: Box<dyn Backbone>, base: &Checkpoint, dir: &Path, how: &Reading) -> Result<(Box<dyn Backbone>, Vec<String>)> {
    let backbone = Dyn(backbone);
    let wanted: BTreeSet<String> = entries(&backbone, "").into_iter().map(|e| e.name).collect();
    let spec = backbone.spec().clone();
    check_fresh(&wanted, &how.fresh)?;
    let others = how.from.iter().map(|from| Checkpoint::open(&from.dir)).collect::<Result<Vec<_>>>()?;
    let stored = Stored::of(base, &others, &spec, &wanted, how)?;
    let fresh = |name: &str| how.fresh.iter().any(|pattern| matches(pattern, name));
    let unused = check_names(&wanted, &spec.ties, &stored, dir, how.allow_unused, &fresh)?;
    let projections = projections(&spec);
    let mut filler = Filler { path: vec![], stored: &stored, ties: &spec.ties, how, projections, result: Ok(()) };
    let backbone = backbone.map(&mut filler);
    filler.result.map_err(|e| e.within(dir.display()))?;
    Ok((backbone.0, unused))
}

/// Which tensor of the checkpoint every tensor of a network is, by headers alone.
///
/// # Errors
/// As [`fill`].
pub(super) fn names(backbone: &Dyn<dyn Backbone>, base: &Checkpoint, dir: &Path, how: &Reading) -> Result<BTreeMap<String, String>> {
    let all = entries(backbone, "");
    let wanted: BTreeSet<String> = all.iter().map(|e| e.name.clone()).collect();
    let spec = backbone.spec();
    let stored = Stored::of(base, &[], spec, &wanted, how)?;
    check_names(&wanted, &spec.ties, &stored, dir, how.allow_unused, &|_| false)?;
    let place = |e: tongues_kernel::Entry| {
        let name = source(&e.name, &spec.ties, &stored).unwrap_or_else(|| e.name.clone());
        check_shape(&stored, &name, &e.shape).map_err(|error| error.within(dir.display()))?;
        Ok((e.name, stored.name(&name)?.to_owned()))
    };
    all.into_iter().map(place).collect()
}

/// A tensor must have the shape that the configuration asks for.
fn check_shape(stored: &Stored<'_>, name: &str, shape: &[usize]) -> Result<()> {
    let found = stored.shape(name)?;
    if found == shape {
        return Ok(());
    }
    let expected = format!("the shape {shape:?} that config.json asks for");
    refuse(format!("tensor {name}"), expected, format!("{found:?}"), "config.json and the weights are of different models")
}

fn check_fresh(wanted: &BTreeSet<String>, fresh: &[String]) -> Result<()> {
    match fresh.iter().find(|pattern| !wanted.iter().any(|name| matches(pattern, name))) {
        Some(pattern) => refuse("fresh", "tensors of the model", format!("`{pattern}`, which matches none"), "`tongues inspect` lists the tensors"),
        None => Ok(()),
    }
}

fn check_names(wanted: &BTreeSet<String>, ties: &Ties, stored: &Stored<'_>, dir: &Path, allow: bool, fresh: &dyn Fn(&str) -> bool) -> Result<Vec<String>> {
    let alias = |name: &str| ties.iter().any(|(a, _)| a == name);
    let missing: Vec<&str> = wanted.iter().map(String::as_str).filter(|n| source(n, ties, stored).is_none() && !fresh(n)).collect();
    let unused: Vec<&str> = stored.names().filter(|n| !wanted.contains(*n) && !alias(n)).collect();
    if !missing.is_empty() {
        let remedy = if unused.is_empty() {
            "the checkpoint is incomplete; `fresh` names tensors that shall be drawn".into()
        } else {
            format!("it has unused tensors instead: {}", some(&unused))
        };
        return refuse(dir.display(), format!("the tensors {}", some(&missing)), "none of them", remedy);
    }
    if !unused.is_empty() && !allow {
        let remedy = "config.json may be of another model, or a flag (bias, tied head) may be wrong; `allow_unused = true` leaves them out";
        return refuse(dir.display(), "only tensors that config.json explains", some(&unused), remedy);
    }
    check_ties(ties, stored, dir)?;
    Ok(unused.into_iter().map(String::from).collect())
}

/// A tied pair may be stored twice, but then with equal bytes.
fn check_ties(ties: &Ties, stored: &Stored<'_>, dir: &Path) -> Result<()> {
    for (alias, source) in ties {
        let both = stored.contains(alias) && stored.contains(source);
        if both && stored.bytes(alias)? != stored.bytes(source)? {
            let remedy = "set `tie_word_embeddings` to false in config.json, or remove the wrong tensor";
            return refuse(dir.display(), format!("{alias} equal to {source}, since config.json ties them"), "two different tensors", remedy);
        }
    }
    Ok(())
}

/// The name under which a tensor is stored: its own, or its alias's.
fn source(name: &str, ties: &Ties, stored: &Stored<'_>) -> Option<String> {
    if stored.contains(name) {
        return Some(name.to_owned());
    }
    let alias = ties.iter().find(|(_, source)| source == name)?;
    stored.contains(&alias.0).then(|| alias.0.clone())
}

/// The first names of a list.
pub(super) fn some(names: &[&str]) -> String {
    let shown = names.iter().take(6).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 6 { format!("{shown} and {} more", names.len() - 6) } else { shown }
}

/// Weights of projections other than the head.
fn projections(spec: &Spec) -> BTreeSet<String> {
    let inner = spec.sites.iter().filter(|i| i.weight && !matches!(i.site.role, Role::Head | Role::Embeddings));
    inner.map(|i| format!("{}.weight", i.path)).collect()
}

struct Filler<'c> {
    path: Vec<String>,
    stored: &'c Stored<'c>,
    ties: &'c Ties,
    how: &'c Reading,
    projections: BTreeSet<String>,
    result: Result<()>,
}

impl Filler<'_> {
    fn tensor<const D: usize>(&self, name: &str, shape: [usize; D], device: &Device) -> Result<Tensor<D>> {
        let stored = source(name, self.ties, self.stored).unwrap_or_else(|| name.to_owned());
        check_shape(self.stored, &stored, &shape)?;
        let tensor = self.stored.tensor(&stored, shape, self.how.keep, device)?;
        Ok(if self.projections.contains(name) { in_blocks(tensor, self.how.keep) } else { tensor })
    }
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        if self.result.is_err() || self.how.fresh.iter().any(|pattern| matches(pattern, &name)) {
            return param;
        }
        let old = param.val();
        match self.tensor(&name, old.dims(), &old.device()) {
            Ok(tensor) => put(param, tensor),
            Err(error) => {
                self.result = Err(error);
                param
            }
        }
    }
}
