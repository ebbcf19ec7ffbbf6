//! Opens the checkpoints that `tongues` writes with transformers and PEFT.
//!
//! The only chore that needs Python and the network; everything lies under `target/`.

use crate::tree;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Texts whose token ids are compared: spaces, line ends, digits, and letters of one to four bytes.
const TEXTS: [&str; 5] = ["tongues", " two  spaces and a line\n\tend ", "in 1999 it cost 3.50", "Ünïcödé ß ſ ﬁ İ", "漢字 かな ไทย 🙂"];
/// What is run, with a llama network of its own.
const RECIPE: &str = "xtask/interop.toml";
/// Families, and the networks that stand in its place; windows are shorter than the probe's rows.
const FAMILIES: [(&str, &str); 8] = [
    ("llama", ""),
    (
        "mistral",
        r#"scratch = { use = "mistral", tokenizer = "pivot", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, head_dim = 12, sliding_window = 5, initializer_range = 0.1, max_position_embeddings = 128 }"#,
    ),
    (
        "qwen2",
        r#"scratch = { use = "qwen2", tokenizer = "pivot", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, use_sliding_window = true, sliding_window = 5, max_window_layers = 1, initializer_range = 0.1, max_position_embeddings = 128, rope_scaling = { rope_type = "yarn", factor = 2.0, original_max_position_embeddings = 64 } }"#,
    ),
    (
        "qwen3",
        r#"scratch = { use = "qwen3", tokenizer = "pivot", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, head_dim = 12, attention_bias = true, tie_word_embeddings = true, initializer_range = 0.1, max_position_embeddings = 128 }"#,
    ),
    (
        "gemma2",
        r#"scratch = { use = "gemma2", tokenizer = "pivot", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, head_dim = 12, query_pre_attn_scalar = 10, sliding_window = 5, attn_logit_softcapping = 5.0, final_logit_softcapping = 7.0, initializer_range = 0.1, max_position_embeddings = 128 }"#,
    ),
    (
        "gemma3",
        r#"scratch = { use = "gemma3_text", tokenizer = "pivot", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 3, num_attention_heads = 4, num_key_value_heads = 2, head_dim = 12, query_pre_attn_scalar = 10, sliding_window = 5, sliding_window_pattern = 3, rope_scaling = { rope_type = "linear", factor = 4.0 }, initializer_range = 0.1, max_position_embeddings = 128 }"#,
    ),
    (
        "gpt2",
        r#"scratch = { use = "gpt2", tokenizer = "pivot", n_embd = 32, n_layer = 2, n_head = 4, n_inner = 48, n_positions = 128, scale_attn_by_inverse_layer_idx = true, initializer_range = 0.1 }"#,
    ),
    ("bloom", r#"scratch = { use = "bloom", tokenizer = "pivot", hidden_size = 36, n_layer = 2, n_head = 6, initializer_range = 0.1 }"#),
];
const REQUIREMENTS: &str = "xtask/python/requirements.txt";

/// Makes the virtual environment where it is missing, runs the recipe, writes what `tongues` computes, and compares.
///
/// # Errors
/// One of these steps fails; the comparison's own table says what differs.
pub fn run(root: &Path) -> Result<()> {
    let target = tree::target(root);
    let python = environment(root, &target.join("interop-venv"))?;
    let text = tree::text(root, RECIPE)?;
    for (family, scratch) in FAMILIES {
        println!("== {family}");
        let folder = target.join("interop").join(family);
        let recipe = folder.join("recipe.toml");
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        std::fs::write(&recipe, of_family(&text, scratch)?).with_context(|| recipe.display().to_string())?;
        one(root, &python, &recipe, &folder).with_context(|| format!("family {family}"))?;
    }
    Ok(())
}

/// The recipe with another fresh network.
fn of_family(recipe: &str, scratch: &str) -> Result<String> {
    let is_scratch = |line: &&str| line.starts_with("scratch = ");
    ensure!(recipe.lines().filter(is_scratch).count() == 1, "{RECIPE}: one line `scratch = …` was expected");
    let lines: Vec<&str> = recipe.lines().map(|line| if is_scratch(&line) && !scratch.is_empty() { scratch } else { line }).collect();
    Ok(lines.join("\n") + "\n")
}

/// Runs a recipe and compares what it wrote.
fn one(root: &Path, python: &Path, recipe: &Path, folder: &Path) -> Result<()> {
    let (out, probe) = (folder.join("run"), folder.join("probe"));
    tongues(root, &["run".as_ref(), recipe, "--out".as_ref(), out.as_ref(), "--overwrite".as_ref()])?;
    let stages = out.join("stages");
    let models = [("--base", stages.join("adapted/checkpoint")), ("--adapter", stages.join("adapted/adapter")), ("--folded", stages.join("folded/checkpoint"))];
    let folders: Vec<&Path> = models.iter().flat_map(|(flag, path)| [Path::new(*flag), path.as_path()]).collect();
    let texts: Vec<&Path> = TEXTS.iter().flat_map(|text| ["--text", *text]).map(Path::new).collect();
    tongues(root, &[&["probe".as_ref()], folders.as_slice(), &texts, &["--out".as_ref(), probe.as_ref()]].concat())?;
    let mut compare = Command::new(python);
    compare.arg(root.join("xtask/python/interop.py")).args(&folders).arg("--probe").arg(probe.join("probe.safetensors"));
    tree::call(&mut compare)
}

fn tongues(root: &Path, arguments: &[&Path]) -> Result<()> {
    tree::call(tree::cargo(root).args(["run", "--release", "--quiet", "--bin", "tongues", "--"]).args(arguments))
}

/// The environment's Python, with exactly the pinned packages in it.
pub fn environment(root: &Path, folder: &Path) -> Result<PathBuf> {
    environment_with(root, folder, REQUIREMENTS)
}

/// The same with the packages of another list.
pub fn environment_with(root: &Path, folder: &Path, requirements: &str) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if !python.is_file() {
        tree::call(Command::new("python3").args(["-m", "venv"]).arg(folder)).context("python3 with its venv module is needed")?;
    }
    let wanted = tree::text(root, requirements)?;
    if !has(&installed(&python)?, &wanted) {
        tree::call(
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(root.join(requirements)),
        )?;
    }
    Ok(python)
}

