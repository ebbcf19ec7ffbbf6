//! The verdicts on a family of claims.

use crate::{Claim, Estimate, JudgeError, LOOKS, Levels, Look, Result, Sample, Step, holm, interval};
use serde::{Deserialize, Serialize};

/// What is said of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The mean effect is above the margin.
    Holds,
    /// It is below.
    Fails,
    /// Neither can be said.
    Inconclusive,
    /// A run failed, a metric has no value, or seeds do not differ.
    NotJudged,
    /// Fewer seeds than the first look needs: the machinery ran, nothing is said of the claim.
    Smoke,
}

/// The verdict on one claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The claim.
    pub id: String,
    /// What is said of it.
    pub verdict: Verdict,
    /// The last look at it, from 1; 0 where there was none.
    pub look: usize,
    /// The figures of that look.
    pub estimate: Option<Estimate>,
    /// Why it is not judged; empty otherwise.
    pub why: String,
}

/// Judges a family of claims on the same seeds: all at the first look, those left open at the second where its seeds are there.
///
/// # Errors
/// A number that is not finite, a seed that comes twice, claims on different seeds, a number of seeds at which there is no look.
pub fn judge(claims: &[Claim]) -> Result<Vec<Judgement>> {
    check(claims)?;
    let seeds = claims.first().map_or(0, |c| c.seeds.len());
    let mut judged: Vec<Judgement> = claims.iter().map(|c| unseen(c, seeds)).collect();
    for (number, look) in LOOKS.iter().enumerate().filter(|(_, look)| look.seeds <= seeds) {
        take(claims, &mut judged, number + 1, *look)?;
    }
    Ok(judged)
}

fn unseen(claim: &Claim, seeds: usize) -> Judgement {
    let why = format!("{seeds} seeds, where at least {} are judged", LOOKS[0].seeds);
    Judgement { id: claim.id.clone(), verdict: Verdict::Smoke, look: 0, estimate: None, why }
}

fn check(claims: &[Claim]) -> Result<()> {
    claims.iter().try_for_each(Claim::check)?;
    let names = |claim: &Claim| claim.seeds.iter().map(|s| s.seed).collect::<Vec<_>>();
    let Some(first) = claims.first().map(names) else { return Ok(()) };
    if let Some(other) = claims.iter().find(|c| names(c) != first) {
        let remedy = "judge claims together that were run on the same seeds in the same order";
        return Err(JudgeError::new(format!("claim {}", other.id), format!("seeds {first:?}"), format!("{:?}", names(other)), remedy));
    }
    let n = first.len();
    if n >= LOOKS[0].seeds && LOOKS.iter().all(|look| look.seeds != n) {
        let expected = LOOKS.map(|look| look.seeds.to_string()).join(" or ");
        return Err(JudgeError::new("seeds", expected, n.to_string(), "looking at other numbers of seeds makes error that the levels do not count"));
    }
    Ok(())
}

/// One look at the claims that are still open.
fn take(claims: &[Claim], judged: &mut [Judgement], number: usize, look: Look) -> Result<()> {
    let decided = |verdict: Verdict| judged.iter().filter(|j| j.verdict == verdict).count();
    // What this side has not decided stays in its divisor, whatever the other side said.
    let families = [Verdict::Holds, Verdict::Fails].map(|side| claims.len() - decided(side));
    let mut open = vec![];
    for (index, claim) in claims.iter().enumerate() {
        if matches!(judged[index].verdict, Verdict::Holds | Verdict::Fails) {
            continue;
        }
        match sample(claim, look.seeds) {
            Ok((effects, sample)) => open.push((index, effects, sample)),
            Err(why) => judged[index] = Judgement { id: claim.id.clone(), verdict: Verdict::NotJudged, look: number, estimate: None, why },
        }
    }
    let above: Vec<f64> = open.iter().map(|(i, _, s)| s.p_above(claims[*i].margin)).collect();
    let below: Vec<f64> = open.iter().map(|(i, _, s)| s.p_below(claims[*i].margin)).collect();
    let (holds, fails) = (holm(&above, look.side(), families[0]), holm(&below, look.side(), families[1]));
    for (((index, effects, _), holds), fails) in open.into_iter().zip(holds).zip(fails) {
        let levels = Levels { holds: holds.level, fails: fails.level };
        let estimate = Some(interval(&effects, claims[index].margin, levels)?);
        judged[index] = Judgement { id: claims[index].id.clone(), verdict: verdict(holds, fails), look: number, estimate, why: String::new() };
    }
    Ok(())
}

fn sample(claim: &Claim, seeds: usize) -> std::result::Result<(Vec<f64>, Sample), String> {
    let effects = claim.effects(seeds).map_err(|failed| {
        format!("no effect in seed {}: a run failed, or a metric has no value", failed.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
    })?;
    let sample = Sample::of(&effects).map_err(|e| e.to_string())?;
    Ok((effects, sample))
}

fn verdict(holds: Step, fails: Step) -> Verdict {
    match (holds.rejected, fails.rejected) {
        (true, _) => Verdict::Holds,
        (_, true) => Verdict::Fails,
        _ => Verdict::Inconclusive,
    }
}
