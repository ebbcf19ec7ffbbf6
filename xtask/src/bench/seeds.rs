//! A recipe run with several seeds, and what came out.

use crate::repro::hash;
use crate::tree;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Runs `recipes/<name>.toml` with seeds from 1 on and gives their reports. Finished seeds of the same recipe, code and
/// vector instructions are taken as they are.
pub fn reports(root: &Path, name: &str, seeds: usize) -> Result<Vec<Value>> {
    ensure!(seeds >= 2, "--seeds: at least 2 were expected");
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "--bin", "tongues"]))?;
    let (target, recipe) = (tree::target(root), root.join(format!("recipes/{name}.toml")));
    let text = std::fs::read_to_string(&recipe).with_context(|| recipe.display().to_string())?;
    let id = &hash::of_parts(&[&text, &hash::code_of(root, &text, &[], true)?, hash::simd()])[..12];
    (1..=seeds)
        .map(|seed| {
            let out = target.join(format!("bench-{name}/{id}/seed-{seed}"));
            let report = out.join("report.json");
            if !report.is_file() {
                eprintln!("seed {seed}");
                let mut command = Command::new(target.join("release/tongues"));
                command.arg("run").arg(&recipe).args(["--set", &format!("seed={seed}"), "--out"]).arg(&out);
                if out.join("resume").is_dir() {
                    command.arg("--resume");
                }
                tree::call(&mut command)?;
            }
            let text = std::fs::read_to_string(&report).with_context(|| report.display().to_string())?;
            serde_json::from_str(&text).with_context(|| report.display().to_string())
        })
        .collect()
}

/// Mean and standard deviation over seeds.
pub fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}
