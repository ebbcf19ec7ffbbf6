//! The page: structure, escaping, drawings.

mod common;

use std::collections::BTreeMap;

use common::{adapted, bits, step};
use tongues_report::{CurveRef, MetricLine, Report, html};

/// Tags that stay open are a mistake; returns how often each tag was opened.
fn balanced(page: &str) -> BTreeMap<String, usize> {
    let mut open: Vec<&str> = Vec::new();
    let mut counts = BTreeMap::new();
    let body = page.strip_prefix("<!doctype html>\n").unwrap();
    let (head, rest) = body.split_once("<style>").unwrap();
    let (style, rest) = rest.split_once("</style>").unwrap();
    assert!(!style.contains('<'));
    let markup = format!("{head}{rest}");
    for piece in markup.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed by </{name}>");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        *counts.entry(name.to_owned()).or_insert(0) += 1;
        if name != "meta" && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    counts
}

/// Everything between two marks, for every occurrence.
fn between<'a>(page: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    page.split(from).skip(1).map(|rest| rest.split_once(to).unwrap().0).collect()
}

/// The points of a path `M1 2L3 4`.
fn points(path: &str) -> Vec<(f64, f64)> {
    let pairs = path.split(['M', 'L']).skip(1);
    pairs.map(|pair| pair.split_once(' ').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap()).collect()
}

fn losses(page: &str) -> Vec<&str> {
    between(page, "<path class=\"line s0\" d=\"", "\"").into_iter().filter(|d| !d.starts_with("M0 5L")).collect()
}

fn trained() -> Vec<MetricLine> {
    let mut lines: Vec<MetricLine> = (1..=10).map(|i| step(i, 6.0 / i as f64)).collect();
    lines[4].validation = Some(BTreeMap::from([("causal-lm".into(), 1.5), ("accuracy".into(), 0.25)]));
    lines[9].validation = Some(BTreeMap::from([("causal-lm".into(), 0.9), ("accuracy".into(), 0.5)]));
    lines
}

#[test]
fn the_page_is_whole_and_needs_nothing_else() {
    let page = html(&adapted(), &trained());
    let counts = balanced(&page);
    assert!(page.contains("On eus_Latn the best model is vocab-lora at 2.21 bits per byte; unadapted 4.80."));
    for absent in ["script", "link", "img", "iframe", "a"] {
        assert_eq!(counts.get(absent), None, "{absent}");
    }
    for absent in ["http:", "https:", "url(", "@import", "src=", "href=", "javascript:", "onload", "onclick"] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert_eq!(page, html(&adapted(), &trained()));
}

#[test]
fn tables_have_captions_scopes_and_one_row_a_model() {
    let page = html(&adapted(), &[]);
    let counts = balanced(&page);
    assert_eq!((counts["table"], counts["caption"]), (3, 3));
    let bodies = between(&page, "<tbody>", "</tbody>");
    let models = |body: &str| between(body, "<th scope=\"row\"><bdi>", "</bdi>").join(" ");
    assert_eq!(models(bodies[0]), "base lora vocab-lora");
    assert_eq!(models(bodies[1]), "base lora vocab-lora");
    assert_eq!(models(bodies[2]), "lora vocab-lora");
    let first = between(bodies[0], "<td>", "</td>");
    assert_eq!(first[0], "4.80<small>4.75 to 4.85</small>");
    assert!(bodies[0].contains("<td class=\"better\">\u{2212}54.0\u{a0}% better</td>"));
    assert!(bodies[1].contains("<td class=\"worse\">+10.0\u{a0}% worse</td>"));
    assert!(bodies[0].contains("<td>1\u{202f}204</td>"));
    assert_eq!(page.matches("<th ").count(), page.matches("<th scope=").count());
    assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\" aria-label=\"").count());
}

#[test]
fn whiskers_share_the_axis_of_their_table() {
    let mut report = adapted();
    report.scores = vec![bits("base", "eus_Latn", 4.0, 1.0), bits("lora", "eus_Latn", 2.0, 1.0)];
    let page = html(&report, &[]);
    let dots = between(&page, "<circle class=\"dot\" cx=\"", "\"");
    let ends = between(&page, "<line class=\"whisker\" x1=\"", "\"");
    // Values 1 to 5 lie over 18..150, 33 a unit, whatever ticks are chosen within.
    let number = |text: &str| text.parse::<f64>().unwrap();
    let (base, lora) = (number(dots[0]), number(dots[1]));
    let low_of_lora = number(ends[3]);
    assert!((base - lora - 2.0 * (lora - low_of_lora)).abs() < 0.2, "{dots:?} {ends:?}");
    assert!(low_of_lora >= 17.9 && base < 150.0);
    assert_eq!(between(&page, "<line class=\"first\" x1=\"", "\""), [dots[0], dots[0]]);
    assert!(page.contains("aria-label=\"2.00, interval 1.00 to 3.00\""));
}

