//! What was judged, run again with the files as they are now: for who wants to see it happen, or has changed something since. It confirms
//! nothing, and nothing is added to the history.

use super::cache::Outcome;
use super::campaign::{Campaign, seconds};
use super::history::{self, Past};
use super::scale::Scale;
use super::sides::Named;
use super::{confirm, freeze, pages, verdicts};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use tongues_judge::LOOKS;

/// Why a command that could confirm nothing more runs what was judged again; `None` where there is something to confirm, or nothing was judged.
///
/// # Errors
/// A file cannot be read.
pub fn instead(root: &Path, slug: &str, past: &Past<'_>, (scale, all_claims): (Scale, bool)) -> Result<Option<String>> {
    let Some((frozen, _)) = past.freeze().filter(|(f, _)| f.scale == scale && f.all_claims == all_claims) else { return Ok(None) };
    let Some((judged, time)) = past.judged(&frozen.id) else { return Ok(None) };
    let changed = freeze::Parts::now(root, slug)?.changed(&frozen.parts);
    let done = judged.look == LOOKS.len() || confirm::is_decided(&judged.claims);
    Ok(match (changed.as_slice(), done) {
        ([], false) => None,
        ([], true) => Some(format!("judged at {time}, with nothing left open")),
        (changed, _) => Some(format!("judged at {time}, and changed since: {}", changed.join(", "))),
    })
}

/// Runs the frozen claims on the seeds that they were judged on, and tells both outcomes beside each other.
///
/// # Errors
/// Nothing was judged, at another scale or of other claims, a run cannot be started, or one failed.
pub fn run(campaign: &Campaign<'_>, (scale, all_claims): (Scale, bool)) -> Result<()> {
    let (root, paper) = (campaign.root, campaign.paper);
    let slug = paper.slug.as_str();
    let lines = history::read(root)?;
    let past = Past::of(&lines, slug);
    let nothing = || format!("repro {slug}: a verdict was expected, which could be run again; `cargo xtask repro {slug}` makes one");
    let (frozen, _) = past.freeze().with_context(nothing)?;
    let (judged, time) = past.judged(&frozen.id).with_context(nothing)?;
    let same = frozen.scale == scale && frozen.all_claims == all_claims;
    ensure!(
        same,
        "repro {slug}: what was judged is scale {}, {}; ask for the same",
        frozen.scale.name(),
        if frozen.all_claims { "--all-claims" } else { "central claims" }
    );
    let claims = freeze::family(paper, all_claims);
    let named: Named = frozen.best.clone();
    let ran = campaign.run(&confirm::cells(&confirm::needed_arms(&claims, &named), &judged.seeds, &frozen.rates))?;
    let now = verdicts::of(paper, &claims, &named, (&judged.seeds, &ran))?;
    let spent = ran.iter().map(|r| if let Outcome::Done(run) = &r.outcome { run.seconds } else { 0.0 }).sum();
    let changed = freeze::Parts::now(root, slug)?.changed(&frozen.parts);
    let changed = if changed.is_empty() { "nothing has changed since".into() } else { format!("changed since: {}", changed.join(", ")) };
    println!("\nrepro {slug} again, seeds {:?}, {}; judged {time}, {changed}; nothing is confirmed by this", judged.seeds, seconds(spent));
    for claim in &now {
        println!("  now    {:16} {}", pages::word(claim.verdict), pages::line(claim));
        let before = judged.claims.iter().find(|c| c.id == claim.id);
        println!("  judged {}", before.map_or_else(|| "not at all".into(), |c| format!("{:16} {}", pages::word(c.verdict), pages::line(c))));
    }
    let failed = ran.iter().filter(|r| matches!(r.outcome, Outcome::Failed(_))).count();
    ensure!(failed == 0, "repro {slug}: {failed} of {} runs failed; what each said stands above", ran.len());
    Ok(())
}
