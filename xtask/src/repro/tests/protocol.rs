//! Development, freeze, confirmation.

use super::{Toy, kinds};
use crate::repro::history::{Event, Judged};
use crate::repro::scale::Scale;
use tongues_judge::Verdict;

fn judged(toy: &Toy) -> Vec<Judged> {
    toy.history().into_iter().filter_map(|l| if let Event::Verdict(j) = l.event { Some(j) } else { None }).collect()
}

#[test]
fn a_confirming_run_needs_a_freeze_and_a_freeze_needs_development() {
    let toy = Toy::new();
    let told = toy.repro(|_| ()).expect_err("refused");
    assert!(told.contains("a freeze was expected before a confirming run") && told.contains("--freeze"), "{told}");
    let told = toy.repro(|a| a.freeze = true).expect_err("refused");
    assert!(told.contains("development was expected before a freeze") && told.contains("--develop"), "{told}");
    assert!(toy.calls().is_empty() && toy.history().is_empty());
}

#[test]
fn development_chooses_on_development_seeds_and_says_nothing_of_claims() {
    let toy = Toy::new();
    toy.repro(|a| a.develop = true).expect("developed");
    assert!(toy.calls().iter().all(|c| ["101", "102"].contains(&c.split(' ').nth(1).unwrap_or_default())));
    let found = toy.read("docs/repro/toy.develop.json");
    assert!(found.contains("\"method\": 0.1") && found.contains("\"best\": \"method\"") && !found.contains("helps"), "{found}");
    assert!(toy.history().is_empty());
    // Whatever changes afterwards asks for development again; what did not change is not run again.
    let calls = toy.calls().len();
    toy.write("recipes/papers/toy/notes.toml", "recipe = 1\n");
    let told = toy.repro(|a| a.freeze = true).expect_err("refused");
    assert!(told.contains("changed since development: recipes"), "{told}");
    toy.repro(|a| a.develop = true).expect("developed");
    assert_eq!(toy.calls().len(), calls);
}

#[test]
fn controls_that_are_not_as_expected_stop_the_freeze() {
    let toy = Toy::new();
    toy.replace("recipes/papers/toy/plain.toml", "gain = 0.0", "gain = 0.5");
    toy.repro(|a| a.develop = true).expect("developed");
    let told = toy.repro(|a| a.freeze = true).expect_err("refused");
    assert!(told.contains("controls are not as expected: the baseline is neither at chance nor perfect, the method learns"), "{told}");
}

#[test]
fn five_seeds_then_ten_for_what_is_open() {
    let toy = Toy::developed_and_frozen();
    toy.repro(|_| ()).expect("judged");
    toy.repro(|_| ()).expect("judged again");
    assert_eq!(kinds(&toy.history()), ["freeze", "begin", "verdict", "begin", "verdict"]);
    let judged = judged(&toy);
    assert_eq!(judged.iter().map(|j| j.seeds.clone()).collect::<Vec<_>>(), [(1..=5).collect::<Vec<u64>>(), (1..=10).collect()]);
    let verdicts: Vec<_> = judged.iter().map(|j| j.claims.iter().map(|c| (c.id.as_str(), c.verdict, c.look)).collect::<Vec<_>>()).collect();
    assert_eq!(verdicts[0], [("helps", Verdict::Holds, 1), ("open", Verdict::Inconclusive, 1)]);
    assert_eq!(verdicts[1], [("helps", Verdict::Holds, 1), ("open", Verdict::Inconclusive, 2)]);
    // The claim that was decided asks for no more runs, and arms run at what development chose.
    let of = |name: &str| toy.calls().iter().filter(|c| c.starts_with(name) && !c.contains(" 10")).cloned().collect::<Vec<_>>();
    assert_eq!(of("method"), (1..=5).map(|s| format!("method {s} 0.1 --overwrite")).collect::<Vec<_>>());
    assert_eq!(judged[1].claims[0].controls[0].outcome, "as expected");
    let told = toy.repro(|a| a.seeds = Some(10)).expect_err("refused");
    assert!(told.contains("judged already at 10 seeds") && told.contains("--reason"), "{told}");
    // There is nothing left to confirm: everything runs once more on the ten seeds, the first ones out of the cache, and leaves no trace.
    let calls = toy.calls().len();
    toy.repro(|_| ()).expect("run again");
    let more: Vec<String> = toy.calls().into_iter().skip(calls).collect();
    assert!(more.iter().all(|c| ["6", "7", "8", "9", "10"].contains(&c.split(' ').nth(1).unwrap_or_default())), "{more:?}");
    assert_eq!(kinds(&toy.history()).len(), 5);
}

