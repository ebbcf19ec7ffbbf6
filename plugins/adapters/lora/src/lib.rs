//! # lora
//!
//! Low-rank adaptation: beside a frozen projection W, a product of two thin matrices that trains.
//! Paper: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685, §4.1);
//! rank-stabilised scaling: Kalajdzievski 2023, "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA"
//! (arXiv 2312.03732); two learning rates: Hayou et al. 2024, "LoRA+: Efficient Low Rank Adaptation of Large Models"
//! (arXiv 2402.12354).
//!
//! ## What it does
//! `y = W x + s · B A dropout(x)`, with A `[r, in]` drawn uniformly within `1/√in`, B `[out, r]` zero, and s = `lora_alpha / r`
//! (`lora_alpha / √r` with `use_rslora`). The model starts unchanged. After training the product can be written into W, and
//! the adapter can be written as, and read from, a folder in PEFT's form (`peft_type` LORA). With `loraplus_lr_ratio`, B learns
//! so many times faster than A.
//!
//! ## When to use
//! When the model is large, the texts are few, or the old abilities must survive: a few percent of the parameters train, and
//! the old model is one switch away. With new vocabulary, train the new rows beside it.
//!
//! ## Differences from the paper
//! A is drawn as PEFT draws it (Kaiming uniform with a = √5), not from a normal distribution; dropout stands before A, as in
//! the paper's code. Only projections can be adapted: embeddings, convolutions and tied heads are refused. Of PEFT's
//! variants, DoRA, biases, `modules_to_save`, trainable tokens and the initialisations that change the base weights are
//! refused when a folder is read.
//!
//! ## Reproduces
//! Logits of PEFT on random adapters within 1e-4 of their standard deviation, live and folded (`tests/fixtures/peft-lora`).

mod load;
mod pair;
mod part;
mod save;

pub use load::load;
pub use pair::Pair;
pub use part::{Lora, Settings};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::policy::{layer_of, tensor_names};
use tongues_kernel::{Adapter, Context, Model, Policy, Result, SiteInfo, SitePattern, Spec, refuse, register, register_format};

/// Low-rank matrices beside projections; keys and defaults are PEFT's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoraOptions {
    /// Rank of the product.
    #[serde(default = "rank")]
    #[schemars(range(min = 1))]
    pub r: usize,
    /// Numerator of the product's factor.
    #[serde(default = "alpha")]
    pub lora_alpha: f64,
    /// Share of the inputs of A that is dropped while training.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.95))]
    pub lora_dropout: f64,
    /// Which projections: names as in PEFT, or `all-linear` for all but the head.
    #[serde(default)]
    pub target_modules: Targets,
    /// Only in these layers, counted from 0.
    pub layers_to_transform: Option<Vec<usize>>,
    /// Divide by √r instead of r.
    #[serde(default)]
    pub use_rslora: bool,
    /// LoRA+: the learning rate of B is that of A times this; the paper tries 16. It also multiplies the rates of `weights` rules.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub loraplus_lr_ratio: Option<f64>,
    /// Name of the part, the middle of its tensors' names: `parts.<name>.…`.
    #[serde(default = "name")]
    pub name: String,
}

fn rank() -> usize {
    8
}
fn alpha() -> f64 {
    8.0
}
fn name() -> String {
    "lora".into()
}

/// Which projections are adapted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Targets {
    /// One word for many.
    Word(Word),
    /// Module names: a path equal to the entry or ending in `.entry`.
    Modules(Vec<String>),
}

/// A word for many projections.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Every projection but the head.
    AllLinear,
}

impl Default for Targets {
    fn default() -> Self {
        Self::Modules(vec!["q_proj".into(), "v_proj".into()])
    }
}

impl Targets {
    fn names(&self) -> Vec<String> {
        match self {
            Self::Word(Word::AllLinear) => vec!["all-linear".into()],
            Self::Modules(names) => names.clone(),
        }
    }
}

