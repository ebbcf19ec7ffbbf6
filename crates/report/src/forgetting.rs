//! What an adapted model lost, or won, on the language that the unadapted model knew.

use crate::change::{Change, Verdict};
use crate::groups::{Group, Section, groups, same_language};
use crate::number;
use crate::schema::{Languages, Report, Score};

/// One adapted model on one source-language data set.
pub(crate) struct Forgetting<'a> {
    pub model: String,
    pub data: &'a str,
    pub metric: &'a str,
    /// The unadapted model on the source language.
    pub before: &'a Score,
    /// The adapted model on the source language.
    pub after: &'a Score,
    pub change: Option<Change>,
    /// The adapted model against the unadapted one on the target language, same metric.
    pub gain: Option<Change>,
}

/// Every model, except the unadapted one, that was scored with the same evaluator and metric on
/// both languages, where the unadapted model was scored on the source language too.
pub(crate) fn forgetting(report: &Report) -> Vec<Forgetting<'_>> {
    let Some(pair) = &report.language else {
        return Vec::new();
    };
    if same_language(&pair.source, &pair.target) {
        return Vec::new();
    }
    let groups = groups(&report.scores);
    groups.iter().flat_map(|group| of_group(group, &groups, pair)).collect()
}

fn of_group<'a>(group: &Group<'a>, all: &[Group<'a>], pair: &Languages) -> Vec<Forgetting<'a>> {
    let mut found = Vec::new();
    for section in group.sections.iter().filter(|s| same_language(s.language, &pair.source)) {
        let Some(before) = section.reference() else {
            continue;
        };
        for after in section.rows.iter().copied().filter(|score| !score.reference) {
            let Some(target) = target_section(group, all, pair, after) else {
                continue;
            };
            found.push(Forgetting {
                model: section.label(after),
                data: group.data,
                metric: group.metric,
                before,
                after,
                change: Change::between(before, after),
                gain: gain(target, after),
            });
        }
    }
    found
}

/// Where the same model was scored on the target language with the same evaluator and metric.
fn target_section<'s, 'a>(group: &Group<'a>, all: &'s [Group<'a>], pair: &Languages, model: &Score) -> Option<&'s Section<'a>> {
    let alike = all.iter().filter(|g| g.evaluator == group.evaluator && g.metric == group.metric);
    let mut sections = alike.flat_map(|group| &group.sections);
    sections.find(|section| same_language(section.language, &pair.target) && section.rows.iter().any(|score| score.model == model.model))
}

fn gain(target: &Section<'_>, model: &Score) -> Option<Change> {
    let after = target.rows.iter().find(|score| score.model == model.model)?;
    Change::between(target.reference()?, after)
}

impl Forgetting<'_> {
    /// The change in plain words.
    pub(crate) fn words(&self) -> String {
        let metric = number::metric(self.metric);
        let Some(change) = self.change else {
            return format!("cannot be said ({metric} of a model is not a number, or is zero unadapted)");
        };
        let moved = if change.percent < 0.0 { "fell" } else { "rose" };
        let size = number::percent(change.percent.abs());
        let by = format!("{metric} {moved} by {}", size.trim_start_matches('+'));
        match change.verdict {
            Verdict::Same => format!("kept ({metric} did not change)"),
            _ if self.intervals_overlap() => {
                format!("no clear change ({by}, and the two intervals overlap)")
            }
            Verdict::Worse => format!("forgot ({by}, which is worse)"),
            Verdict::Better => format!("did not forget ({by}, which is better)"),
            Verdict::Unjudged => format!("changed ({by})"),
        }
    }

    fn intervals_overlap(&self) -> bool {
        let (before, after) = (self.before, self.after);
        match (before.low, before.high, after.low, after.high) {
            (Some(a), Some(b), Some(c), Some(d)) => a <= d && c <= b,
            _ => false,
        }
    }
}
