//! # ia3
//!
//! Vectors that scale keys, values and the inside of feed-forward layers, feature by feature.
//! Paper: Liu et al. 2022, "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning"
//! (arXiv 2205.05638, §3.3).
//!
//! ## What it does
//! On a projection of `target_modules` `y = l ⊙ (W x + b)`, with one l per output feature; on those that `feedforward_modules`
//! also names `y = W (l ⊙ x) + b`, with one l per input feature, which is the activation between up and down. Every l starts as
//! one: the model starts unchanged. It folds into W and b exactly, and is a folder in PEFT's form (`peft_type` IA3).
//!
//! ## When to use
//! With very few examples, or many tasks on one model: it has some hundred times fewer parameters than low-rank matrices.
//!
//! ## Differences from the paper
//! None in the function; as in PEFT, any projection can be chosen. `modules_to_save` is refused. The paper's extra losses are not here.
//!
//! ## Reproduces
//! Logits of PEFT on random adapters within 1e-4 of their standard deviation, live and folded (`tests/fixtures/peft-pack`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Adapter, At, Context, Error, Folded, Inner, Model, OnDisk, Part, Pass, Result, Site, SiteInfo, Spec, Weights, burn, nearest, refuse, register,
    register_format, values,
};
use tongues_nn::peft::{ByPath, CONFIG, Names, PREFIX, TENSORS, config, host, inert, refuse_unknown, tensor};

const SUFFIX: &str = ".ia3_l";
const KNOWN: [&str; 5] = ["target_modules", "exclude_modules", "feedforward_modules", "fan_in_fan_out", "init_ia3_weights"];

/// Scales of projections; keys are PEFT's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ia3Options {
    /// Which projections: names as in PEFT, `all-linear` for all but the head, or a regular expression of whole paths.
    #[serde(default = "targets")]
    pub target_modules: Names,
    /// Those of them whose input is scaled instead of their output.
    #[serde(default = "feed_forward")]
    pub feedforward_modules: Names,
    /// Which of `target_modules` not.
    pub exclude_modules: Option<Names>,
    /// Name of the part.
    #[serde(default = "name")]
    pub name: String,
}

fn targets() -> Names {
    Names::list(&["k_proj", "v_proj", "down_proj"])
}
fn feed_forward() -> Names {
    Names::list(&["down_proj"])
}
fn name() -> String {
    "ia3".into()
}

impl Adapter for Ia3Options {
    fn attach(&self, model: &mut Model, _: &mut dyn Context) -> Result<()> {
        let sites = chosen(&self.target_modules, self.exclude_modules.as_ref(), model.spec())?;
        let inputs = match &self.feedforward_modules {
            Names::List(list) if list.is_empty() => vec![],
            names => names.select(model.spec()).map_err(|e| e.within("ia3: feedforward_modules"))?,
        };
        if let Some(other) = inputs.iter().find(|i| !sites.contains(i) && i.weight && !self.excluded(&i.path)) {
            return refuse("ia3: feedforward_modules", "some of target_modules", &other.path, "name it in target_modules too");
        }
        let device = model.device();
        let fresh = |info: &SiteInfo| {
            let [width, out] = info.width;
            let before = inputs.contains(info);
            Scale::new(Tensor::ones(if before { [1, width] } else { [out, 1] }, &device), before)
        };
        let scales = sites.iter().map(fresh).collect();
        attach(&self.name, sites, scales, model)
    }
}

impl Ia3Options {
    fn excluded(&self, path: &str) -> bool {
        self.exclude_modules.as_ref().is_some_and(|e| e.names(path).unwrap_or(false))
    }
}

/// Projections with these names.
fn chosen(names: &Names, exclude: Option<&Names>, spec: &Spec) -> Result<Vec<SiteInfo>> {
    if matches!(names, Names::List(list) if list.is_empty()) {
        return refuse("ia3: target_modules", "at least one module", "an empty list", "leave the key out for k_proj, v_proj and down_proj");
    }
    let mut sites = names.select(spec)?;
    if let Some(exclude) = exclude {
        exclude.names("")?;
        sites.retain(|i| !exclude.names(&i.path).unwrap_or(false));
    }
    match sites.iter().find(|i| !i.weight) {
        Some(bare) => refuse("ia3: target_modules", "projections", format!("{}, which has no weight of its own", bare.path), "name modules with one"),
        None if sites.is_empty() => refuse("ia3: exclude_modules", "names that leave at least one of target_modules", "names of all", "take some out"),
        None => Ok(sites),
    }
}

fn attach(name: &str, sites: Vec<SiteInfo>, scales: Vec<Scale>, model: &mut Model) -> Result<()> {
    let across = sites.iter().any(|i| model.spec().is_transposed(&format!("{}.weight", i.path)));
    let places: Vec<Site> = sites.iter().map(|i| i.site).collect();
    let index = places.iter().enumerate().map(|(i, site)| (*site, i)).collect();
    let at = ByPath::new(sites.into_iter().map(|i| i.path).zip(scales).collect());
    model.attach(name, places, Ia3 { at, index, across })
}

/// The scale of one projection.
#[derive(Module, Debug)]
pub struct Scale {
    /// `[out, 1]`, or `[1, in]` where the input is scaled.
    pub ia3_l: Param<Tensor<2>>,
    #[module(skip)]
    before: bool,
}

impl Scale {
    fn new(l: Tensor<2>, before: bool) -> Self {
        Self { ia3_l: Param::from_tensor(l), before }
    }

    /// `[1, 1, features]`.
    fn features(&self) -> Tensor<3> {
        let l = self.ia3_l.val();
        let [a, b] = l.dims();
        l.reshape([1, 1, a * b])
    }
}