impl Adapter for LoraOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        if self.name.is_empty() {
            return refuse("lora: name", "a name for the part", "an empty text", "leave the key out for `lora`");
        }
        let sites = chosen(&self.target_modules.names(), self.layers_to_transform.as_deref(), model.spec())?;
        let draws = cx.draws().stream(&self.name);
        let device = model.device();
        let pairs = sites.iter().map(|info| Pair::fresh(info, self.r, draws.stream(&info.path), &device)).collect();
        let settings = Settings {
            r: self.r,
            lora_alpha: self.lora_alpha,
            lora_dropout: self.lora_dropout,
            use_rslora: self.use_rslora,
            alphas: vec![self.lora_alpha; sites.len()],
            target_modules: target_modules(&sites, self.layers_to_transform.as_deref(), model.spec()),
            layers_to_transform: self.layers_to_transform.clone(),
            fan_in_fan_out: lie_across(&sites, model.spec()),
        };
        model.attach(&self.name, sites.iter().map(|i| i.site).collect(), Lora::new(&sites, pairs, settings))?;
        if let Some(ratio) = self.loraplus_lr_ratio {
            learn_faster(model, &self.name, ratio);
        }
        Ok(())
    }
}

/// Policies of a part's tensors: B's rate is `ratio` times that of A.
fn learn_faster(model: &mut Model, part: &str, ratio: f64) {
    for name in tensor_names(model).into_iter().map(|e| e.name).filter(|n| n.starts_with(&format!("parts.{part}."))) {
        let learning_rate_factor = if name.ends_with(save::SUFFIX_B) { ratio } else { 1.0 };
        model.policies.insert(name, Policy { learning_rate_factor, ..Policy::free() });
    }
}

/// The projections that names and layers choose, in the model's order.
///
/// # Errors
/// A name or a layer that chooses nothing, or a place that is no projection.
fn chosen(names: &[String], layers: Option<&[usize]>, spec: &Spec) -> Result<Vec<SiteInfo>> {
    if names.is_empty() {
        return refuse("lora: target_modules", "at least one module", "an empty list", "leave the key out for q_proj and v_proj, or write \"all-linear\"");
    }
    let mut sites = SitePattern { target_modules: names.to_vec(), ..SitePattern::default() }.select(spec)?;
    if let Some(bare) = sites.iter().find(|i| !i.weight) {
        let found = format!("{}, which has no weight of its own", bare.path);
        return refuse("lora: target_modules", "projections", found, "embeddings and tied heads cannot be adapted this way; train their rows instead");
    }
    let Some(layers) = layers else { return Ok(sites) };
    sites.retain(|i| in_layers(i, layers));
    match layers.iter().find(|l| !sites.iter().any(|i| layer_of(&i.path) == Some(**l))) {
        Some(lost) => refuse("lora: layers_to_transform", "layers that hold one of the target modules, counted from 0", lost, "correct the list"),
        None if sites.is_empty() => refuse("lora: layers_to_transform", "at least one layer", "an empty list", "leave the key out for all layers"),
        None => Ok(sites),
    }
}

/// The files of the base keep these projections' weights as `[in, out]`.
fn lie_across(sites: &[SiteInfo], spec: &Spec) -> bool {
    sites.iter().any(|i| spec.is_transposed(&format!("{}.weight", i.path)))
}

fn in_layers(info: &SiteInfo, layers: &[usize]) -> bool {
    layer_of(&info.path).is_some_and(|l| layers.contains(&l))
}

/// The shortest list of PEFT module names that chooses exactly these places: last names where they suffice, else full paths.
fn target_modules(sites: &[SiteInfo], layers: Option<&[usize]>, spec: &Spec) -> Vec<String> {
    let mut last: Vec<String> = sites.iter().filter_map(|i| i.path.rsplit('.').next()).map(String::from).collect();
    last.sort_unstable();
    last.dedup();
    let exact = chosen(&last, layers, spec).is_ok_and(|found| found == sites);
    if exact { last } else { sites.iter().map(|i| i.path.clone()).collect() }
}

register!(Adapter, "lora", "Low-rank matrices beside frozen projections; saved in PEFT's form", LoraOptions);
register_format!("LORA", load);
