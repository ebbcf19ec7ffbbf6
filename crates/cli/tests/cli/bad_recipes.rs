//! Mistakes in recipes: place, expectation, remedy, exit code 2.

use crate::support::{Desk, SMALL};

fn changed(from: &str, to: &str) -> Desk {
    assert!(SMALL.contains(from), "{from}");
    Desk::with(&SMALL.replacen(from, to, 1))
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest_key() {
    changed("learning_rate = 3e-3", "learning_rat = 3e-3").run_refused(&["recipe.toml:17:", "learning_rat", "did you mean `learning_rate`?"]);
}

#[test]
fn a_wrong_type_says_what_was_expected() {
    changed("steps = 4", "steps = \"four\"").run_refused(&["recipe.toml:17:", "a whole number", "four"]);
}

#[test]
fn an_unknown_plugin_lists_those_there_are() {
    changed("use = \"lora\"", "use = \"lroa\"").run_refused(&["recipe.toml:22:", "lroa", "did you mean \"lora\"?"]);
}

#[test]
fn several_problems_come_together() {
    let text = SMALL.replacen("learning_rate = 3e-3", "learning_rat = 3e-3", 1).replacen("use = \"lora\"", "use = \"lroa\"", 1);
    Desk::with(&text).run_refused(&["learning_rat", "lroa"]);
}

#[test]
fn a_selection_that_matches_nothing_is_refused() {
    changed("target_modules = \"all-linear\"", "target_modules = [\"q_prj\"]").refused_late(&["target_modules", "q_prj", "q_proj"]);
    changed("objectives = [{ use = \"causal-lm\" }]", "objectives = [{ use = \"causal-lm\" }]\nweights = [{ select = \"model.layrs.*\" }]").run_refused(&[
        "weights[0]",
        "model.layrs.*",
        "matches none",
    ]);
}

impl Desk {
    /// The first stage is done and stays; the second is refused.
    fn refused_late(&self, pieces: &[&str]) {
        let out = self.tongues(&["run", "recipe.toml", "--out", "out"]);
        let text = crate::support::told(&out);
        assert_eq!(out.status.code(), Some(2), "{text}");
        pieces.iter().for_each(|piece| assert!(text.contains(piece), "no {piece:?} in: {text}"));
        assert!(self.path("out/stages/base/checkpoint/model.safetensors").exists(), "a finished stage was lost");
        assert!(!self.path("out/stages/adapted").exists() && !self.path("out/report.json").exists(), "something half-written stayed");
    }
}

#[test]
fn a_folder_of_another_recipe_is_not_touched() {
    let desk = Desk::with(SMALL);
    desk.good(&["run", "recipe.toml", "--out", "mine"]);
    let before = crate::support::files(&desk.path("mine"));
    desk.refused(&["run", "recipe.toml", "--out", "mine", "--set", "seed=9"], &["mine", "another recipe", "--out"]);
    desk.file("files/notes.txt", b"mine");
    desk.refused(&["run", "recipe.toml", "--out", "files"], &["files that are not of a run"]);
    assert!(before == crate::support::files(&desk.path("mine")), "the folder was changed");
    let again = desk.good(&["run", "recipe.toml", "--out", "mine"]);
    assert!(again.contains("Report:"), "{again}");
}

#[test]
fn check_names_every_path_that_leads_nowhere() {
    let text = "recipe = 1\nname = \"x\"\n[data.a]\npath = \"a.txt\"\n[models.m]\ncheckpoint = \"folder\"\n[[stage]]\nname = \"s\"\nevaluate = { models = [\"m\"], on = [{ use = \"perplexity\", data = \"a\" }] }\n";
    Desk::with(text).refused(&["check", "recipe.toml"], &["recipe.toml:4:", "a.txt", "recipe.toml:6:", "models.m.checkpoint", "--set"]);
}

#[test]
fn a_paper_file_is_told_from_a_recipe() {
    let told = Desk::with("# claims\nrepro = 1\nslug = \"x\"\n[scales.mini]\n").good(&["check", "recipe.toml"]);
    assert!(told.contains("cargo xtask repro"), "{told}");
    Desk::with("recipe = 1\nname = \"x\"\n[data.a]\nrepro = 1\n").refused(&["check", "recipe.toml"], &["recipe.toml:4:", "repro"]);
}

#[test]
fn a_slip_in_a_needed_key_is_one_problem() {
    let desk = changed("learning_rate = 3e-3", "learning_rat = 3e-3");
    let text = crate::support::told(&desk.tongues(&["check", "recipe.toml"]));
    assert_eq!(text.matches("expected").count(), 1, "{text}");
    assert!(!text.contains("expected the key"), "{text}");
}

#[test]
fn a_recipe_that_cannot_be_read_is_refused() {
    let desk = Desk::new();
    desk.run_refused(&["recipe.toml", "a readable recipe file"]);
    desk.file("recipe.toml", b"recipe = \xff");
    desk.run_refused(&["UTF-8"]);
    desk.file("recipe.toml", b"recipe = = 1");
    desk.run_refused(&["recipe.toml:1:"]);
}
