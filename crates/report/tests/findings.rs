//! What is computed from scores: the sentence, changes, forgetting, comparisons.

mod common;

use common::{adapted, bits, step};
use tongues_report::{Better, Comparison, Report, Score, compare, html, of_run, summary, text};

#[test]
fn the_sentence_names_the_best_model_and_the_unadapted_one() {
    let expected = "On eus_Latn the best model is vocab-lora at 2.21 bits per byte; unadapted 4.80.";
    assert_eq!(summary(&adapted()), expected);
}

#[test]
fn the_sentence_stays_honest() {
    let of = |scores: Vec<Score>| summary(&Report { scores, ..adapted() });
    assert_eq!(of(vec![]), "This run measured no scores.");
    assert_eq!(of(vec![bits("a", "eus_Latn", f64::NAN, 0.1)]), "None of this run's scores is a number.");
    let worse = of(vec![bits("base", "eus_Latn", 2.0, 0.1), bits("lora", "eus_Latn", 2.5, 0.1)]);
    assert_eq!(worse, "On eus_Latn no model beats the unadapted one at 2.00 bits per byte; the closest is lora at 2.50.");
    let alone = of(vec![bits("lora", "eus_Latn", 2.5, 0.1)]);
    assert_eq!(alone, "On eus_Latn lora is at 2.50 bits per byte.");
    let higher = |model: &str, value| Score { better: Better::Higher, ..bits(model, "eus_Latn", value, 0.1) };
    assert!(of(vec![higher("base", 10.0), higher("a", 30.0), higher("b", 20.0)]).contains("best model is a at 30.0"));
}

#[test]
fn terminal_tables_are_aligned_and_complete() {
    let text = text(&adapted());
    let lines: Vec<&str> = text.lines().collect();
    let expected = [
        "dev-eus_Latn: bits per byte (bits-per-byte), lower is better",
        "  model       language  value    interval          change     n",
        "  base        eus_Latn   4.80  4.75..4.85       unadapted  1204",
        "  lora        eus_Latn   2.88  2.83..2.93  -40.0 % better  1204",
        "  vocab-lora  eus_Latn   2.21  2.16..2.26  -54.0 % better  1204",
    ];
    assert_eq!(lines[2..7], expected);
}

