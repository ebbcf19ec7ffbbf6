//! The confirming run: seeds that were never used, held to the freeze; and smoke, which is held to nothing and says nothing.

use super::cache::Outcome;
use super::campaign::{Campaign, Cell, Ran, seconds};
use super::claims::Claim;
use super::history::{self, Begin, Event, Freeze, Judged, JudgedClaim, Past};
use super::scale::Scale;
use super::sides::{Named, needed};
use super::{develop, freeze, hash, pages, seeds, verdicts};
use anyhow::{Result, bail, ensure};
use std::collections::BTreeMap;
use tongues_judge::{LOOKS, Verdict};

/// Runs the looks that are due up to `count` seeds (the next look where absent), and writes history and pages.
///
/// # Errors
/// Nothing is frozen, something changed, everything was judged, or a run cannot be started.
pub fn run(campaign: &Campaign<'_>, count: Option<usize>, (scale, all_claims): (Scale, bool)) -> Result<()> {
    let (root, slug) = (campaign.root, campaign.paper.slug.as_str());
    let lines = history::read(root)?;
    let past = Past::of(&lines, slug);
    let frozen = freeze::held(root, campaign.paper, &past, (scale, all_claims))?.clone();
    let done = past.judged(&frozen.id).map_or(0, |(judged, _)| judged.look);
    let last = match count {
        None => (done + 1).min(LOOKS.len()),
        Some(n) => match LOOKS.iter().position(|l| l.seeds == n) {
            Some(look) => look + 1,
            None => bail!(
                "--seeds {n}: {} were expected; looking at other numbers makes error that the levels do not count",
                LOOKS.map(|l| l.seeds.to_string()).join(" or ")
            ),
        },
    };
    let open = past.judged(&frozen.id).is_none_or(|(judged, _)| !is_decided(&judged.claims));
    let again = "a new judgement needs --freeze --reason \"…\" and takes new seeds";
    ensure!(
        last > done && open,
        "repro {slug}: judged already at {} seeds; {again}",
        done.max(1).min(LOOKS.len()).checked_sub(1).map_or(0, |i| LOOKS[i].seeds)
    );
    for look in done + 1..=last {
        let judged = take(campaign, &frozen, look)?;
        history::append(root, slug, Event::Verdict(judged.clone()))?;
        pages::write(root)?;
        tell(slug, &frozen, &judged);
        if is_decided(&judged.claims) {
            break;
        }
    }
    Ok(())
}

/// Every claim holds or fails.
pub fn is_decided(claims: &[JudgedClaim]) -> bool {
    claims.iter().all(|c| matches!(c.verdict, Verdict::Holds | Verdict::Fails))
}

/// One look: seeds that were begun for it are gone on with, else new ones are begun.
fn take(campaign: &Campaign<'_>, frozen: &Freeze, look: usize) -> Result<Judged> {
    let (root, paper) = (campaign.root, campaign.paper);
    let lines = history::read(root)?;
    let past = Past::of(&lines, &paper.slug);
    let before = past.judged(&frozen.id).map(|(judged, _)| judged.clone());
    let mut all: Vec<u64> = before.iter().flat_map(|j| j.seeds.clone()).collect();
    let added = match past.begun(&frozen.id, look) {
        Some(seeds) => seeds,
        None => {
            let seeds = seeds::fresh(&past.used(), LOOKS[look - 1].seeds - all.len());
            history::append(root, &paper.slug, Event::Begin(Begin { freeze: frozen.id.clone(), look, seeds: seeds.clone() }))?;
            seeds
        }
    };
    all.extend(&added);
    let claims = freeze::family(paper, frozen.all_claims);
    let named: Named = frozen.best.clone();
    let open = |c: &&&Claim| before.iter().flat_map(|b| &b.claims).all(|j| j.id != c.id || !is_decided(std::slice::from_ref(j)));
    let of_open: Vec<&Claim> = claims.iter().filter(open).copied().collect();
    // Seeds of earlier looks are in the cache for every claim; new ones are for what is open.
    let earlier = cells(&needed_arms(&claims, &named), &all[..all.len() - added.len()], &frozen.rates);
    let ran = campaign.run(&[earlier, cells(&needed_arms(&of_open, &named), &added, &frozen.rates)].concat())?;
    Ok(Judged {
        freeze: frozen.id.clone(),
        look,
        claims: verdicts::of(paper, &claims, &named, (&all, &ran))?,
        runs: verdicts::runs(paper, &needed(&claims, &named), &ran)?,
        seconds: ran.iter().map(|r| if let Outcome::Done(run) = &r.outcome { run.seconds } else { 0.0 }).sum(),
        seeds: all,
        simd: hash::simd().into(),
    })
}

/// The arms whose values claims need.
pub fn needed_arms(claims: &[&Claim], named: &Named) -> Vec<String> {
    let mut arms: Vec<String> = needed(claims, named).into_iter().map(|s| s.arm).collect();
    arms.dedup();
    arms
}

/// Seed by seed, so that a stopped run has whole seeds.
pub fn cells(arms: &[String], seeds: &[u64], rates: &BTreeMap<String, f64>) -> Vec<Cell> {
    let of = |seed: u64| arms.iter().map(move |arm| Cell { arm: arm.clone(), seed, rate: rates.get(arm).copied() });
    seeds.iter().flat_map(|seed| of(*seed)).collect()
}

fn tell(slug: &str, frozen: &Freeze, judged: &Judged) {
    println!("\nrepro {slug}, freeze {}, seeds {:?}, {}, {}", &frozen.id[..12], judged.seeds, judged.simd, seconds(judged.seconds));
    for claim in &judged.claims {
        println!("  {:16} {}", pages::word(claim.verdict), pages::line(claim));
    }
    println!("docs/repro/{slug}.md");
}

/// Runs everything on development seeds and looks whether every metric is there; says nothing of claims.
///
/// # Errors
/// A run failed or a metric is missing.
pub fn smoke(campaign: &Campaign<'_>, count: Option<usize>, all_claims: bool) -> Result<()> {
    let (root, paper) = (campaign.root, campaign.paper);
    let seeds = seeds::development(count.or(campaign.settings.seeds).unwrap_or(1));
    let claims = if all_claims { paper.claims.iter().collect() } else { freeze::family(paper, false) };
    let developed = develop::read(root, &paper.slug)?;
    // Whatever stands for the best of several here: the first.
    let named: Named = paper.best.iter().map(|b| (b.name.clone(), b.of[0].clone())).collect();
    let first = paper.grid.iter().flat_map(|g| paper.arms.iter().filter(|a| a.grid).map(|a| (a.name.clone(), g.values[0])));
    let rates = first.chain(developed.into_iter().flat_map(|d| d.rates)).collect();
    let ran: Vec<Ran> = campaign.run(&cells(&needed_arms(&claims, &named), &seeds, &rates))?;
    let runs = verdicts::runs(paper, &needed(&claims, &named), &ran)?;
    let failed: Vec<String> = runs.iter().filter(|r| !r.failed.is_empty()).map(|r| format!("  arm {}, seed {}: {}", r.arm, r.seed, r.failed)).collect();
    ensure!(failed.is_empty(), "repro {}: runs failed:\n{}", paper.slug, failed.join("\n"));
    let undefined = runs.iter().flat_map(|r| r.values.iter().filter(|(_, v)| v.is_none()).map(move |(metric, _)| format!("{} of {}", metric, r.arm)));
    undefined.for_each(|what| println!("  {what} has no value"));
    println!("repro {}: {} claims over {} seeds: smoke, not judged", paper.slug, claims.len(), seeds.len());
    Ok(())
}
