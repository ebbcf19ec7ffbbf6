//! The whole protocol on a toy paper, with a script in the place of `tongues`.
#![cfg(unix)]

mod papers;
mod protocol;
mod stopped;

use super::history::{self, Event, Line};
use super::scale::Scale;
use super::{Arguments, hash};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

/// The scores that the toy paper reads.
const SCORES: &str = "[[stage]]\nevaluate = { models = [\"m\"], on = [{ use = \"choice\", data = \"test\" }, { use = \"choice\", data = \"dev\" }] }\n";

/// A repository with one paper.
struct Toy {
    folder: TempDir,
}

impl Toy {
    fn new() -> Self {
        let toy = Self { folder: tempfile::tempdir().expect("a folder") };
        toy.write("recipes/papers/toy.toml", include_str!("toy.toml"));
        toy.write("recipes/papers/ordinary.toml", "recipe = 1\nname = \"ordinary\"\n");
        for (name, gain) in [("base", "0"), ("plain", "0.0"), ("method", "0.2"), ("variant", "0.1"), ("shuffled", "0.0")] {
            toy.write(&format!("recipes/papers/toy/{name}.toml"), &format!("recipe = 1\nname = \"{name}\"\ngain = {gain}\n{SCORES}"));
        }
        toy.write("crates/kernel/src/lib.rs", "//! code\n");
        fs::create_dir_all(toy.path("plugins")).expect("a folder");
        toy.write("program/tongues.sh", &include_str!("tongues.sh").replace("SIMD", hash::simd()));
        fs::set_permissions(toy.path("program/tongues.sh"), fs::Permissions::from_mode(0o755)).expect("a program");
        toy
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    fn replace(&self, path: &str, find: &str, by: &str) {
        let text = self.read(path);
        assert!(text.contains(find), "{path} holds {find}");
        self.write(path, &text.replace(find, by));
    }

    /// The calls of the program so far.
    fn calls(&self) -> Vec<String> {
        self.read("program/calls.txt").lines().map(str::to_owned).collect()
    }

    fn history(&self) -> Vec<Line> {
        history::read(self.folder.path()).expect("a history")
    }

    /// Runs `cargo xtask repro` with changed arguments; an error as text.
    fn repro(&self, change: impl FnOnce(&mut Arguments)) -> Result<(), String> {
        let mut arguments = Arguments {
            slug: Some("toy".into()),
            list: false,
            all: false,
            scale: Scale::Mini,
            seeds: None,
            all_claims: false,
            develop: false,
            freeze: false,
            reason: None,
            rerun: false,
            pages: false,
            paths: vec![],
            cache: Some(self.path("cache")),
            tongues: Some(self.path("program/tongues.sh")),
        };
        change(&mut arguments);
        super::run(self.folder.path(), &arguments).map_err(|e| format!("{e:#}"))
    }

    fn developed_and_frozen() -> Self {
        let toy = Self::new();
        toy.repro(|a| a.develop = true).expect("developed");
        toy.repro(|a| a.freeze = true).expect("frozen");
        toy
    }
}

/// `freeze`, `begin`, `verdict`, in order.
fn kinds(lines: &[Line]) -> Vec<&'static str> {
    let kind = |l: &Line| match l.event {
        Event::Freeze(_) => "freeze",
        Event::Begin(_) => "begin",
        Event::Verdict(_) => "verdict",
    };
    lines.iter().map(kind).collect()
}
