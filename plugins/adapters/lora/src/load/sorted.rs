//! The tensors of a file, by what they are.

use crate::save::{SUFFIX_A, SUFFIX_B, SUFFIX_BIAS, SUFFIX_EMBEDDING, SUFFIX_MAGNITUDE, SUFFIX_TOKENS};
use std::collections::BTreeSet;
use tongues_kernel::{OnDisk, Result, Role, SiteInfo, Spec, nearest, refuse};
use tongues_nn::peft::{PREFIX, TENSORS, flag, inert};

/// Paths of the modules that a file has matrices for.
pub struct Sorted<'d> {
    pairs: BTreeSet<&'d str>,
    embeddings: BTreeSet<&'d str>,
}

impl<'d> Sorted<'d> {
    /// Every tensor must be one that is read, both matrices of a pair must be there.
    ///
    /// # Errors
    /// Another tensor, half a pair, or none.
    pub fn of(disk: &'d OnDisk, copies: &[SiteInfo], spec: &Spec) -> Result<Self> {
        let mut found = Self { pairs: BTreeSet::new(), embeddings: BTreeSet::new() };
        for name in disk.tensors.keys() {
            let Some(path) = name.strip_prefix(PREFIX) else { return other(name) };
            let ends = |suffix: &str| path.strip_suffix(suffix);
            if let Some(path) = ends(SUFFIX_A).or(ends(SUFFIX_B)) {
                whole(disk, path, [SUFFIX_A, SUFFIX_B])?;
                found.pairs.insert(path);
            } else if let Some(path) = ends(SUFFIX_EMBEDDING[0]).or(ends(SUFFIX_EMBEDDING[1])) {
                whole(disk, path, SUFFIX_EMBEDDING)?;
                found.embeddings.insert(path);
            } else if !goes_with(path, disk, copies, spec)? {
                return other(name);
            }
        }
        if found.pairs.is_empty() && found.embeddings.is_empty() {
            return refuse(TENSORS, "at least one pair of lora_A and lora_B", "none", "the file is empty");
        }
        Ok(found)
    }

    /// The places of the matrices, in the model's order.
    ///
    /// # Errors
    /// The model lacks one.
    pub fn places(&self, spec: &Spec) -> Result<Vec<SiteInfo>> {
        let holds = |i: &SiteInfo| {
            let path = i.path.as_str();
            (i.weight && self.pairs.contains(path)) || (i.site.role == Role::Embeddings && self.embeddings.contains(path))
        };
        let places: Vec<SiteInfo> = spec.sites.iter().filter(|i| holds(i)).cloned().collect();
        let lost = self.pairs.iter().map(|p| (p, SUFFIX_A)).chain(self.embeddings.iter().map(|p| (p, SUFFIX_EMBEDDING[0])));
        let Some((lost, suffix)) = lost.into_iter().find(|(path, _)| !places.iter().any(|i| i.path == ***path)) else { return Ok(places) };
        let known = spec.sites.iter().filter(|i| i.weight).map(|i| i.path.as_str());
        let remedy = nearest(lost, known)
            .map_or_else(|| "the adapter belongs to another model".into(), |n| format!("the nearest is {n}; the adapter may belong to another model"));
        refuse(format!("{TENSORS}: {PREFIX}{lost}{suffix}"), format!("a projection of this {} model", spec.family), lost, remedy)
    }
}

/// A tensor that belongs to a pair, to the embeddings, or to a copied module.
fn goes_with(path: &str, disk: &OnDisk, copies: &[SiteInfo], spec: &Spec) -> Result<bool> {
    let ends = |suffix: &str| path.strip_suffix(suffix);
    let embeddings = |path: &str| spec.sites.iter().any(|i| i.site.role == Role::Embeddings && i.path == path);
    if ends(SUFFIX_BIAS).is_some() {
        return flag(&disk.config, "lora_bias");
    }
    if ends(SUFFIX_MAGNITUDE).or(ends(&format!("{SUFFIX_MAGNITUDE}.weight"))).is_some() {
        return flag(&disk.config, "use_dora");
    }
    if ends(SUFFIX_TOKENS).is_some_and(embeddings) {
        return Ok(disk.config.get("trainable_token_indices").is_some_and(|v| !inert(v)));
    }
    if ends(".base_layer.weight").is_some_and(embeddings) {
        return Ok(true);
    }
    // Biases of the wrapper leak into files that PEFT wrote under other settings; they say nothing.
    let leaked =
        |copy: &SiteInfo| path.strip_prefix(&format!("{}.", copy.path)).is_some_and(|rest| ["modules_to_save.bias", "original_module.bias"].contains(&rest));
    let own = |copy: &SiteInfo| ends(".weight").or(ends(".bias")).is_some_and(|p| p == copy.path);
    Ok(copies.iter().any(|copy| own(copy) || leaked(copy)))
}

fn whole(disk: &OnDisk, path: &str, suffixes: [&str; 2]) -> Result<()> {
    let [a, b] = suffixes.map(|suffix| format!("{PREFIX}{path}{suffix}"));
    let (lost, found) = match (disk.tensors.contains_key(&a), disk.tensors.contains_key(&b)) {
        (true, true) => return Ok(()),
        (true, false) => (b, a),
        (false, _) => (a, b),
    };
    refuse(format!("{TENSORS}: {lost}"), "the other matrix of the pair", format!("only {found}"), "the file is incomplete")
}

fn other<T>(name: &str) -> Result<T> {
    let expected = format!("{PREFIX}….lora_A.weight, lora_B.weight, or what {} names", tongues_nn::peft::CONFIG);
    refuse(format!("{TENSORS}: {name}"), expected, "another tensor", "merge the adapter with PEFT and load the merged checkpoint")
}
