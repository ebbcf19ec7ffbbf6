//! From runs to verdicts.

use super::cache::Outcome;
use super::campaign::{Ran, value};
use super::claims::{Claim, Control};
use super::history::{JudgedClaim, JudgedControl, JudgedRun};
use super::paper::Paper;
use super::sides::{self, Named, Side};
use anyhow::Result;
use std::collections::BTreeMap;
use tongues_judge::{Better, Levels, Seed, Shape, interval, judge};

/// One-sided level of a control's interval: 95 % on both sides. Controls are read one by one; no verdict rests on them.
const CONTROL: f64 = 0.025;

/// Verdicts on a family, with controls.
///
/// # Errors
/// A report has no such score, or the judge refuses.
pub fn of(paper: &Paper, claims: &[&Claim], named: &Named, (seeds, ran): (&[u64], &[Ran])) -> Result<Vec<JudgedClaim>> {
    let mut measured = vec![];
    for claim in claims {
        let effects = effects(paper, claim, &sides::shape(claim, named), (seeds, ran))?;
        let seeds = seeds.iter().zip(effects).map(|(seed, effect)| Seed { seed: *seed, effect }).collect();
        measured.push(tongues_judge::Claim { id: claim.id.clone(), margin: claim.margin, seeds });
    }
    let judged = judge(&measured)?;
    let mut all = vec![];
    for ((claim, measured), j) in claims.iter().zip(measured).zip(judged) {
        let at: Vec<u64> = seeds.iter().take(j.estimate.as_ref().map_or(seeds.len(), |e| e.n)).copied().collect();
        let controls = claim.controls.iter().map(|c| control(paper, claim, c, (named, &at, ran))).collect::<Result<_>>()?;
        let effects = measured.seeds.iter().map(|s| s.effect).collect();
        all.push(JudgedClaim { id: j.id, verdict: j.verdict, look: j.look, why: j.why, estimate: j.estimate, effects, controls });
    }
    Ok(all)
}

/// The effect of every seed; a paper file that was read has the claim's metric.
fn effects(paper: &Paper, claim: &Claim, shape: &Shape<Side>, (seeds, ran): (&[u64], &[Ran])) -> Result<Vec<Option<f64>>> {
    let better = paper.metrics.iter().find(|m| m.name == claim.metric).map_or(Better::Higher, |m| m.better);
    let mut effects = vec![];
    for seed in seeds {
        let values = shape.sources().into_iter().map(|side| Ok((side.clone(), value(ran, paper, side, *seed)?))).collect::<Result<BTreeMap<_, _>>>()?;
        effects.push(shape.effect(better, |side| values[side]));
    }
    Ok(effects)
}

fn control(paper: &Paper, claim: &Claim, control: &Control, (named, seeds, ran): (&Named, &[u64], &[Ran])) -> Result<JudgedControl> {
    let effects = effects(paper, claim, &sides::control(claim, control, named), (seeds, ran))?;
    let whole: Option<Vec<f64>> = effects.into_iter().collect();
    let estimate = whole.and_then(|effects| interval(&effects, 0.0, Levels { holds: CONTROL, fails: CONTROL }).ok());
    let outcome = match &estimate {
        None => "not judged",
        Some(e) if e.low > 0.0 => "as expected",
        Some(e) if e.high < 0.0 => "against",
        Some(_) => "unclear",
    };
    Ok(JudgedControl {
        arm: control.arm.clone(),
        kind: control.expect.words().into(),
        outcome: outcome.into(),
        mean: estimate.as_ref().map(|e| e.mean),
        low: estimate.as_ref().map(|e| e.low),
        high: estimate.as_ref().map(|e| e.high),
    })
}

/// Every run for the history, with the metrics that the claims use.
///
/// # Errors
/// A report has no such score.
pub fn runs(paper: &Paper, needed: &[Side], ran: &[Ran]) -> Result<Vec<JudgedRun>> {
    let mut all = vec![];
    for r in ran {
        let metrics = needed.iter().filter(|s| s.arm == r.cell.arm);
        let values = metrics.map(|s| Ok((s.metric.clone(), r.value(paper, &s.metric)?))).collect::<Result<_>>()?;
        let (seconds, failed) = match &r.outcome {
            Outcome::Done(run) => (run.seconds, String::new()),
            Outcome::Failed(why) => (0.0, why.clone()),
        };
        all.push(JudgedRun { arm: r.cell.arm.clone(), seed: r.cell.seed, seconds, values, failed });
    }
    Ok(all)
}
