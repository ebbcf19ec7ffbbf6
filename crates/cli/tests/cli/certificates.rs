//! What is saved is certified, and whatever changes afterwards is found.

use crate::support::{Desk, SMALL, told};
use std::process::Command;

fn run() -> Desk {
    let desk = Desk::with(SMALL);
    desk.good(&["run", "recipe.toml", "--out", "run"]);
    desk
}

#[test]
fn a_run_verifies_and_any_changed_byte_does_not() {
    let desk = run();
    let shown = desk.good(&["verify", "run"]);
    for folder in ["base/checkpoint", "adapted/checkpoint", "adapted/adapter", "folded/checkpoint"] {
        assert!(shown.contains(&format!("run/stages/{folder}: verified")), "{shown}");
    }
    for folder in ["run/stages/base/checkpoint", "run/stages/adapted/adapter"] {
        let files: Vec<String> =
            std::fs::read_dir(desk.path(folder)).expect("a folder").map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        assert!(files.len() >= 4 && files.iter().any(|f| f == "certificate.json"), "{files:?}");
        for name in files {
            let path = format!("{folder}/{name}");
            let bytes = std::fs::read(desk.path(&path)).expect("a file");
            for at in [0, bytes.len() / 2, bytes.len() - 1] {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                desk.file(&path, &flipped);
                desk.refused(&["verify", folder], &[&name]);
            }
            desk.file(&path, &bytes);
        }
        desk.good(&["verify", folder]);
        desk.file(&format!("{folder}/chat_template.jinja"), b"{{ 1 }}");
        desk.refused(&["verify", folder], &["chat_template.jinja", "only files of the certificate"]);
    }
    desk.refused(&["verify", "run/stages"], &["certificate.json", "no such file"]);
}

#[test]
fn cards_tell_recipe_history_and_scores_but_no_home() {
    let desk = Desk::with(&SMALL.replace("size = 300, data = \"a\" }", "size = 300, data = \"a\" }\n[formats.f]\nprompt = \"HOMEPATH/x\"\ntarget = \"y\"\n"));
    let home = desk.path("home").display().to_string();
    let text = std::fs::read_to_string(desk.path("recipe.toml")).expect("recipe").replace("HOMEPATH", &home);
    desk.file("recipe.toml", text.as_bytes());
    let out = Command::new(env!("CARGO_BIN_EXE_tongues"))
        .args(["run", "recipe.toml", "--out", "run"])
        .env("HOME", &home)
        .current_dir(desk.dir.path())
        .output()
        .expect("the program starts");
    assert_eq!(out.status.code(), Some(0), "{}", told(&out));
    let card = |path: &str| std::fs::read_to_string(desk.path(path)).expect("a card");
    let adapter = card("run/stages/adapted/adapter/README.md");
    for piece in ["library_name: peft", "base_model: ../checkpoint", "vocab-extend", "stage adapted on b", "| b-test | derived | bits_per_byte |", "~/x"] {
        assert!(adapter.contains(piece), "no {piece} in {adapter}");
    }
    let folded = card("run/stages/folded/checkpoint/README.md");
    assert!(folded.contains("library_name: transformers") && folded.contains("Not scored in this run."), "{folded}");
    for (name, bytes) in crate::support::files(&desk.path("run/stages")) {
        assert!(!String::from_utf8_lossy(&bytes).contains(&home), "{name} tells where the user lives");
    }
    assert!(!card("run/manifest.json").contains(&home));
    desk.good(&["verify", "run"]);
}