fn installed(python: &Path) -> Result<String> {
    let output = Command::new(python).args(["-m", "pip", "freeze", "--disable-pip-version-check"]).output().context("pip freeze")?;
    ensure!(output.status.success(), "pip freeze failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Every pinned line is installed; a suffix such as `+cpu` names a build of the same version.
fn has(installed: &str, wanted: &str) -> bool {
    let pins = wanted.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let versions: Vec<&str> = installed.lines().map(|l| l.split_once('+').map_or(l, |(version, _)| version).trim()).collect();
    pins.into_iter().all(|pin| versions.iter().any(|v| v.eq_ignore_ascii_case(pin)))
}

#[cfg(test)]
mod tests {
    use super::{FAMILIES, has, of_family};

    #[test]
    fn a_family_stands_in_the_place_of_the_first() {
        let recipe = "a = 1\nscratch = { use = \"x\" }\nb = 2\n";
        assert_eq!(of_family(recipe, FAMILIES[0].1).expect("one line"), recipe);
        assert_eq!(of_family(recipe, "scratch = {}").expect("one line"), "a = 1\nscratch = {}\nb = 2\n");
        assert!(of_family("a = 1\n", "").is_err());
    }

    #[test]
    fn pinned_versions_are_compared_exactly() {
        let wanted = "torch==2.9.0\n# comment\nPEFT==0.18.0\n";
        assert!(has("torch==2.9.0+cpu\npeft==0.18.0\nother==1\n", wanted));
        assert!(!has("torch==2.9.1\npeft==0.18.0\n", wanted));
        assert!(!has("torch==2.9.0\n", wanted));
    }
}
