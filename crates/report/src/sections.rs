//! The sections of the page below its headline.

use serde_json::Value;

use crate::chart::{Chart, chart};
use crate::curves::{Curves, curves};
use crate::groups::groups;
use crate::markup::Markup;
use crate::metrics::MetricLine;
use crate::number;
use crate::schema::Report;
use crate::table::{Head, framed, head, paired_table, score_table};

/// One titled section.
pub(crate) fn section(m: &mut Markup, title: &str, inside: impl FnOnce(&mut Markup)) {
    m.within("section", &[], |m| {
        m.element("h2", &[], title);
        inside(m);
    });
}

/// All score tables.
pub(crate) fn scores(m: &mut Markup, report: &Report) {
    if report.scores.is_empty() {
        return;
    }
    section(m, "Scores", |m| {
        m.element(
            "p",
            &[("class", "about")],
            "The dot is the value, the whisker its 95 % interval, the dashed line the first row. Examples is the number of examples scored.",
        );
        for group in groups(&report.scores) {
            score_table(m, &group, report);
            paired_table(m, &group, report);
        }
    });
}

/// Loss and validation curves, a part for each training stage.
pub(crate) fn training(m: &mut Markup, report: &Report, metrics: &[MetricLine]) {
    let stages = stages(report, metrics);
    if stages.is_empty() {
        return;
    }
    section(m, "Training", |m| {
        for stage in stages {
            m.within("h3", &[], |m| {
                m.text("Stage ");
                m.element("bdi", &[], stage);
            });
            match curves(stage, metrics) {
                Some(found) => stage_charts(m, stage, &found, metrics),
                None => m.element("p", &[], "This stage recorded no steps."),
            }
        }
    });
}

/// The report's order first, then stages that only the metrics name.
fn stages<'a>(report: &'a Report, metrics: &'a [MetricLine]) -> Vec<&'a str> {
    let named = report.curves.iter().map(|curve| curve.stage.as_str());
    let mut stages: Vec<&str> = Vec::new();
    for stage in named.chain(metrics.iter().map(|line| line.stage.as_str())) {
        if !stages.contains(&stage) {
            stages.push(stage);
        }
    }
    stages
}

fn stage_charts(m: &mut Markup, stage: &str, found: &Curves, metrics: &[MetricLine]) {
    m.element("p", &[("class", "about")], &progress(stage, found, metrics));
    m.within("div", &[("class", "charts")], |m| {
        if !found.loss.is_empty() {
            let title = format!("Loss of stage {stage}");
            chart(m, &Chart { title, quantity: "loss".to_owned(), series: &found.loss, steps: found.steps });
        }
        for series in &found.validation {
            let quantity = series.name.trim_start_matches("validation ").to_owned();
            let title = format!("Validation of stage {stage}: {quantity}");
            chart(m, &Chart { title, quantity, series: std::slice::from_ref(series), steps: found.steps });
        }
    });
}

/// Steps, tokens, speed, and what the reader must know about the drawing.
fn progress(stage: &str, found: &Curves, metrics: &[MetricLine]) -> String {
    let lines = || metrics.iter().filter(|line| line.stage == stage);
    let steps = lines().map(|line| line.step).max().unwrap_or(0);
    let tokens = lines().map(|line| line.tokens).max().unwrap_or(0);
    let mut speeds: Vec<f64> = lines().map(|line| line.tokens_per_second).filter(|v| v.is_finite()).collect();
    speeds.sort_by(f64::total_cmp);
    let mut text = format!("{} steps, {} tokens", number::count(steps), number::count(tokens));
    if let Some(median) = speeds.get(speeds.len() / 2) {
        text += &format!(", {} tokens per second (median)", number::count(median.round() as u64));
    }
    text.push('.');
    if found.averaged > 1 {
        text += &format!(" Each point of a loss line is the mean of {} steps.", found.averaged);
    }
    if found.broken > 0 {
        text += &format!(" Steps whose loss is not a number or too large to draw: {}.", number::count(found.broken as u64));
    }
    text
}

/// Judged claims.
pub(crate) fn claims(m: &mut Markup, report: &Report) {
    if report.claims.is_empty() {
        return;
    }
    section(m, "Claims", |m| {
        m.within("ul", &[], |m| {
            for claim in &report.claims {
                m.name("li", &[], &claim_words(claim));
            }
        });
    });
}

/// `text: verdict` where the claim has both; else all of it as JSON.
pub(crate) fn claim_words(claim: &Value) -> String {
    let field = |name: &str| claim.get(name).and_then(Value::as_str);
    match (field("text"), field("verdict")) {
        (Some(text), Some(verdict)) => format!("{text}: {verdict}"),
        _ => claim.to_string(),
    }
}

/// Time and memory.
pub(crate) fn costs(m: &mut Markup, report: &Report) {
    if report.timing.is_empty() && report.memory.is_empty() {
        return;
    }
    section(m, "Time and memory", |m| {
        let times = report.timing.iter().map(|(stage, seconds)| (stage.clone(), number::duration(*seconds)));
        let total = number::duration(report.timing.values().sum());
        let times: Vec<_> = times.chain([("all stages".to_owned(), total)]).collect();
        if !report.timing.is_empty() {
            pairs(m, [("Stage", "name"), ("Time", "")], "Wall-clock time by stage", &times);
        }
        let memory = report.memory.iter().map(|(what, bytes)| (what.replace('_', " "), number::bytes(*bytes)));
        if !report.memory.is_empty() {
            pairs(m, [("What", "name"), ("Memory", "")], "Memory", &memory.collect::<Vec<_>>());
        }
    });
}

fn pairs(m: &mut Markup, names: [Head; 2], caption: &str, rows: &[(String, String)]) {
    framed(m, caption, |m| {
        m.within("caption", &[], |m| m.element("span", &[("class", "title")], caption));
        head(m, &names);
        m.within("tbody", &[], |m| {
            for (name, value) in rows {
                m.within("tr", &[], |m| {
                    m.name("th", &[("scope", "row")], name);
                    m.element("td", &[], value);
                });
            }
        });
    });
}

/// Notes for the reader.
pub(crate) fn notes(m: &mut Markup, report: &Report) {
    if report.notes.is_empty() {
        return;
    }
    section(m, "Notes", |m| {
        m.within("ul", &[], |m| report.notes.iter().for_each(|note| m.name("li", &[], note)));
    });
}