/// Scales on many projections.
#[derive(Module, Debug)]
pub struct Ia3 {
    /// The scales, named by the paths of their projections.
    pub at: ByPath<Scale>,
    #[module(skip)]
    index: BTreeMap<Site, usize>,
    /// The files of the base keep the weights as `[in, out]`.
    #[module(skip)]
    across: bool,
}

impl Part for Ia3 {
    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        match self.index.get(&at.site).and_then(|i| self.at.get(*i)) {
            Some(scale) if scale.before => inner(x * scale.features(), pass),
            Some(scale) => Ok(inner(x, pass)? * scale.features()),
            None => inner(x, pass),
        }
    }

    fn fold(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        let held: Vec<String> = weights.entries().into_iter().map(|e| e.name).collect();
        for (path, scale) in self.at.iter() {
            let (weight, bias) = (format!("{path}.weight"), format!("{path}.bias"));
            let l = scale.ia3_l.val().without_autodiff();
            let old: Tensor<2> = weights.get(&weight)?.without_autodiff();
            weights.set(&weight, old * l.clone())?;
            if !scale.before && held.contains(&bias) {
                let old: Tensor<1> = weights.get(&bias)?.without_autodiff();
                let n = old.dims()[0];
                weights.set(&bias, old * l.reshape([n]))?;
            }
        }
        Ok(Folded::Exact)
    }

    fn save(&self) -> Result<OnDisk> {
        let paths = |which: &dyn Fn(&Scale) -> bool| -> Vec<&String> { self.at.iter().filter(|(_, s)| which(s)).map(|(path, _)| path).collect() };
        let entries = [
            ("fan_in_fan_out", json!(self.across)),
            ("feedforward_modules", json!(paths(&|s| s.before))),
            ("init_ia3_weights", json!(true)),
            ("modules_to_save", Json::Null),
            ("target_modules", json!(paths(&|_| true))),
        ];
        let tensors = self.at.iter().map(|(path, scale)| (format!("{PREFIX}{path}{SUFFIX}"), host(scale.ia3_l.val()))).collect();
        Ok(OnDisk { config: config("IA3", entries), tensors })
    }

    fn starts_as_identity(&self) -> bool {
        self.at.iter().all(|(_, scale)| values(scale.ia3_l.val()).iter().all(|x| *x == 1.0))
    }
}

/// Attaches a folder in PEFT's form as a part of that name.
///
/// # Errors
/// A key that is not known, a shape that does not fit, a module that the model lacks.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    refuse_unknown(&disk.config, &KNOWN)?;
    let mut sites = vec![];
    for tensor in disk.tensors.keys() {
        sites.push(place(tensor, model.spec())?.clone());
    }
    if sites.is_empty() {
        return refuse(TENSORS, format!("at least one tensor {PREFIX}…{SUFFIX}"), "none", "the file is empty");
    }
    let order = |i: &SiteInfo| model.spec().sites.iter().position(|s| s == i);
    sites.sort_by_key(order);
    let feed_forward = names(disk, "feedforward_modules")?;
    complete(disk, &sites, model.spec())?;
    let device = model.device();
    let mut scales = vec![];
    for info in &sites {
        let before = feed_forward.as_ref().map_or(Ok(false), |n| n.names(&info.path))?;
        let [width, out] = info.width;
        let shape = if before { [1, width] } else { [out, 1] };
        scales.push(Scale::new(tensor(disk, &format!("{PREFIX}{}{SUFFIX}", info.path), shape, &device)?, before));
    }
    attach(name, sites, scales, model)
}

fn place<'s>(tensor: &str, spec: &'s Spec) -> Result<&'s SiteInfo> {
    let Some(path) = tensor.strip_prefix(PREFIX).and_then(|n| n.strip_suffix(SUFFIX)) else {
        return refuse(format!("{TENSORS}: {tensor}"), format!("{PREFIX}…{SUFFIX}"), "another tensor", "merge the adapter with PEFT");
    };
    spec.sites.iter().find(|i| i.weight && i.path == path).ok_or_else(|| {
        let near = nearest(path, spec.sites.iter().filter(|i| i.weight).map(|i| i.path.as_str())).unwrap_or_default();
        let remedy = format!("the nearest is {near}; the adapter may belong to another model");
        Error::input(format!("{TENSORS}: {tensor}"), format!("a projection of this {} model", spec.family), path, remedy)
    })
}

fn names(disk: &OnDisk, key: &str) -> Result<Option<Names>> {
    let Some(value) = disk.config.get(key).filter(|v| !inert(v)) else { return Ok(None) };
    let wrong = |_| Error::input(format!("{CONFIG}: {key}"), "names, or a regular expression", value, "correct the file");
    serde_json::from_value(value.clone()).map(Some).map_err(wrong)
}

/// Every projection that target modules name must have come.
fn complete(disk: &OnDisk, sites: &[SiteInfo], spec: &Spec) -> Result<()> {
    let exclude = names(disk, "exclude_modules")?;
    let listed = match names(disk, "target_modules")? {
        Some(Names::List(list)) => list.into_iter().map(|n| Names::List(vec![n])).collect(),
        other => other.into_iter().collect::<Vec<_>>(),
    };
    let named = listed.iter().flat_map(|n| chosen(n, exclude.as_ref(), spec).unwrap_or_default());
    match named.into_iter().find(|i| !sites.contains(i)) {
        Some(lost) => refuse(format!("{TENSORS}: {PREFIX}{}{SUFFIX}", lost.path), "a tensor, as target_modules says", "none", "the file is incomplete"),
        None => Ok(()),
    }
}

register!(Adapter, "ia3", "Learned scales of keys, values and feed-forward activations; saved in PEFT's form", Ia3Options);
register_format!("IA3", load);
