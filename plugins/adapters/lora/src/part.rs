//! The part: matrices beside projections and embeddings, rows of the table that train, and copies of whole modules.

use crate::embedding::ids;
use crate::{Pair, Rows, Tokens, save};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{At, Folded, Inner, Linear, OnDisk, Part, Pass, Result, Role, Site, SiteInfo, Weights};
use tongues_nn::Embedding;
use tongues_nn::peft::ByPath;

/// What is told of all pairs; keys are PEFT's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Rank of pairs that the file names no other for.
    pub r: usize,
    /// Numerator of the factor of pairs that the file names no other for.
    pub lora_alpha: f64,
    /// Share of dropped inputs while training.
    pub lora_dropout: f64,
    /// The factor is divided by √r instead of r.
    pub use_rslora: bool,
    /// Numerators of single places, by path.
    pub alphas: BTreeMap<String, f64>,
    /// Names that choose the places.
    pub target_modules: Vec<String>,
    /// Layers that choose the places.
    pub layers_to_transform: Option<Vec<usize>>,
    /// The files of the base keep the projections' weights as `[in, out]`; the pairs are the same.
    pub fan_in_fan_out: bool,
    /// Paths of copied modules that files keep as `[in, out]`.
    pub across: Vec<String>,
    /// Names of the modules that train as a whole.
    pub modules_to_save: Option<Vec<String>>,
    /// Ids of the tokens whose rows train, as the file or the recipe says it.
    pub trainable_token_indices: Json,
    /// B has a bias.
    pub lora_bias: bool,
    /// The rows of each weight have lengths of their own.
    pub use_dora: bool,
}

/// What a part is made of.
#[derive(Default)]
pub struct Pieces {
    /// Pairs beside projections.
    pub pairs: Vec<(SiteInfo, Pair)>,
    /// Matrices beside the embeddings.
    pub rows: Option<(SiteInfo, Rows)>,
    /// Rows of the embeddings that train.
    pub tokens: Option<(SiteInfo, Tokens)>,
    /// Modules that train as a whole: weight `[out, in]`, or the table `[V, D]`.
    pub saved: Vec<(SiteInfo, Linear)>,
    /// The head is the embedding table.
    pub tied: Option<Site>,
    /// What the family multiplies embeddings by.
    pub factor: f64,
    /// Made now, not read.
    pub fresh: bool,
}

