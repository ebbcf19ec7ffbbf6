//! Several adapters of one base as one, in the space of their matrices.
//!
//! What PEFT's `add_weighted_adapter` makes, with the names it has for the ways: `linear` and `ties` (Yadav et al. 2023, arXiv
//! 2306.01708, §3) on A and B by themselves, `cat` side by side, `svd` the best product of a rank. A product `s·B·A` of every adapter
//! counts with its weight w; where A and B are mixed by themselves, each carries √|w·s|, and A its sign.

use crate::decompose::{orthogonal, singular};
use crate::save::{SUFFIX_A, SUFFIX_B};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use tongues_kernel::merging::largest;
use tongues_kernel::{Context, MergeInputs, MergePlan, Merged, Merger, Planned, Read, Result, Setting, Slice, refuse, register};
use tongues_nn::peft::{PREFIX, by_pattern, flag, number};

/// LoRA adapters of one base, combined into one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoraCombine {
    /// How they are combined.
    pub combination_type: Combination,
    /// How much an adapter counts; a model may have its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Setting>,
    /// The rank of the result of `svd`; the largest of the adapters' where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub svd_rank: Option<usize>,
    /// The share of numbers that `ties` keeps of every matrix, those of largest magnitude.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub density: Option<f64>,
    /// How `ties` elects a sign: by the sum of the numbers, or by counting them.
    #[serde(default)]
    pub majority_sign_method: Sign,
}

/// Ways to combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Combination {
    /// Ranks add up; the sum of the products is exact.
    Cat,
    /// Sums of A and of B; wants equal ranks.
    Linear,
    /// Sums of the largest numbers of A and of B where signs agree; wants equal ranks.
    Ties,
    /// The nearest product of a rank to the sum of the products.
    Svd,
}

/// How a sign is elected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// By the sum.
    #[default]
    Total,
    /// By the count.
    Frequency,
}

/// A and B of one place of one adapter, with the factor of their product, weight included.
struct Product {
    a: Vec<f32>,
    b: Vec<f32>,
    rank: usize,
    factor: f64,
}

impl Merger for LoraCombine {
    fn of_adapters(&self) -> bool {
        true
    }

    fn own_settings(&self) -> &'static [&'static str] {
        &["weight"]
    }

    fn plan(&self, inputs: &MergeInputs, _: &mut dyn Context) -> Result<MergePlan> {
        if self.combination_type == Combination::Ties && self.density.is_none() {
            return refuse("lora-combine: density", "a share between 0 and 1 for `ties`", "none", "0.2 keeps the largest fifth");
        }
        inputs.models.iter().try_for_each(|m| check(&m.name, &m.config, m.tensors.keys()))?;
        let places: BTreeSet<&str> = inputs.models.iter().flat_map(|m| m.tensors.keys()).filter_map(|name| name.strip_suffix(SUFFIX_A)).collect();
        let ranks = |place: &str| -> Vec<usize> { inputs.models.iter().filter_map(|m| m.tensors.get(&format!("{place}{SUFFIX_A}"))).map(|s| s[0]).collect() };
        let all: Vec<Vec<usize>> = places.iter().map(|p| ranks(p)).collect();
        if matches!(self.combination_type, Combination::Linear | Combination::Ties)
            && let Some(unequal) = all.iter().find(|ranks| ranks.iter().any(|r| *r != all[0][0]))
        {
            let how = format!("{:?}", self.combination_type).to_lowercase();
            return refuse("lora-combine", format!("adapters of one rank for `{how}`"), format!("{unequal:?} beside {}", all[0][0]), "use `cat` or `svd`");
        }
        let rank = match self.combination_type {
            Combination::Cat => all.iter().map(|ranks| ranks.iter().sum()).max(),
            Combination::Svd => self.svd_rank.or(all.iter().flatten().copied().max()),
            _ => all.iter().flatten().copied().max(),
        };
        let Some(rank) = rank else { return refuse("lora-combine", "adapters with LoRA matrices", "none", "name adapters that adapt something") };
        let outputs = places.iter().flat_map(|place| [SUFFIX_A, SUFFIX_B].map(|suffix| planned(inputs, place, suffix, rank))).collect::<Result<_>>()?;
        Ok(MergePlan { outputs, config: config(inputs, &places, rank), tokenizer: 0, surveys: 0 })
    }

    fn merge<'m>(&'m self, out: &'m Planned, slices: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let is_a = out.name.ends_with(SUFFIX_A);
        let products = self.products(out, slices);
        let rank = if is_a { out.shape[0] } else { out.shape[1] };
        let mixed = |of: &dyn Fn(&Product) -> (&[f32], f64)| self.mixed(&products.iter().map(of).collect::<Vec<_>>());
        let root = |p: &Product| p.factor.abs().sqrt();
        Ok(Merged::Values(match (self.combination_type, is_a) {
            (Combination::Cat, true) => side_by_side_a(&products, out.shape[1], rank),
            (Combination::Cat, false) => side_by_side_b(&products, out.shape[0], rank, |_| 1.0),
            (Combination::Svd, _) => nearest_product(&products, rank, is_a),
            (_, true) => mixed(&|p| (&p.a, root(p) * p.factor.signum())),
            (_, false) => mixed(&|p| (&p.b, root(p))),
        }))
    }
}