#[test]
fn pages_tell_everything_and_are_written_again_from_the_history() {
    let toy = Toy::developed_and_frozen();
    toy.repro(|a| a.seeds = Some(10)).expect("judged");
    let pages = ["docs/repro/toy.md", "docs/repro/toy.html", "docs/repro/index.md", "docs/repro/results.json"];
    let before = pages.map(|p| toy.read(p));
    let holds = |text: &str, pieces: &[&str]| pieces.iter().for_each(|p| assert!(text.contains(p), "{p} in\n{text}"));
    holds(
        &before[0],
        &[
            "| `helps`: The method is better by five points. | +20 (Table 1) |",
            "**holds**",
            "**inconclusive**",
            "would decide",
            "| method | 3 | test 0.",
            "best` is method",
        ],
    );
    holds(&before[0], &["| `helps` | shuffled | without the cause |", "as expected"]);
    assert_eq!(before[1].matches("<svg").count(), 2);
    assert_eq!(before[1].matches("class=\"dot\"").count(), 5 + 10);
    holds(&before[1], &["prefers-color-scheme: dark", "class=\"margin\"", "class=\"whisker\"", "A toy | of a paper"]);
    holds(&before[2], &["[A toy \\| of a paper](toy.md)", "1 holds, 1 inconclusive"]);
    let results: serde_json::Value = serde_json::from_str(&before[3]).expect("JSON");
    assert_eq!(results["papers"]["toy"]["judged"]["verdicts"]["claims"][0]["verdict"], "holds");
    pages.iter().for_each(|p| toy.write(p, ""));
    toy.repro(|a| a.pages = true).expect("written");
    assert_eq!(pages.map(|p| toy.read(p)), before);
}

#[test]
fn a_change_after_the_freeze_is_refused_and_a_new_freeze_takes_new_seeds() {
    let changes = [
        ("recipes/papers/toy.toml", "margin = 0.05", "paper file"),
        ("recipes/papers/toy/method.toml", "gain = 0.2", "recipes"),
        ("crates/kernel/src/lib.rs", "code", "code"),
    ];
    for (path, find, part) in changes {
        let toy = Toy::developed_and_frozen();
        toy.replace(path, find, &format!("{find}1"));
        let told = toy.repro(|_| ()).expect_err("refused");
        assert!(told.contains(&format!(": {part};")) && told.contains("--freeze --reason"), "{told}");
    }
    let toy = Toy::developed_and_frozen();
    toy.repro(|_| ()).expect("judged");
    let told = toy.repro(|a| a.freeze = true).expect_err("refused");
    assert!(told.contains("a reason was expected") || told.contains("nothing has changed"), "{told}");
    let again = |a: &mut super::Arguments| (a.freeze, a.all_claims, a.reason) = (true, true, Some("the second claim was asked for".into()));
    toy.repro(again).expect("frozen again");
    assert!(toy.repro(|_| ()).expect_err("refused").contains("all claims were frozen, central claims were asked for"));
    toy.repro(|a| a.all_claims = true).expect("judged");
    let last = judged(&toy).pop().expect("verdicts");
    assert_eq!(last.seeds, [6, 7, 8, 9, 10]);
    assert_eq!((last.claims.len(), last.claims[2].verdict), (3, Verdict::Fails));
    let page = toy.read("docs/repro/toy.md");
    assert!(page.contains("## Earlier confirmations") && page.contains("| first | 1, 2, 3, 4, 5 | `helps` holds"), "{page}");
}

