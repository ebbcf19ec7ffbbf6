//! `docs/repro/<slug>.md` and the index.

use super::{Confirmation, chance, counts, number, seen, word};
use crate::repro::campaign::seconds;
use crate::repro::history::{Freeze, FrozenClaim, Judged, JudgedClaim};
use std::fmt::Write;

/// Said on every page.
const WRITTEN: &str = "Written by `cargo xtask repro` from [history.jsonl](history.jsonl); how it is judged: [README.md](README.md).";

/// The page of a paper.
pub fn page(slug: &str, all: &[Confirmation<'_>]) -> String {
    let Some(last) = all.first() else { return String::new() };
    let freeze = last.freeze;
    let mut s = format!("# {}\n\n{}. {}\n\n{WRITTEN} Plots: [{slug}.html]({slug}.html).\n\n", cell(&freeze.title), cell(&freeze.paper), freeze.summary.trim());
    match last.judged {
        None => s.push_str("Frozen, not judged yet.\n\n"),
        Some((judged, time)) => {
            verdicts(&mut s, freeze, judged);
            controls(&mut s, judged);
            conditions(&mut s, slug, freeze, (judged, time));
            runs(&mut s, judged);
        }
    }
    earlier(&mut s, &all[1..]);
    s.truncate(s.trim_end().len());
    s + "\n"
}

fn verdicts(s: &mut String, freeze: &Freeze, judged: &Judged) {
    s.push_str("## Claims\n\n| claim | published | effect | margin | mean | interval | p | sign flips | seeds | verdict |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (frozen, claim) in freeze.claims.iter().zip(&judged.claims) {
        row(s, frozen, claim);
    }
    s.push('\n');
    let before = s.len();
    for claim in &judged.claims {
        let why = if claim.why.is_empty() { seen(claim) } else { Some(claim.why.clone()) };
        if let Some(why) = why {
            let _ = writeln!(s, "- `{}` is {}: {}.", claim.id, word(claim.verdict), cell(&why));
        }
    }
    if s.len() > before {
        s.push('\n');
    }
}

fn row(s: &mut String, frozen: &FrozenClaim, claim: &JudgedClaim) {
    let figures = claim.estimate.as_ref().map(|e| {
        let p = if e.mean >= frozen.margin { e.p_holds } else { e.p_fails };
        let flips = e.sign_flip.map_or_else(|| "–".into(), chance);
        [number(e.mean), format!("{} to {}", number(e.low), number(e.high)), chance(p), flips, e.n.to_string()]
    });
    let figures = figures.map_or_else(|| "– | – | – | – | –".into(), |f| f.join(" | "));
    let odd = if claim.controls.iter().all(|c| c.outcome == "as expected") { "" } else { " (see controls)" };
    let _ = writeln!(
        s,
        "| `{}`: {} | {} ({}) | {} | {} | {figures} | **{}**{odd} |",
        claim.id,
        cell(&frozen.text),
        cell(&frozen.published),
        cell(&frozen.source),
        cell(&frozen.compared),
        number(frozen.margin),
        word(claim.verdict)
    );
}

fn controls(s: &mut String, judged: &Judged) {
    if judged.claims.iter().all(|c| c.controls.is_empty()) {
        s.push_str("No claim has a control.\n\n");
        return;
    }
    s.push_str("## Controls\n\nWhat the claim's arm has more than the control; 95 % intervals, each by itself. No verdict rests on them.\n\n");
    s.push_str("| claim | control | kind | mean | interval | outcome |\n|---|---|---|---|---|---|\n");
    for claim in &judged.claims {
        for c in &claim.controls {
            let told = |v: Option<f64>| v.map_or_else(|| "–".into(), number);
            let _ = writeln!(s, "| `{}` | {} | {} | {} | {} to {} | {} |", claim.id, cell(&c.arm), c.kind, told(c.mean), told(c.low), told(c.high), c.outcome);
        }
    }
    s.push('\n');
}

fn conditions(s: &mut String, slug: &str, freeze: &Freeze, (judged, time): (&Judged, &str)) {
    let flags = format!("{}{}", if freeze.all_claims { " --all-claims" } else { "" }, if freeze.scale.name() == "mini" { "" } else { " --scale full" });
    let _ = write!(
        s,
        "## Conditions\n\n- `cargo xtask repro {slug}{flags}`, scale {}, look {}, seeds {}, at {time}.\n- Freeze `{}`, vector instructions {}, {} for all arms, bases left out.\n",
        freeze.scale.name(),
        judged.look,
        judged.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
        &freeze.id[..freeze.id.len().min(12)],
        judged.simd,
        seconds(judged.seconds)
    );
    let rates: Vec<String> = freeze.rates.iter().map(|(arm, rate)| format!("{arm} {rate:?}")).collect();
    if !rates.is_empty() {
        let _ = writeln!(s, "- Chosen on development seeds: {}.", rates.join(", "));
    }
    freeze.best.iter().for_each(|(name, arm)| {
        let _ = writeln!(s, "- `{name}` is {arm}, by development seeds.");
    });
    s.push('\n');
}

fn runs(s: &mut String, judged: &Judged) {
    s.push_str("## Runs\n\n| arm | seed | values | wall time |\n|---|---|---|---|\n");
    for run in &judged.runs {
        let value = |(metric, value): (&String, &Option<f64>)| format!("{metric} {}", value.map_or_else(|| "not defined".into(), number));
        let values = run.values.iter().map(value).collect::<Vec<_>>().join(", ");
        let (values, time) = if run.failed.is_empty() { (values, seconds(run.seconds)) } else { (format!("failed: {}", cell(&run.failed)), "–".into()) };
        let _ = writeln!(s, "| {} | {} | {values} | {time} |", run.arm, run.seed);
    }
    s.push('\n');
}

fn earlier(s: &mut String, all: &[Confirmation<'_>]) {
    if all.is_empty() {
        return;
    }
    s.push_str("## Earlier confirmations\n\n| frozen | reason | seeds | claims |\n|---|---|---|---|\n");
    for c in all {
        let (seeds, claims) = c.judged.map_or_else(
            || ("–".into(), "not judged".into()),
            |(j, _)| {
                let seeds: Vec<String> = j.seeds.iter().map(u64::to_string).collect();
                let claims: Vec<String> = j.claims.iter().map(|c| format!("`{}` {}", c.id, word(c.verdict))).collect();
                (seeds.join(", "), claims.join(", "))
            },
        );
        let reason = if c.freeze.reason.is_empty() { "first" } else { &c.freeze.reason };
        let _ = writeln!(s, "| {} | {} | {seeds} | {claims} |", c.frozen_at, cell(reason));
    }
    s.push('\n');
}

/// The index of all papers.
pub fn index(papers: &[(&str, Vec<Confirmation<'_>>)]) -> String {
    let mut s = format!("# Reruns of papers' comparisons\n\n{WRITTEN}\n\n| paper | scale | seeds | claims | verdicts | plots |\n|---|---|---|---|---|---|\n");
    for (slug, all) in papers {
        let Some(last) = all.first() else { continue };
        let (seeds, verdicts) = last.judged.map_or_else(|| ("–".into(), "frozen, not judged".into()), |(j, _)| (j.seeds.len().to_string(), counts(&j.claims)));
        let title = format!("[{}]({slug}.md), {}", cell(&last.freeze.title), cell(&last.freeze.paper));
        let _ = writeln!(s, "| {title} | {} | {seeds} | {} | {verdicts} | [plots]({slug}.html) |", last.freeze.scale.name(), last.freeze.claims.len());
    }
    s
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}
