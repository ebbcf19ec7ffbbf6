//! A small recipe, and the program around it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A small run: two languages of the world, a tiny llama, an adapted one, scores.
pub const SMALL: &str = r#"
recipe = 1
name = "small"
seed = 3
[data.a]
world = { language = "pivot", sentences = 120 }
[data.b]
world = { language = "derived", sentences = 80 }
[data.b-test]
world = { language = "derived", split = "test", sentences = 20 }
[tokenizers.t]
train = { algorithm = "bpe", size = 300, data = "a" }
[models.fresh]
scratch = { use = "llama", tokenizer = "t", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 128 }
[[stage]]
name = "base"
train = { model = "fresh", data = "a", budget = { steps = 4 }, batch_tokens = 512, sequence_length = 64, learning_rate = 3e-3 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "adapted"
train = { model = "base", data = "b", budget = { steps = 4 }, batch_tokens = 512, sequence_length = 64, learning_rate = 3e-3, accumulate = 2 }
adapters = [{ use = "vocab-extend", size = 30 }, { use = "lora", r = 4, lora_dropout = 0.1, target_modules = "all-linear" }]
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "scores"
evaluate = { models = ["base", "adapted"], on = [{ use = "bits-per-byte", data = "b-test" }] }
[[stage]]
name = "folded"
export = { model = "adapted" }
"#;

/// A folder of its own with a recipe in it.
pub struct Desk {
    pub dir: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn with(recipe: &str) -> Self {
        let desk = Self::new();
        desk.file("recipe.toml", recipe.as_bytes());
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, bytes).expect("a file");
    }

    pub fn tongues(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tongues")).args(args).current_dir(self.dir.path()).output().expect("the program starts")
    }

    /// Runs and expects exit code 0.
    pub fn good(&self, args: &[&str]) -> String {
        let out = self.tongues(args);
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", told(&out));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// Runs and expects exit code 2 and a message with all these pieces, no panic, and no half-written run.
    pub fn refused(&self, args: &[&str], pieces: &[&str]) {
        let out = self.tongues(args);
        let text = told(&out);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
        for piece in pieces {
            assert!(text.contains(piece), "no {piece:?} in: {text}");
        }
        assert!(!self.path("out").exists(), "a refused run left its folder");
    }

    /// `run recipe.toml --out out`, refused.
    pub fn run_refused(&self, pieces: &[&str]) {
        self.refused(&["run", "recipe.toml", "--out", "out"], pieces);
    }
}

pub fn told(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// All files below a folder with their bytes, by relative path.
pub fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut all, mut open) = (vec![], vec![dir.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("inside").display().to_string();
                all.push((name, std::fs::read(&path).expect("a file")));
            }
        }
    }
    all.sort();
    all
}
