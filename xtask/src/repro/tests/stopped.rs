//! Runs that are stopped, and runs that fail.

use super::{Toy, kinds};
use crate::repro::history::Event;
use tongues_judge::Verdict;

#[test]
fn a_stopped_repro_goes_on_at_the_arm_to_the_same_verdicts() {
    let (whole, stopped) = (Toy::developed_and_frozen(), Toy::developed_and_frozen());
    whole.repro(|_| ()).expect("judged");
    let developed = stopped.calls().len();
    stopped.write("program/stop.txt", &format!("{}", developed + 4));
    let told = stopped.repro(|_| ()).expect_err("interrupted");
    assert!(told.contains("interrupted; the same command goes on from here"), "{told}");
    assert_eq!(kinds(&stopped.history()), ["freeze", "begin"]);
    std::fs::remove_file(stopped.path("program/stop.txt")).expect("removed");
    stopped.repro(|_| ()).expect("judged");
    assert_eq!(kinds(&stopped.history()), ["freeze", "begin", "verdict"]);
    // One run was gone on with, none was made twice.
    let resumed: Vec<String> = stopped.calls()[developed..].iter().filter(|c| c.ends_with("--resume")).cloned().collect();
    assert_eq!(resumed.len(), 1);
    assert_eq!(stopped.calls().len(), whole.calls().len() + 1);
    let figures = |toy: &Toy| match toy.history().pop().expect("a line").event {
        Event::Verdict(j) => (j.seeds, j.claims),
        other => panic!("{other:?}"),
    };
    assert_eq!(figures(&stopped), figures(&whole));
}

#[test]
fn a_half_run_that_cannot_be_gone_on_with_is_begun_anew() {
    let toy = Toy::new();
    toy.replace("program/tongues.sh", "name=$(", "[ \"$how\" != --resume ] || { echo \"another program\" >&2; exit 2; }\nname=$(");
    toy.write("program/stop.txt", "2");
    toy.repro(|a| a.seeds = Some(1)).expect_err("interrupted");
    std::fs::remove_file(toy.path("program/stop.txt")).expect("removed");
    toy.repro(|a| a.seeds = Some(1)).expect("smoke");
}

#[test]
fn claims_of_a_failed_run_are_not_judged_and_say_which() {
    let toy = Toy::new();
    toy.replace("recipes/papers/toy/shuffled.toml", "gain = 0.0", "gain = 0.0\nfails = 3");
    toy.repro(|a| a.develop = true).expect("developed");
    toy.repro(|a| a.freeze = true).expect("frozen");
    toy.repro(|_| ()).expect("judged");
    let Event::Verdict(judged) = toy.history().pop().expect("a line").event else { panic!("a verdict was expected") };
    assert_eq!((judged.claims[1].verdict, judged.claims[1].why.as_str()), (Verdict::NotJudged, "no effect in seed 3: a run failed, or a metric has no value"));
    assert_eq!((judged.claims[0].verdict, judged.claims[0].controls[0].outcome.as_str()), (Verdict::Holds, "not judged"));
    let page = toy.read("docs/repro/toy.md");
    assert!(page.contains("| shuffled | 3 | failed: error: the loss is not finite"), "{page}");
    assert!(page.contains("`open` is not judged: no effect in seed 3: a run failed, or a metric has no value."), "{page}");
}

#[test]
fn bases_are_trained_once_a_seed_and_again_when_their_code_changes() {
    let toy = Toy::new();
    let bases = |toy: &Toy| toy.calls().iter().filter(|c| c.starts_with("base ")).count();
    toy.repro(|a| a.seeds = Some(2)).expect("smoke");
    assert_eq!(bases(&toy), 2);
    toy.write("crates/report/src/lib.rs", "//! not of the bases\n");
    toy.write("plugins/adapters/other/src/lib.rs", "//! not of the bases\n");
    toy.write("plugins/adapters/other/Cargo.toml", "[package]\nname = \"tongues-adapter-other\"\n");
    toy.repro(|a| a.seeds = Some(2)).expect("smoke");
    assert_eq!(bases(&toy), 2);
    toy.write("crates/train/src/lib.rs", "//! of the bases\n");
    toy.repro(|a| a.seeds = Some(2)).expect("smoke");
    assert_eq!(bases(&toy), 4);
}

#[test]
fn a_metric_that_no_report_has_is_told_with_what_there_is() {
    let toy = Toy::new();
    // What a score is called is known when it is there; its data is looked for in the recipe before.
    toy.replace("recipes/papers/toy.toml", "metric = \"accuracy\"", "metric = \"acuracy\"");
    let told = toy.repro(|a| a.seeds = Some(1)).expect_err("refused");
    assert!(told.contains("metric test: one score of") && told.contains("model tuned, evaluator choice, data test"), "{told}");
}

#[test]
fn a_run_that_is_refused_or_killed_is_no_result() {
    for (end, told_so) in [("exit 2", "arm method, seed 1, 0.1: refused: a folder in use"), ("kill -9 $$", "arm method, seed 1, 0.1: ended from outside")] {
        let toy = Toy::developed_and_frozen();
        toy.replace("program/tongues.sh", "name=$(", &format!("case $recipe in *method*) echo \"a folder in use\" >&2; {end} ;; esac\nname=$("));
        let told = toy.repro(|_| ()).expect_err("stopped");
        assert!(told.contains(told_so) && told.contains("nothing is judged"), "{told}");
        assert_eq!(kinds(&toy.history()), ["freeze", "begin"]);
    }
}
