//! The toy once more, in plain f64 loops without the kernel: what the sketches are held against.

use super::toy::{HEADS, WIDTH};
use std::collections::BTreeMap;

/// Tensor name to (shape, values).
pub type Values = BTreeMap<String, (Vec<usize>, Vec<f64>)>;
type Rows = Vec<Vec<f64>>;

/// What a sketch does to the network.
#[derive(Clone, Default)]
pub struct Tweaks {
    /// Keys and values before the others, per layer: each `[prefix][WIDTH]`, heads side by side.
    pub prefix: Vec<(Rows, Rows)>,
    /// Added to the heads' outputs, per layer `[WIDTH]`.
    pub offsets: Vec<Vec<f64>>,
    /// Walk only so many blocks.
    pub depth: Option<usize>,
}

fn matrix<'v>(values: &'v Values, name: &str) -> (&'v [f64], usize) {
    let (shape, data) = values.get(name).unwrap_or_else(|| panic!("no tensor {name}"));
    (data, *shape.last().unwrap())
}

fn row(values: &Values, name: &str, index: usize) -> Vec<f64> {
    let (data, width) = matrix(values, name);
    data[index * width..(index + 1) * width].to_vec()
}

fn linear(values: &Values, name: &str, x: &[f64]) -> Vec<f64> {
    let (data, width) = matrix(values, name);
    data.chunks(width).map(|w| w.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
}

fn plus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::MIN, f64::max);
    let all: Vec<f64> = scores.iter().map(|s| (s - most).exp()).collect();
    let sum: f64 = all.iter().sum();
    all.into_iter().map(|a| a / sum).collect()
}

fn attention(values: &Values, layer: usize, x: &Rows, tweaks: &Tweaks) -> Rows {
    let name = |p: &str| format!("model.layers.{layer}.self_attn.{p}_proj.weight");
    let project = |p: &str| x.iter().map(|x| linear(values, &name(p), x)).collect::<Rows>();
    let (q, mut k, mut v) = (project("q"), project("k"), project("v"));
    let ahead = tweaks.prefix.get(layer).map_or(0, |(keys, vals)| {
        k.splice(0..0, keys.clone());
        v.splice(0..0, vals.clone());
        keys.len()
    });
    let size = WIDTH / HEADS;
    let one = |t: usize| -> Vec<f64> {
        let mut out = vec![];
        for h in 0..HEADS {
            let part = h * size..(h + 1) * size;
            let score = |j: usize| q[t][part.clone()].iter().zip(&k[j][part.clone()]).map(|(a, b)| a * b).sum::<f64>() / (size as f64).sqrt();
            let weights = softmax(&(0..=t + ahead).map(score).collect::<Vec<_>>());
            out.extend(part.map(|i| weights.iter().enumerate().map(|(j, w)| w * v[j][i]).sum::<f64>()));
        }
        if let Some(offset) = tweaks.offsets.get(layer) { plus(&out, offset) } else { out }
    };
    (0..x.len()).map(|t| linear(values, &name("o"), &one(t))).collect()
}

fn block(values: &Values, layer: usize, x: &Rows, tweaks: &Tweaks) -> Rows {
    let x: Rows = x.iter().zip(attention(values, layer, x, tweaks)).map(|(x, a)| plus(x, &a)).collect();
    let mlp = |x: &Vec<f64>| {
        let up: Vec<f64> = linear(values, &format!("model.layers.{layer}.mlp.up_proj.weight"), x).into_iter().map(f64::tanh).collect();
        linear(values, &format!("model.layers.{layer}.mlp.down_proj.weight"), &up)
    };
    x.iter().map(|x| plus(x, &mlp(x))).collect()
}

/// The residual stream after the walked blocks `[time][WIDTH]`.
pub fn hidden(values: &Values, ids: &[u32], tweaks: &Tweaks) -> Rows {
    let embed = |(t, id): (usize, &u32)| plus(&row(values, "model.embed_tokens.weight", *id as usize), &row(values, "model.embed_positions.weight", t));
    let layers = (0..).take_while(|l| values.contains_key(&format!("model.layers.{l}.mlp.up_proj.weight"))).count();
    let start: Rows = ids.iter().enumerate().map(embed).collect();
    (0..tweaks.depth.unwrap_or(layers)).fold(start, |x, layer| block(values, layer, &x, tweaks))
}

/// `[time][vocabulary]`.
pub fn logits(values: &Values, ids: &[u32], tweaks: &Tweaks) -> Rows {
    let scale = &values["model.norm.weight"].1;
    let read = |x: Vec<f64>| {
        let rms = (x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64 + 1e-6).sqrt();
        let normed: Vec<f64> = x.iter().zip(scale).map(|(x, s)| x / rms * s).collect();
        linear(values, "lm_head.weight", &normed)
    };
    hidden(values, ids, tweaks).into_iter().map(read).collect()
}

/// Log-probability of every token after the first.
pub fn log_probabilities(values: &Values, ids: &[u32], tweaks: &Tweaks) -> Vec<f64> {
    let logits = logits(values, ids, tweaks);
    ids.iter().skip(1).zip(&logits).map(|(id, row)| softmax(row)[*id as usize].ln()).collect()
}

/// Summed negative log-likelihood.
pub fn loss(values: &Values, ids: &[u32], tweaks: &Tweaks) -> f64 {
    -log_probabilities(values, ids, tweaks).iter().sum::<f64>()
}

/// `a [n, k] · b [k, m]`, both flat.
pub fn product(a: &[f64], b: &[f64], k: usize) -> Vec<f64> {
    let m = b.len() / k;
    a.chunks(k).flat_map(|row| (0..m).map(move |j| row.iter().enumerate().map(|(i, x)| x * b[i * m + j]).sum())).collect()
}

/// Central difference of `f` in one number.
pub fn slope(f: impl Fn(f64) -> f64) -> f64 {
    let step = 1e-5;
    (f(step) - f(-step)) / (2.0 * step)
}