impl LoraCombine {
    /// The reads are A and B of every adapter, in turn.
    fn products(&self, out: &Planned, slices: &[Slice<'_>]) -> Vec<Product> {
        let one = |(i, pair): (usize, &[Slice<'_>])| {
            let read = &out.reads[2 * i];
            let weight = out.number(2 * i, "weight", self.weight.as_ref()).unwrap_or(1.0);
            let scale = read.settings.get(SCALE).and_then(|s| s.at("", 0.0)).unwrap_or(1.0);
            let rank = read.settings.get(RANK).and_then(|s| s.at("", 0.0)).unwrap_or(1.0) as usize;
            Product { a: pair[0].values(), b: pair[1].values(), rank, factor: weight * scale }
        };
        slices.chunks(2).enumerate().map(one).collect()
    }

    /// `linear` or `ties` of one of the two matrices.
    fn mixed(&self, matrices: &[(&[f32], f64)]) -> Vec<f32> {
        let n = matrices.first().map_or(0, |(m, _)| m.len());
        if self.combination_type == Combination::Linear {
            return (0..n).map(|i| matrices.iter().map(|(m, w)| w * f64::from(m[i])).sum::<f64>() as f32).collect();
        }
        let k = (self.density.unwrap_or(1.0) * n as f64) as usize;
        let kept: Vec<Vec<f32>> = matrices.iter().map(|(m, _)| trimmed(m, k)).collect();
        let elect = |i: usize| kept.iter().map(|m| if self.majority_sign_method == Sign::Total { f64::from(m[i]) } else { sign(m[i]) }).sum::<f64>() >= 0.0;
        let number = |i: usize| {
            let positive = elect(i);
            let agree = || kept.iter().zip(matrices).filter(move |(m, _)| m[i] != 0.0 && (m[i] > 0.0) == positive);
            (agree().map(|(m, (_, w))| w * f64::from(m[i])).sum::<f64>() / agree().count().max(1) as f64) as f32
        };
        (0..n).map(number).collect()
    }
}

/// Settings that the plan hands on to the merge: what is known of an adapter at one place.
const SCALE: &str = "lora-combine.scale";
const RANK: &str = "lora-combine.rank";

fn sign(x: f32) -> f64 {
    if x == 0.0 { 0.0 } else { f64::from(x.signum()) }
}

/// The `k` numbers of largest magnitude; zeros in the places of the others.
fn trimmed(m: &[f32], k: usize) -> Vec<f32> {
    let threshold = largest(&[Slice::of(m)], k, |x, out| out.copy_from_slice(x[0]));
    m.iter().enumerate().map(|(i, x)| if threshold.takes(i, *x) { *x } else { 0.0 }).collect()
}

/// `[Σ rᵢ, in]`, with the factors; zeros below where adapters lack the place.
fn side_by_side_a(products: &[Product], width: usize, rank: usize) -> Vec<f32> {
    let mut a: Vec<f32> = products.iter().flat_map(|p| p.a.iter().map(move |x| (f64::from(*x) * p.factor) as f32)).collect();
    a.resize(rank * width, 0.0);
    a
}

/// `[out, Σ rᵢ]`.
fn side_by_side_b(products: &[Product], out: usize, rank: usize, factor: impl Fn(&Product) -> f64) -> Vec<f32> {
    let mut b = vec![0f32; out * rank];
    let mut start = 0;
    for product in products {
        for row in 0..out {
            for column in 0..product.rank {
                b[row * rank + start + column] = (f64::from(product.b[row * product.rank + column]) * factor(product)) as f32;
            }
        }
        start += product.rank;
    }
    b
}

/// Σ factor · B·A = Q_b·(R_b·R_aᵀ)·Q_aᵀ, whose core is as small as the ranks together; its singular triplets give the nearest product.
fn nearest_product(products: &[Product], rank: usize, is_a: bool) -> Vec<f32> {
    let together: usize = products.iter().map(|p| p.rank).sum();
    let (out, width) = (products[0].b.len() / products[0].rank.max(1), products[0].a.len() / products[0].rank.max(1));
    let b = side_by_side_b(products, out, together, |p| p.factor);
    let plain: Vec<f32> = products.iter().flat_map(|p| p.a.clone()).collect();
    let a: Vec<f32> = (0..width).flat_map(|column| (0..together).map(move |row| (row, column))).map(|(row, column)| plain[row * width + column]).collect();
    let (left, right) = (orthogonal(&b, [out, together], together.min(out)), orthogonal(&a, [width, together], together.min(width)));
    let (m, n) = (together.min(out), together.min(width));
    let core: Vec<f64> = (0..m)
        .flat_map(|i| (0..n).map(move |j| (i, j)))
        .map(|(i, j)| (0..together).map(|k| left.right[i * together + k] * right.right[j * together + k]).sum())
        .collect();
    let r = rank.min(m).min(n);
    let (triplets, values) = singular(&core, [m, n], r);
    if is_a {
        let number = |i: usize, column: usize| (0..n).map(|k| triplets.right[i * n + k] * right.left[column * n + k]).sum::<f64>() as f32;
        let mut made: Vec<f32> = (0..r).flat_map(|i| (0..width).map(move |c| (i, c))).map(|(i, c)| number(i, c)).collect();
        made.resize(rank * width, 0.0);
        made
    } else {
        let number =
            |row: usize, i: usize| if i < r { (0..m).map(|k| left.left[row * m + k] * triplets.left[k * r + i]).sum::<f64>() * values[i] } else { 0.0 };
        (0..out).flat_map(|row| (0..rank).map(move |i| (row, i))).map(|(row, i)| number(row, i) as f32).collect()
    }
}

/// Adapters that are products alone.
fn check<'n>(name: &str, config: &Map<String, Json>, tensors: impl Iterator<Item = &'n String>) -> Result<()> {
    if config.get("peft_type").and_then(Json::as_str) != Some("LORA") {
        let found = config.get("peft_type").map_or("another kind".into(), Json::to_string);
        return refuse(format!("lora-combine: model `{name}`"), "one LoRA adapter", found, "fold the others into the weights, and merge those");
    }
    let remedy = "fold each adapter into its base (`export`), and merge the models";
    match tensors.into_iter().find(|t| !t.ends_with(SUFFIX_A) && !t.ends_with(SUFFIX_B)) {
        Some(tensor) => refuse(format!("lora-combine: model `{name}`"), "pairs of lora_A and lora_B alone", tensor, remedy),
        None => Ok(()),
    }
}

/// One of the two matrices of a place; it reads both of every adapter that has it.
fn planned(inputs: &MergeInputs, place: &str, suffix: &str, rank: usize) -> Result<Planned> {
    let mut out = Planned { name: format!("{place}{suffix}"), ..Planned::default() };
    let mut sides: Option<[usize; 2]> = None;
    for (i, model) in inputs.models.iter().enumerate() {
        let [a, b] = [SUFFIX_A, SUFFIX_B].map(|s| model.tensors.get(&format!("{place}{s}")));
        let (Some(a), Some(b)) = (a, b) else { continue };
        let found = [b[0], a[1]];
        if let Some(other) = sides.replace(found).filter(|other| *other != found) {
            let at = format!("lora-combine: model `{}`, {place}", model.name);
            return refuse(at, format!("a module of {} to {}", other[1], other[0]), format!("{} to {}", found[1], found[0]), "combine adapters of one base");
        }
        let mut settings = (*model.settings).clone();
        settings.insert(SCALE.into(), scale(&model.config, place, a[0])?.into());
        settings.insert(RANK.into(), (a[0] as f64).into());
        let settings = std::sync::Arc::new(settings);
        out.reads.extend([SUFFIX_A, SUFFIX_B].map(|s| Read { input: i, name: format!("{place}{s}"), settings: settings.clone() }));
    }
    let [rows, width] = sides.unwrap_or_default();
    out.shape = if suffix == SUFFIX_A { vec![rank, width] } else { vec![rows, rank] };
    Ok(out)
}

/// The factor of a place's product.
fn scale(config: &Map<String, Json>, place: &str, rank: usize) -> Result<f64> {
    let path = place.strip_prefix(PREFIX).unwrap_or(place);
    let own: BTreeMap<String, f64> = config.get("alpha_pattern").and_then(|p| serde_json::from_value(p.clone()).ok()).unwrap_or_default();
    let alpha = by_pattern(own.iter().map(|(k, v)| (k, *v)), path)?.map_or_else(|| number(config, "lora_alpha"), Ok)?;
    Ok(if flag(config, "use_rslora")? { alpha / (rank as f64).sqrt() } else { alpha / rank as f64 })
}

/// The first adapter's, with the result's rank, a factor of 1, and the places of all.
fn config(inputs: &MergeInputs, places: &BTreeSet<&str>, rank: usize) -> Map<String, Json> {
    let mut config = inputs.models[0].config.clone();
    let modules: Vec<&str> = places.iter().map(|p| p.strip_prefix(PREFIX).unwrap_or(p)).collect();
    let entries = [
        ("r", json!(rank)),
        ("lora_alpha", json!(rank)),
        ("use_rslora", json!(false)),
        ("rank_pattern", json!({})),
        ("alpha_pattern", json!({})),
        ("init_lora_weights", json!(true)),
        ("target_modules", json!(modules)),
        ("exclude_modules", Json::Null),
        ("layers_to_transform", Json::Null),
        ("layers_pattern", Json::Null),
    ];
    config.extend(entries.map(|(key, value)| (key.to_owned(), value)));
    config
}

register!(Merger, "lora-combine", "LoRA adapters of one base as one: side by side, mixed, or as the nearest product", LoraCombine);