#[test]
fn the_history_is_only_added_to() {
    let toy = Toy::developed_and_frozen();
    let first = toy.read("docs/repro/history.jsonl");
    toy.repro(|_| ()).expect("judged");
    let all = toy.read("docs/repro/history.jsonl");
    assert!(all.starts_with(&first) && all.lines().count() == 3);
    toy.replace("docs/repro/history.jsonl", "\"seeds\":[1,2,3,4,5]}", "\"seeds\":[11,12,13,14,15]}");
    let told = toy.repro(|_| ()).expect_err("refused");
    assert!(told.contains("docs/repro/history.jsonl:3") && told.contains("was changed or taken out"), "{told}");
    toy.write("docs/repro/history.jsonl", all.lines().last().unwrap_or_default());
    assert!(toy.repro(|_| ()).expect_err("refused").contains("changed or taken out"));
}

#[test]
fn smoke_runs_without_a_freeze_and_leaves_no_trace() {
    let toy = Toy::new();
    toy.repro(|a| a.scale = Scale::Smoke).expect("smoke");
    toy.repro(|a| a.seeds = Some(3)).expect("smoke");
    assert!(toy.calls().iter().all(|c| c.split(' ').nth(1).is_some_and(|s| s.starts_with("10"))));
    assert!(!toy.path("docs").exists());
    let told = toy.repro(|a| (a.freeze, a.scale) = (true, Scale::Smoke)).expect_err("refused");
    assert!(told.contains("smoke runs are never judged"), "{told}");
}

#[test]
fn other_numbers_of_seeds_are_refused_and_full_tells_what_is_missing() {
    let toy = Toy::developed_and_frozen();
    let told = toy.repro(|a| a.seeds = Some(7)).expect_err("refused");
    assert!(told.contains("--seeds 7: 5 or 10 were expected"), "{told}");
    for develop in [true, false] {
        let told = toy.repro(|a| (a.develop, a.scale) = (develop, Scale::Full)).expect_err("refused");
        assert!(told.contains("base: the paper's model, in Hugging Face's form") && told.contains("--path NAME=PATH"), "{told}");
    }
}

#[test]
fn what_was_judged_runs_again_after_a_change_and_confirms_nothing() {
    let toy = Toy::developed_and_frozen();
    let told = toy.repro(|a| a.rerun = true).expect_err("refused");
    assert!(told.contains("a verdict was expected, which could be run again"), "{told}");
    toy.repro(|_| ()).expect("judged");
    let before = (toy.read("docs/repro/history.jsonl"), toy.read("docs/repro/toy.md"));
    toy.replace("crates/kernel/src/lib.rs", "code", "other code");
    let told = toy.repro(|a| a.seeds = Some(10)).expect_err("refused");
    assert!(told.contains("changed since the freeze") && told.contains(": code;"), "{told}");
    let calls = toy.calls().len();
    // Also without the flag: nothing could be confirmed.
    toy.repro(|_| ()).expect("run again");
    let with = toy.calls().len();
    toy.repro(|a| a.rerun = true).expect("run again");
    assert_eq!(toy.calls().len(), with);
    let again: Vec<String> = toy.calls().into_iter().skip(calls).collect();
    assert!(!again.is_empty() && again.iter().all(|c| ["1", "2", "3", "4", "5"].contains(&c.split(' ').nth(1).unwrap_or_default())), "{again:?}");
    assert_eq!((toy.read("docs/repro/history.jsonl"), toy.read("docs/repro/toy.md")), before);
    let told = toy.repro(|a| (a.rerun, a.all_claims) = (true, true)).expect_err("refused");
    assert!(told.contains("what was judged is scale mini, central claims"), "{told}");
}