#[test]
fn forgetting_is_counted_on_the_source_language() {
    let text = text(&adapted());
    let at = text.find("Forgetting").unwrap();
    let lines: Vec<&str> = text[at..].lines().collect();
    let expected = [
        "Forgetting, on the source language against the unadapted model:",
        "  lora        dev-eng_Latn  forgot (bits per byte rose by 10.0 %, which is worse)",
        "  vocab-lora  dev-eng_Latn  did not forget (bits per byte fell by 5.0 %, which is better)",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn forgetting_needs_both_languages_and_an_unadapted_model() {
    let without = |keep: fn(&Score) -> bool| {
        let mut report = adapted();
        report.scores.retain(keep);
        text(&report).contains("Forgetting")
    };
    assert!(without(|_| true));
    assert!(!without(|score| score.language != "eus_Latn"));
    assert!(!without(|score| !(score.reference && score.language == "eng_Latn")));
    assert!(!text(&Report { language: None, ..adapted() }).contains("Forgetting"));
}

#[test]
fn overlapping_intervals_are_no_clear_forgetting() {
    let mut report = adapted();
    report.scores[3] = bits("lora", "eng_Latn", 2.02, 0.05);
    let expected = "no clear change (bits per byte rose by 1.0 %, and the two intervals overlap)";
    assert!(text(&report).contains(expected), "{}", text(&report));
    report.scores[3] = bits("lora", "eng_Latn", 2.0, 0.05);
    assert!(text(&report).contains("kept (bits per byte did not change)"));
}

#[test]
fn a_code_without_script_names_the_same_language() {
    let mut report = adapted();
    for score in &mut report.scores {
        score.language = score.language[..3].to_owned();
    }
    assert!(text(&report).contains("forgot (bits per byte rose by 10.0 %"));
    assert!(summary(&report).starts_with("On eus the best model is vocab-lora"));
}

#[test]
fn a_change_from_zero_is_not_defined() {
    let report = Report { scores: vec![bits("base", "eus", 0.0, 0.0), bits("a", "eus", 1.0, 0.1)], ..adapted() };
    assert!(text(&report).contains("not defined"));
    assert!(html(&report, &[]).contains("<td class=\"plain\">not defined</td>"));
}

#[test]
fn runs_stand_side_by_side() {
    let mut other = adapted();
    other.seed = 8;
    other.scores[2].value = 4.9;
    other.timing.insert("adapt".into(), 3.0);
    let merged = compare(&[("one".into(), adapted()), ("two".into(), other)]);
    let text = text(&merged);
    assert!(text.starts_with("On eus_Latn the best model is one/vocab-lora at 2.21 bits per byte; unadapted 4.80."));
    let order = ["one/base", "two/base", "one/lora", "one/vocab-lora", "two/lora", "two/vocab-lora"];
    let found: Vec<_> = text.lines().filter(|l| l.contains("eus_Latn  ")).map(|l| l.split_whitespace().next().unwrap()).collect();
    assert_eq!(found, order);
    let notes = [
        "Run one: recipe basque, seed 7.",
        "Run two: recipe basque, seed 8.",
        "The unadapted models differ on dev-eus_Latn (bits_per_byte): all changes there are against one/base.",
    ];
    assert_eq!(merged.notes, notes);
    assert_eq!(merged.timing["two/adapt"], 3.0);
    assert_eq!(of_run("two", &[step(1, 2.0)])[0].stage, "two/adapt");
    assert_eq!(merged.language, adapted().language);
}

#[test]
fn names_cannot_steer_the_terminal() {
    let mut report = adapted();
    report.scores[0].model = "\u{1b}[2Jlora\n\u{202e}".into();
    let text = text(&report);
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    assert!(text.contains("\u{fffd}[2Jlora\u{fffd}\u{fffd}"));
}

fn paired(model: &str, difference: f64, p: f64, p_holm: f64) -> Comparison {
    let of = bits(model, "eus_Latn", difference, 0.05);
    Comparison {
        stage: of.stage,
        evaluator: of.evaluator,
        data: of.data,
        language: of.language,
        metric: of.metric,
        baseline: "base".into(),
        model: of.model,
        difference,
        low: difference - 0.05,
        high: difference + 0.05,
        p,
        p_holm,
        n: 1204,
        better: of.better,
    }
}

#[test]
fn paired_differences_stand_below_their_table() {
    let comparisons = vec![paired("lora", -1.92, 0.001, 0.002), paired("vocab-lora", 0.02, 0.03, 0.06), paired("odd\u{1b}", 0.3, 0.001, 0.003)];
    let report = Report { comparisons, ..adapted() };
    let text = text(&report);
    let lines: Vec<&str> = text.lines().collect();
    let expected = [
        "  Against base on the same examples: interval of a paired bootstrap, p of random exchanges, p (Holm) corrected over the comparisons of this metric, not over tables.",
        "  model       language  verdict         difference      interval      p  p (Holm)",
        "  lora        eus_Latn  better               -1.92  -1.97..-1.87  0.001     0.002",
        "  vocab-lora  eus_Latn  not told apart       +0.02  -0.03..+0.07  0.030     0.060",
        "  odd\u{fffd}        eus_Latn  worse                +0.30  +0.25..+0.35  0.001     0.003",
        "",
    ];
    assert_eq!(lines[7..13], expected, "{text}");
    let page = html(&report, &[]);
    let table = page.split("eus_Latn: bits per byte, paired").nth(2).and_then(|rest| rest.split_once("</table>")).expect("a second table").0;
    assert!(
        table.contains("<td class=\"better\">better</td><td>\u{2212}1.92</td><td>\u{2212}1.97 to \u{2212}1.87</td><td>0.001</td><td>0.002</td>"),
        "{table}"
    );
    assert!(table.contains("<td class=\"plain\">not told apart</td>"), "{table}");
    assert_eq!(Report::from_json("r", &report.to_json().unwrap()).unwrap(), report);
    let both = compare(&[("x".to_owned(), report)]);
    assert_eq!((both.comparisons[0].baseline.as_str(), both.comparisons[0].model.as_str()), ("x/base", "x/lora"));
}

#[test]
fn the_sentence_takes_the_mean_over_languages_where_no_target_is_named() {
    let of = |model: &str, language: &str, value: f64| Score { data: "quiz".into(), ..bits(model, language, value, 0.1) };
    let scores = vec![of("base", "eus_Latn", 2.0), of("lora", "eus_Latn", 3.0), of("base", "average", 4.0), of("lora", "average", 2.5)];
    let report = Report { language: None, scores, ..adapted() };
    assert_eq!(summary(&report), "On quiz, over its languages, the best model is lora at 2.50 bits per byte; unadapted 4.00.");
    assert!(summary(&Report { language: adapted().language, ..report }).starts_with("On eus_Latn no model beats the unadapted one at 2.00"));
}

#[test]
fn a_model_compared_twice_in_a_table_is_told_apart() {
    let twice = vec![paired("lora", -1.92, 0.001, 0.002), Comparison { evaluator: "other".into(), ..paired("lora", 0.3, 0.5, 0.5) }];
    let text = text(&Report { comparisons: twice, ..adapted() });
    assert!(
        text.contains("  lora (score, bits-per-byte)  eus_Latn  better") && text.contains("  lora (score, other)          eus_Latn  not told apart"),
        "{text}"
    );
}

#[test]
fn a_model_by_itself_is_neither_the_best_nor_unadapted() {
    let report = Report { scores: vec![Score { reference: false, ..bits("base", "eus_Latn", 4.8, 0.05) }], ..adapted() };
    assert_eq!(summary(&report), "On eus_Latn base is at 4.80 bits per byte.");
    assert!(!text(&report).contains("unadapted") && !html(&report, &[]).contains("unadapted"));
}

#[test]
fn scores_of_two_evaluators_change_against_their_own_first_row() {
    let other = |score: Score| Score { evaluator: "other".into(), ..score };
    let first = [bits("base", "eus_Latn", 4.0, 0.05), other(bits("base", "eus_Latn", 8.0, 0.05))];
    let then = [bits("lora", "eus_Latn", 3.0, 0.05), other(bits("lora", "eus_Latn", 2.0, 0.05))].map(|s| Score { reference: false, ..s });
    // Of an evaluator that did not score the first model, such as a byte model, the first row is all there is.
    let alone = Score { evaluator: "bytes".into(), reference: false, ..bits("bytes", "eus_Latn", 5.0, 0.05) };
    let report = Report { scores: [first.to_vec(), then.to_vec(), vec![alone]].concat(), ..adapted() };
    let (page, lines) = (html(&report, &[]), text(&report));
    let counted = |what: &str, n: usize| assert_eq!(lines.matches(what).count(), n, "{what}\n{lines}");
    [("unadapted  ", 2), ("-25.0 % better", 1), ("-75.0 % better", 1), ("+25.0 % worse", 1)].into_iter().for_each(|(what, n)| counted(what, n));
    assert_eq!(page.matches("75.0\u{a0}% better").count(), 1);
}
