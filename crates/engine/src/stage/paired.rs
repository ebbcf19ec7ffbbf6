//! Every model of an evaluate stage against its first one, on the same records.

use super::evaluate::{AVERAGE, Group, direction, draws};
use crate::shop::Shop;
use tongues_eval::{Difference, Pair, differ, holm};
use tongues_kernel::Finding;
use tongues_recipe::ast::EvaluatorUse;
use tongues_report::Comparison;

/// What a model made of an entry.
pub struct Found {
    /// The model.
    pub model: String,
    /// By language, or of all records.
    pub groups: Vec<Group>,
}

/// A model against the baseline on one entry: every metric in every group, then as the mean over groups. Scores of references depend on
/// no model and are left out, and so are those of weights, which are no sample. What cannot be compared is noted.
pub fn against(shop: &Shop<'_>, stage: &str, entry: &EvaluatorUse, baseline: &Found, model: &Found) -> Vec<Comparison> {
    if entry.data.is_none() {
        return vec![];
    }
    let row = |finding: &Finding, language: &str, found: Difference| Comparison {
        stage: stage.into(),
        evaluator: entry.plugin.clone(),
        data: entry.subject().into(),
        language: language.into(),
        metric: finding.metric.clone(),
        baseline: baseline.model.clone(),
        model: model.model.clone(),
        difference: found.value,
        low: found.low,
        high: found.high,
        p: found.p,
        p_holm: found.p,
        n: found.n as u64,
        better: direction(finding.better),
    };
    let several = baseline.groups.len() > 1;
    let beside: Vec<(&Group, &Group)> = baseline.groups.iter().zip(&model.groups).collect();
    let metrics = baseline.groups.first().into_iter().flat_map(|group| group.findings.iter().filter(|f| f.reference.is_none()));
    let mut all = vec![];
    for finding in metrics {
        let pairs: Vec<Option<Pair<'_>>> = beside.iter().map(|groups| pair(shop, entry, &finding.metric, *groups, several)).collect();
        let lacking = pairs.iter().filter(|pair| pair.is_none()).count();
        if lacking > 0 {
            shop.note(format!(
                "{} of {} was not compared with {} on {} ({lacking} of {} groups): the two were not scored on the same records.",
                finding.metric,
                model.model,
                baseline.model,
                entry.subject(),
                pairs.len()
            ));
        }
        let whole: Option<Vec<Pair<'_>>> = pairs.into_iter().collect();
        let Some(pairs) = whole else { continue };
        all.extend(pairs.iter().zip(&beside).map(|(pair, (group, _))| row(finding, &group.language, differ(std::slice::from_ref(pair)))));
        if several {
            all.push(row(finding, AVERAGE, differ(&pairs)));
        }
    }
    all
}

/// A metric of two models in one group.
fn pair<'g>(shop: &Shop<'_>, entry: &EvaluatorUse, metric: &str, (a, b): (&'g Group, &'g Group), several: bool) -> Option<Pair<'g>> {
    let of = |group: &Group| group.findings.iter().position(|f| f.metric == metric && f.reference.is_none());
    Pair::new(&a.findings[of(a)?], &b.findings[of(b)?], draws(shop, entry, a, several))
}

/// Corrects the p of one entry's comparisons, those of every metric together.
pub fn correct(comparisons: &mut [Comparison]) {
    let mut metrics: Vec<String> = comparisons.iter().map(|c| c.metric.clone()).collect();
    metrics.sort();
    metrics.dedup();
    for metric in metrics {
        let mut family: Vec<&mut Comparison> = comparisons.iter_mut().filter(|c| c.metric == metric).collect();
        let corrected = holm(&family.iter().map(|c| c.p).collect::<Vec<f64>>());
        family.iter_mut().zip(corrected).for_each(|(comparison, p)| comparison.p_holm = p);
    }
}