#[test]
fn several_languages_of_one_table_are_sections() {
    let mut report = adapted();
    for score in &mut report.scores {
        score.data = "dev".into();
    }
    let page = html(&report, &[]);
    let heads = between(&page, "<th scope=\"rowgroup\" colspan=\"5\"><bdi>", "</bdi>");
    assert_eq!(heads, ["eus_Latn (target language)", "eng_Latn (source language)"]);
    assert_eq!(page.matches("<td class=\"plain\">unadapted</td>").count(), 2);
}

#[test]
fn a_model_scored_in_two_stages_is_told_apart() {
    let mut report = adapted();
    report.scores.truncate(1);
    let mut again = report.scores[0].clone();
    again.stage = "after".into();
    report.scores.push(again);
    let page = html(&report, &[]);
    assert_eq!(between(&page, "<th scope=\"row\"><bdi>", "</bdi>"), ["lora (score)", "lora (after)"]);
}

#[test]
fn curves_run_from_left_to_right_and_fall_with_the_loss() {
    let page = html(&adapted(), &trained());
    let line = points(losses(&page)[0]);
    assert_eq!(line.len(), 10);
    assert!(line.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1), "{line:?}");
    assert_eq!((line[0].0, line[9].0), (62.0, 466.0));
    let label = "aria-label=\"Loss of stage adapt. causal-lm from 6.000 to 0.600; validation causal-lm from 1.500 to 0.900\"";
    assert!(page.contains(label));
    // The validation loss shares the axis: at step 5 it lies above the training loss of 1.2.
    let marked = points(between(&page, "<path class=\"line marked s1\" d=\"", "\"")[0]);
    assert_eq!(marked[0].0, line[4].0);
    assert!(marked[0].1 < line[4].1);
    assert!(page.contains("Validation of stage adapt: accuracy"));
    assert!(page.contains("10 steps, 5\u{202f}120 tokens, 5\u{202f}000 tokens per second (median)."));
}

#[test]
fn a_gap_breaks_the_line_and_is_said() {
    let mut lines = trained();
    lines[3].loss.insert("causal-lm".into(), f64::NAN);
    let page = html(&adapted(), &lines);
    let path = losses(&page)[0];
    assert_eq!((path.matches('M').count(), points(path).len()), (2, 9));
    assert!(page.contains("Steps whose loss is not a number or too large to draw: 1."));
    balanced(&page);
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "<script>alert(1)</script>\"'&\u{0}";
    let mut report = Report::new(hostile, 1);
    report.language = Some(tongues_report::Languages { source: hostile.into(), target: "x".into() });
    for language in [hostile, "x"] {
        for model in ["base", hostile] {
            let mut score = bits(model, language, 2.0, 0.1);
            (score.stage, score.evaluator, score.metric) = (hostile.into(), hostile.into(), hostile.into());
            report.scores.push(score);
        }
    }
    report.claims = vec![serde_json::json!({"text": hostile, "verdict": hostile}), serde_json::json!([hostile])];
    report.notes = vec![hostile.into()];
    report.timing = BTreeMap::from([(hostile.into(), 1.0)]);
    report.memory = BTreeMap::from([(hostile.into(), 1)]);
    report.curves = vec![CurveRef { stage: hostile.into() }, CurveRef { stage: "</svg>".into() }];
    let mut line = step(1, 2.0);
    line.stage = hostile.into();
    line.loss = BTreeMap::from([(hostile.into(), 2.0)]);
    line.validation = Some(BTreeMap::from([("'><b>".into(), 2.0)]));

    let page = html(&report, &[line]);
    let counts = balanced(&page);
    assert_eq!((counts.get("script"), counts.get("b")), (None, None));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\u{fffd}"));
    assert!(!page.contains("<script") && !page.contains('\u{0}'));
    assert!(page.contains("This stage recorded no steps."));
}

#[test]
fn extreme_numbers_are_drawn_or_left_out_but_never_break_the_page() {
    let mut report = adapted();
    for value in [f64::NAN, f64::INFINITY, -f64::MAX, f64::MAX, 5e-324, 0.0] {
        report.scores.push(bits("odd", "eus_Latn", value, 0.0));
    }
    report.timing = BTreeMap::from([("a".into(), f64::NAN), ("b".into(), -1.0)]);
    let lines: Vec<MetricLine> = [f64::MAX, 1e299, -1e299, 5e-324].iter().zip(1..).map(|(v, i)| step(i, *v)).collect();
    let page = html(&report, &lines);
    balanced(&page);
    for attribute in ["cx=\"", "x1=\"", "x2=\"", "y1=\"", " d=\"M", " x=\""] {
        let odd = between(&page, attribute, "\"").into_iter().find(|v| v.contains("NaN") || v.contains("inf"));
        assert_eq!(odd, None, "{attribute}");
    }
}

#[test]
fn an_empty_report_is_a_page() {
    let page = html(&Report::new("empty", 0), &[]);
    let counts = balanced(&page);
    assert_eq!((counts.get("table"), counts.get("section")), (None, None));
    assert!(page.contains("This run measured no scores."));
}
