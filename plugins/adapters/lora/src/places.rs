//! Which places are adapted, and with what.

use crate::Settings;
use std::collections::BTreeMap;
use tongues_kernel::policy::layer_of;
use tongues_kernel::{Result, Role, Site, SiteInfo, Spec, refuse};
use tongues_nn::peft::Names;

/// The places that names and layers choose, in the model's order: projections, and the token embeddings.
///
/// # Errors
/// A name or a layer that chooses nothing, or a place that is neither.
pub fn chosen(names: &Names, exclude: Option<&Names>, layers: Option<&[usize]>, spec: &Spec) -> Result<Vec<SiteInfo>> {
    if matches!(names, Names::List(list) if list.is_empty()) {
        return refuse("lora: target_modules", "at least one module", "an empty list", "leave the key out for q_proj and v_proj, or write \"all-linear\"");
    }
    let mut sites = names.select(spec)?;
    if let Some(exclude) = exclude {
        exclude.names("")?;
        sites.retain(|i| !exclude.names(&i.path).unwrap_or(false));
        if sites.is_empty() {
            return refuse("lora: exclude_modules", "names that leave at least one of target_modules", "names of all of them", "take some out");
        }
    }
    if let Some(bare) = sites.iter().find(|i| !i.weight && i.site.role != Role::Embeddings) {
        let found = format!("{}, which has no weight of its own", bare.path);
        return refuse("lora: target_modules", "projections or the token embeddings", found, "a tied head cannot be adapted this way; train its rows instead");
    }
    let Some(layers) = layers else { return Ok(sites) };
    sites.retain(|i| layer_of(&i.path).is_some_and(|l| layers.contains(&l)));
    match layers.iter().find(|l| !sites.iter().any(|i| layer_of(&i.path) == Some(**l))) {
        Some(lost) => refuse("lora: layers_to_transform", "layers that hold one of the target modules, counted from 0", lost, "correct the list"),
        None if sites.is_empty() => refuse("lora: layers_to_transform", "at least one layer", "an empty list", "leave the key out for all layers"),
        None => Ok(sites),
    }
}

/// The files of the base keep these projections' weights as `[in, out]`.
pub fn lie_across(sites: &[SiteInfo], spec: &Spec) -> bool {
    sites.iter().any(|i| spec.is_transposed(&format!("{}.weight", i.path)))
}

/// The shortest list of PEFT module names that chooses exactly these places: last names where they suffice, else full paths.
pub fn target_modules(sites: &[SiteInfo], layers: Option<&[usize]>, spec: &Spec) -> Vec<String> {
    let mut last: Vec<String> = sites.iter().filter_map(|i| i.path.rsplit('.').next()).map(String::from).collect();
    last.sort_unstable();
    last.dedup();
    let exact = chosen(&Names::List(last.clone()), None, layers, spec).is_ok_and(|found| found == sites);
    if exact { last } else { sites.iter().map(|i| i.path.clone()).collect() }
}

/// The modules that train as a whole: projections, the head, the embeddings.
///
/// # Errors
/// A name that chooses nothing, or another kind of module.
pub fn to_save(names: Option<&[String]>, spec: &Spec) -> Result<Vec<SiteInfo>> {
    let Some(names) = names.filter(|n| !n.is_empty()) else { return Ok(vec![]) };
    let sites = Names::List(names.to_vec()).select(spec).map_err(|e| e.within("lora: modules_to_save"))?;
    match sites.iter().find(|i| !i.weight && !matches!(i.site.role, Role::Embeddings | Role::Head)) {
        Some(other) => refuse("lora: modules_to_save", "projections, the head or the embeddings", &other.path, "train it with a `weights` rule instead"),
        None => Ok(sites),
    }
}

/// The head, where it is the embedding table.
pub fn tied_head(spec: &Spec) -> Option<Site> {
    let head = spec.sites.iter().find(|i| i.site.role == Role::Head)?;
    spec.ties.iter().any(|(alias, _)| *alias == format!("{}.weight", head.path)).then_some(head.site)
}

/// Numerators of the places whose own differs from the rest.
pub fn own_alphas(sites: &[SiteInfo], settings: &Settings, of: impl Fn(&str) -> Result<Option<f64>>) -> Result<BTreeMap<String, f64>> {
    let mut own = BTreeMap::new();
    for info in sites {
        if let Some(alpha) = of(&info.path)?.filter(|a| *a != settings.lora_alpha) {
            own.insert(info.path.clone(), alpha);
        }
    }
    Ok(own)
}

/// Paths of modules whose weight the files keep as `[in, out]`.
pub fn across(sites: &[SiteInfo], spec: &Spec) -> Vec<String> {
    let lies = |i: &&SiteInfo| spec.is_transposed(&format!("{}.weight", i.path));
    sites.iter().filter(lies).map(|i| i.path.clone()).collect()
}
