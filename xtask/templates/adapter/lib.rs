//! # __name__
//!
//! Scales what chosen projections give, feature by feature.
//! Paper: none; this is the skeleton that `cargo xtask new-plugin` writes. Name the paper, its number and its section here.
//!
//! ## What it does
//! `y = (1 + s) · W x`, with one `s` per output feature, zero at first: the model starts unchanged. Folds into W and its bias.
//!
//! ## When to use
//! As a starting point for an adapter that sits on projections.
//!
//! ## Differences from the paper
//! There is no paper yet.
//!
//! ## Reproduces
//! No published number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Adapter, At, Context, Folded, Inner, Model, OnDisk, Part, Pass, Result, SiteInfo, SitePattern, Weights, burn, refuse, register, register_format, values,
};

/// Which projections are scaled.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct __Type__Options {
    /// Module names: a path equal to the entry or ending in `.entry`; `all-linear` for all but the head.
    #[serde(default = "all")]
    pub target_modules: Vec<String>,
}

fn all() -> Vec<String> {
    vec!["all-linear".into()]
}

impl Adapter for __Type__Options {
    fn attach(&self, model: &mut Model, _: &mut dyn Context) -> Result<()> {
        let sites = SitePattern { target_modules: self.target_modules.clone(), ..SitePattern::default() }.select(model.spec())?;
        let device = model.device();
        let scales = sites.iter().map(|i| Tensor::zeros([i.width[1]], &device)).collect();
        attach("__name__", sites, scales, model)
    }
}

fn attach(name: &str, sites: Vec<SiteInfo>, scales: Vec<Tensor<1>>, model: &mut Model) -> Result<()> {
    if let Some(bare) = sites.iter().find(|i| !i.weight) {
        return refuse("__name__: target_modules", "projections", &bare.path, "name modules with a weight of their own");
    }
    let places = sites.iter().map(|i| i.site).collect();
    model.attach(name, places, __Type__ { scales: scales.into_iter().map(Param::from_tensor).collect(), sites })
}

/// One scale a projection.
#[derive(Module, Debug)]
pub struct __Type__ {
    /// `[out]` each, in the order of the places.
    pub scales: Vec<Param<Tensor<1>>>,
    #[module(skip)]
    sites: Vec<SiteInfo>,
}

impl __Type__ {
    fn pairs(&self) -> impl Iterator<Item = (&SiteInfo, Tensor<1>)> {
        self.sites.iter().zip(self.scales.iter().map(Param::val))
    }
}

impl Part for __Type__ {
    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = inner(x, pass)?;
        let own = self.pairs().find(|(info, _)| info.site == at.site);
        Ok(own.map_or_else(|| y.clone(), |(_, scale)| y.clone() * (scale + 1.0).unsqueeze::<3>()))
    }

    fn fold(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        let held: Vec<String> = weights.entries().into_iter().map(|e| e.name).collect();
        for (info, scale) in self.pairs() {
            let factor = scale.without_autodiff() + 1.0;
            let (weight, bias) = (format!("{}.weight", info.path), format!("{}.bias", info.path));
            let old: Tensor<2> = weights.get(&weight)?;
            weights.set(&weight, old.without_autodiff() * factor.clone().unsqueeze_dim::<2>(1))?;
            if held.contains(&bias) {
                let old: Tensor<1> = weights.get(&bias)?;
                weights.set(&bias, old.without_autodiff() * factor)?;
            }
        }
        Ok(Folded::Exact)
    }

    fn save(&self) -> Result<OnDisk> {
        let config = Map::from_iter([("peft_type".to_owned(), json!("__name__"))]);
        let tensors = self.pairs().map(|(info, scale)| (info.path.clone(), (scale.dims().to_vec(), values(scale)))).collect();
        Ok(OnDisk { config, tensors })
    }

    fn starts_as_identity(&self) -> bool {
        self.pairs().all(|(_, scale)| values(scale).iter().all(|s| *s == 0.0))
    }
}

/// Reads the folder back.
fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let known: BTreeMap<String, SiteInfo> = model.spec().sites.iter().filter(|i| i.weight).map(|i| (i.path.clone(), i.clone())).collect();
    let device = model.device();
    let (mut sites, mut scales) = (vec![], vec![]);
    for (path, (shape, held)) in &disk.tensors {
        let Some(info) = known.get(path) else {
            return refuse(format!("__name__: {path}"), "a projection of this model", "none of that name", "the adapter belongs to another model");
        };
        if shape[..] != [info.width[1]] || held.len() != info.width[1] {
            return refuse(format!("__name__: {path}"), format!("{} values", info.width[1]), held.len(), "the adapter belongs to another model");
        }
        sites.push(info.clone());
        scales.push(Tensor::from_data(TensorData::new(held.clone(), [held.len()]), &device));
    }
    attach(name, sites, scales, model)
}

register!(Adapter, "__name__", "Scales what chosen projections give", __Type__Options);
register_format!("__name__", load);
