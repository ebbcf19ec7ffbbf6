//! The part: one pair of matrices a projection, on the activation side.

use crate::{Pair, save};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{At, Folded, Inner, OnDisk, Part, Pass, Result, Site, SiteInfo, Weights, values};
use tongues_nn::ByPath;
use tongues_ops::add_low_rank;

/// What is told of all pairs; keys are PEFT's.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Rank of pairs that the file names no other for.
    pub r: usize,
    /// Numerator of the factor of pairs that the file names no other for.
    pub lora_alpha: f64,
    /// Share of dropped inputs while training.
    pub lora_dropout: f64,
    /// The factor is divided by √r instead of r.
    pub use_rslora: bool,
    /// The numerator of each pair.
    pub alphas: Vec<f64>,
    /// Names that choose the places.
    pub target_modules: Vec<String>,
    /// Layers that choose the places.
    pub layers_to_transform: Option<Vec<usize>>,
    /// The files of the base keep the projections' weights as `[in, out]`; the pairs are the same.
    pub fan_in_fan_out: bool,
}

/// Low-rank matrices on many projections.
#[derive(Module, Debug)]
pub struct Lora {
    /// The pairs, named by the paths of their projections.
    pub at: ByPath<Pair>,
    #[module(skip)]
    pub(crate) settings: Settings,
    #[module(skip)]
    index: BTreeMap<Site, usize>,
}

impl Lora {
    /// Pairs on places, in the same order.
    pub fn new(sites: &[SiteInfo], pairs: Vec<Pair>, settings: Settings) -> Self {
        let index = sites.iter().enumerate().map(|(i, info)| (info.site, i)).collect();
        let list = sites.iter().map(|info| info.path.clone()).zip(pairs).collect();
        Self { at: ByPath::new(list), settings, index }
    }

    /// The product's factor of each pair: alpha / r, or alpha / √r.
    pub fn scale(&self, index: usize) -> f64 {
        let r = self.at.get(index).map_or(1, |(_, pair)| pair.rank()) as f64;
        let alpha = self.settings.alphas.get(index).copied().unwrap_or(self.settings.lora_alpha);
        alpha / if self.settings.use_rslora { r.sqrt() } else { r }
    }
}

impl Part for Lora {
    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = inner(x.clone(), pass)?;
        let Some((index, pair)) = self.index.get(&at.site).and_then(|i| Some((*i, &self.at.get(*i)?.1))) else { return Ok(y) };
        let x = pass.dropout(x, self.settings.lora_dropout, at.site);
        Ok(add_low_rank(y, x, pair.lora_A.weight.val(), pair.lora_B.weight.val(), self.scale(index)))
    }

    fn fold(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        for (i, (path, pair)) in self.at.iter().enumerate() {
            weights.add(&format!("{path}.weight"), pair.product() * self.scale(i))?;
        }
        Ok(Folded::Exact)
    }

    fn save(&self) -> Result<OnDisk> {
        Ok(save::on_disk(self))
    }

    /// True while every B is zero.
    fn starts_as_identity(&self) -> bool {
        self.at.iter().all(|(_, pair)| values(pair.lora_B.weight.val()).iter().all(|x| *x == 0.0))
    }
}