impl Pieces {
    /// Where the part sits.
    pub fn sites(&self) -> Vec<Site> {
        let mut all: Vec<Site> = self.pairs.iter().map(|(i, _)| i.site).collect();
        all.extend(self.rows.iter().map(|(i, _)| i.site).chain(self.tokens.iter().map(|(i, _)| i.site)).chain(self.saved.iter().map(|(i, _)| i.site)));
        all.extend(self.tied.filter(|_| self.tokens.is_some()));
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Low-rank matrices on many projections, and what goes with them.
#[derive(Module, Debug)]
pub struct Lora {
    /// The pairs, named by the paths of their projections.
    pub at: ByPath<Pair>,
    /// Matrices beside the embeddings; at most one.
    pub rows: ByPath<Rows>,
    /// Rows of the embeddings that train; at most one.
    pub tokens: ByPath<Tokens>,
    /// Modules that train as a whole.
    pub saved: ByPath<Linear>,
    #[module(skip)]
    pub(crate) settings: Settings,
    #[module(skip)]
    index: BTreeMap<Site, usize>,
    #[module(skip)]
    saved_at: BTreeMap<Site, usize>,
    /// The head, where it is the embedding table.
    #[module(skip)]
    pub(crate) tied: Option<Site>,
    factor: f64,
    fresh: bool,
    /// The head or the embeddings are a copy of their own.
    pub(crate) own_table: bool,
}

impl Lora {
    /// From its pieces.
    pub fn new(pieces: Pieces, settings: Settings) -> Self {
        fn by_path<M>(list: impl IntoIterator<Item = (SiteInfo, M)>) -> ByPath<M> {
            ByPath::new(list.into_iter().map(|(info, m)| (info.path, m)).collect())
        }
        let index = pieces.pairs.iter().enumerate().map(|(i, (info, _))| (info.site, i)).collect();
        let saved_at = pieces.saved.iter().enumerate().map(|(i, (info, _))| (info.site, i)).collect();
        let own_table = pieces.rows.is_some() || pieces.saved.iter().any(|(i, _)| matches!(i.site.role, Role::Embeddings | Role::Head));
        let Pieces { pairs, rows, tokens, saved, tied, factor, fresh } = pieces;
        let (at, rows, tokens, saved) = (by_path(pairs), by_path(rows), by_path(tokens), by_path(saved));
        Self { at, rows, tokens, saved, settings, index, saved_at, tied, factor, fresh, own_table }
    }

    /// The product's factor of each pair: alpha / r, or alpha / √r.
    pub fn scale(&self, index: usize) -> f64 {
        self.at.iter().nth(index).map_or(0.0, |(path, pair)| self.settings.scale(path, pair.rank()))
    }

    fn on_embeddings(&self, mut y: Tensor<3>, at: At<'_>, pass: &Pass<'_>) -> Result<Tensor<3>> {
        let Some(ids) = ids(pass, at.site.stack)? else { return Ok(y) };
        if let Some(copy) = self.saved_at.get(&at.site).and_then(|i| self.saved.get(*i)) {
            y = Embedding { weight: copy.weight.clone() }.forward(ids.clone()) * self.factor;
        }
        for (path, rows) in self.rows.iter() {
            y = rows.beside(y, self.settings.scale(path, rows.rank()) * self.factor, ids.clone())?;
        }
        Ok(self.tokens.iter().fold(y, |y, (_, tokens)| tokens.replaced(y, self.factor, ids.clone())))
    }
}

impl Settings {
    /// The product's factor at a path: alpha / r, or alpha / √r.
    pub fn scale(&self, path: &str, r: usize) -> f64 {
        let alpha = self.alphas.get(path).copied().unwrap_or(self.lora_alpha);
        let r = r as f64;
        alpha / if self.use_rslora { r.sqrt() } else { r }
    }
}

impl Part for Lora {
    fn has_own_vocabulary(&self) -> bool {
        false
    }

    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        if at.site.role == Role::Embeddings {
            let y = inner(x, pass)?;
            return self.on_embeddings(y, at, pass);
        }
        if let Some(copy) = self.saved_at.get(&at.site).and_then(|i| self.saved.get(*i)) {
            return Ok(copy.forward(x));
        }
        let y = inner(x.clone(), pass)?;
        if let (true, Some((_, tokens))) = (self.tied == Some(at.site), self.tokens.iter().next()) {
            return Ok(tokens.read_out(y, x));
        }
        let Some((index, pair)) = self.index.get(&at.site).and_then(|i| Some((*i, self.at.get(*i)?))) else { return Ok(y) };
        let drops = pass.call.training && self.settings.lora_dropout > 0.0;
        let x = pass.dropout(x, self.settings.lora_dropout, at.site);
        Ok(pair.beside(at.linear, x, y, self.scale(index), drops))
    }

    fn fold(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        self.folded(weights)
    }

    fn save(&self) -> Result<OnDisk> {
        Ok(save::on_disk(self))
    }

    /// As it was attached, with every B zero or where it started. Rows that a tied head reads are multiplied apart from the
    /// others, which is the same up to rounding only.
    fn starts_as_identity(&self) -> bool {
        let rows = |r: &Rows| tongues_kernel::values(r.lora_embedding_A.val()).iter().all(|x| *x == 0.0);
        let apart = self.tied.is_some() && self.tokens.iter().next().is_some();
        self.fresh && !apart && self.at.iter().all(|(_, pair)| pair.is_zero()) && self.rows.iter().all(|(_, r)| rows(r))
    }
}
