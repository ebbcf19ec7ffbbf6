//! Messages as they are shown, files that cannot be read, and places for messages at run time.

mod common;

use common::{Fake, GOOD, load, spoiled};
use tongues_recipe::{Diagnostics, parse};

fn shown(text: &str) -> String {
    load(text).err().map(|d| d.to_string()).unwrap_or_default()
}

#[test]
fn a_message_has_place_help_and_the_line_with_carets() {
    let text = spoiled("seed = 7", "sed = 7").replace("r = 8", "r = \"é\", rr = 1");
    insta::assert_snapshot!(shown(&text), @r#"
    r.toml:3:1: sed: expected one of recipe, name, description, seed, language, tokenizers, models, data, formats, stage, found the unknown key `sed`
      help: did you mean `seed`?
      | sed = 7
      | ^^^

    r.toml:25:33: stage.adapt.adapters.0.r: expected a whole number, found the text "é"
      | adapters = [{ use = "lora", r = "é", rr = 1 }]
      |                                 ^^^

    r.toml:25:38: stage.adapt.adapters.0.rr: expected one of r, dropout, init, found the unknown key `rr`
      help: did you mean `r`?
      | adapters = [{ use = "lora", r = "é", rr = 1 }]
      |                                      ^^
    "#);
}

#[test]
fn a_syntax_error_is_shown_at_its_place() {
    insta::assert_snapshot!(shown("recipe = 1\nname = \n"), @r"
    r.toml:2:8: expected TOML, found a syntax error: string values must be quoted, expected literal string
      help: see https://toml.io for the syntax
      | name = 
      |        ^
    ");
}

#[test]
fn byte_order_marks_windows_lines_and_tabs_do_not_shift_the_carets() {
    let text = format!("\u{feff}{}", spoiled("seed = 7", "\tsed = 7").replace('\n', "\r\n"));
    let told = shown(&text);
    assert!(told.starts_with("r.toml:3:2: sed: "), "{told}");
    assert!(told.ends_with("\n  | \tsed = 7\n  | \t^^^"), "{told:?}");
    assert!(shown("\u{feff}recip = 1").contains("r.toml:1:1: recip: "));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let told = shown(&spoiled("seed = 7", "\"\\u001b[31m\" = 7"));
    assert!(told.contains("the unknown key `\u{fffd}[31m`") && !told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn a_long_line_is_cut_around_the_problem() {
    let text = spoiled("r = 8", &format!("{}r = 0", " ".repeat(5000)));
    let told = shown(&text);
    assert!(told.contains("r = 0 }]") && told.lines().all(|l| l.chars().count() <= 204), "{told}");
}

fn one(result: Result<tongues_recipe::Loaded, Diagnostics>) -> String {
    let problems = result.err().map(|d| d.problems).unwrap_or_default();
    assert_eq!(problems.len(), 1);
    problems[0].to_string()
}

#[test]
fn an_unreadable_file_is_one_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent.toml");
    let told = one(tongues_recipe::load(&path, &[], &Fake));
    assert!(told.starts_with(&format!("{}:1:1: expected a readable recipe file, found ", path.display())), "{told}");
}

#[test]
fn a_file_that_is_not_utf8_is_one_problem_at_its_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.toml");
    std::fs::write(&path, b"recipe = 1\nname = \"\xff\"\n").unwrap();
    let told = one(tongues_recipe::load(&path, &[], &Fake));
    assert!(told.contains("r.toml:2:9: expected UTF-8 text, found the byte 0xff"), "{told}");
}

#[test]
fn a_file_is_loaded_under_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.toml");
    std::fs::write(&path, GOOD).unwrap();
    let loaded = tongues_recipe::load(&path, &["seed=9".into()], &Fake).unwrap();
    assert_eq!((loaded.recipe.seed, loaded.source.as_str()), (9, GOOD));
    assert_eq!(loaded.file, path.display().to_string());
}

#[test]
fn places_for_run_time_point_at_values() {
    let loaded = parse(GOOD, "r.toml", &["stage.adapt.train.warmup_steps=2".into()], &Fake).unwrap();
    assert_eq!(loaded.place(&["models", "base", "checkpoint"]), "r.toml:9:14");
    assert_eq!(loaded.place(&["stage", "adapt", "train", "data"]), "r.toml:24:34");
    assert_eq!(loaded.place(&["stage", "0", "train", "data"]), "r.toml:24:34");
    assert_eq!(loaded.place(&["stage", "adapt", "train", "beta1"]), "r.toml:24:9");
    assert_eq!(loaded.place(&["stage", "adapt", "train", "warmup_steps"]), "--set stage.adapt.train.warmup_steps");
    assert_eq!(loaded.place(&["nothing"]), "r.toml:1:1");
}
