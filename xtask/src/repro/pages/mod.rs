//! What is written from the history: a page and a drawing for each paper, results for programs, and the index. Nothing else goes in,
//! so that the pages can always be written again.

mod html;
mod markdown;
mod plot;

use super::cache::write_whole;
use super::history::{self, Freeze, Judged, JudgedClaim, Line, Past};
use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;
use tongues_judge::Verdict;

/// One confirmation: a freeze, and its last verdicts.
pub struct Confirmation<'h> {
    /// What was frozen.
    pub freeze: &'h Freeze,
    /// When.
    pub frozen_at: &'h str,
    /// What came out, and when.
    pub judged: Option<(&'h Judged, &'h str)>,
}

/// All confirmations of a slug, the last one first.
fn confirmations<'h>(lines: &'h [Line], slug: &str) -> Vec<Confirmation<'h>> {
    let past = Past::of(lines, slug);
    let of = |(freeze, frozen_at): (&'h Freeze, &'h str)| Confirmation { freeze, frozen_at, judged: past.judged(&freeze.id) };
    past.freezes().into_iter().rev().map(of).collect()
}

/// Writes all pages under `docs/repro` from the history.
///
/// # Errors
/// The history does not hold together, or a file cannot be written.
pub fn write(root: &Path) -> Result<()> {
    let lines = history::read(root)?;
    let folder = root.join("docs/repro");
    let mut slugs: Vec<&str> = lines.iter().map(|l| l.slug.as_str()).collect();
    slugs.sort_unstable();
    slugs.dedup();
    let mut papers = vec![];
    for slug in slugs {
        let all = confirmations(&lines, slug);
        write_whole(&folder.join(format!("{slug}.md")), markdown::page(slug, &all).as_bytes())?;
        write_whole(&folder.join(format!("{slug}.html")), html::page(slug, &all).as_bytes())?;
        papers.push((slug, all));
    }
    write_whole(&folder.join("index.md"), markdown::index(&papers).as_bytes())?;
    write_whole(&folder.join("results.json"), (serde_json::to_string_pretty(&results(&papers))? + "\n").as_bytes())
}

/// The last verdicts of every paper, for programs.
fn results(papers: &[(&str, Vec<Confirmation<'_>>)]) -> Value {
    let mut all = serde_json::Map::new();
    for (slug, confirmations) in papers {
        let Some(last) = confirmations.first() else { continue };
        let judged = last.judged.map(|(judged, time)| json!({ "time": time, "verdicts": judged }));
        all.insert((*slug).to_owned(), json!({ "frozen": last.frozen_at, "freeze": last.freeze, "judged": judged }));
    }
    json!({ "schema": 1, "papers": all })
}

/// A verdict in words.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Fails => "fails",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NotJudged => "not judged",
        Verdict::Smoke => "smoke, not judged",
    }
}

/// How many claims have which verdict.
pub fn counts(claims: &[JudgedClaim]) -> String {
    let all = [Verdict::Holds, Verdict::Fails, Verdict::Inconclusive, Verdict::NotJudged, Verdict::Smoke];
    let count = |v: Verdict| (claims.iter().filter(|c| c.verdict == v).count(), word(v));
    let told: Vec<String> = all.into_iter().map(count).filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    told.join(", ")
}

/// A claim in one line.
pub fn line(claim: &JudgedClaim) -> String {
    let figures = claim.estimate.as_ref().map_or_else(|| claim.why.clone(), |e| format!("{} ({} to {})", number(e.mean), number(e.low), number(e.high)));
    let seen = seen(claim).map(|s| format!("; {s}")).unwrap_or_default();
    let odd: Vec<String> =
        claim.controls.iter().filter(|c| c.outcome != "as expected").map(|c| format!("; control {} ({}): {}", c.arm, c.kind, c.outcome)).collect();
    format!("{}: {figures}{seen}{}", claim.id, odd.concat())
}

/// Of an open claim: what could have been seen, and how many seeds would decide.
fn seen(claim: &JudgedClaim) -> Option<String> {
    let e = claim.estimate.as_ref()?;
    let smallest = e.smallest_effect?;
    let seeds = e.seeds_to_decide.map_or_else(|| "more than 1000 seeds".into(), |n| format!("about {n} seeds"));
    Some(format!("{} from the margin would have been seen, {seeds} would decide", number(smallest)))
}

/// Four significant digits or so.
fn number(value: f64) -> String {
    let digits = if value == 0.0 { 3 } else { (3.0 - value.abs().log10().floor()).clamp(0.0, 8.0) as usize };
    format!("{value:.digits$}").replace('-', "−")
}

/// A p.
fn chance(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".into() } else { format!("{p:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        assert_eq!([number(0.0), number(0.012345), number(-1.5), number(12345.6)], ["0.000", "0.01235", "−1.500", "12346"]);
        assert_eq!([chance(0.5), chance(1e-9)], ["0.5000", "< 0.0001"]);
    }
}
