//! The one sentence that stands above everything.

use crate::groups::{Group, Section, groups, same_language};
use crate::number;
use crate::schema::{Better, Report, Score};

/// What the engine calls the mean over languages.
const AVERAGE: &str = "average";

/// One sentence on what the run found, computed from its scores: the best model on the target
/// language by the first metric that was measured there, and the unadapted model beside it.
pub fn summary(report: &Report) -> String {
    let groups = groups(&report.scores);
    match headline(&groups, report) {
        Some((group, section)) => sentence(group, section),
        None if report.scores.is_empty() => "This run measured no scores.".to_owned(),
        None => "None of this run's scores is a number.".to_owned(),
    }
}

type Headline<'g, 'a> = (&'g Group<'a>, &'g Section<'a>);

/// The section that matters most: target language before others, judged before described, with
/// an unadapted model before without; then the report's order. Where no target is named and languages have a mean, the mean.
fn headline<'g, 'a>(groups: &'g [Group<'a>], report: &Report) -> Option<Headline<'g, 'a>> {
    let target = report.language.as_ref().map(|pair| pair.target.as_str());
    let all = groups.iter().flat_map(|group| group.sections.iter().map(move |s| (group, s)));
    let usable = all.filter(|(_, section)| section.best(|_| true).is_some());
    usable.min_by_key(|(group, section)| {
        let elsewhere = target.is_some_and(|target| !same_language(section.language, target));
        let one_of_many = target.is_none() && section.language != AVERAGE && group.sections.iter().any(|s| s.language == AVERAGE);
        (elsewhere, one_of_many, group.better == Better::Neither, section.reference().is_none())
    })
}

fn sentence(group: &Group<'_>, section: &Section<'_>) -> String {
    let mean = format!("{}, over its languages,", group.data);
    let place = match section.language {
        "" => group.data,
        AVERAGE => &mean,
        language => language,
    };
    let metric = number::metric(group.metric);
    let values: Vec<f64> = section.rows.iter().map(|score| score.value).collect();
    let places = number::decimals(&values);
    let show = |score: &Score| number::fixed(score.value, places);
    let Some(best) = section.best(|_| true) else {
        return String::new();
    };
    let name = section.label(best);
    let reference = section.reference();
    if group.better == Better::Neither {
        return format!("On {place}, {name} has {} {metric}.", show(best));
    }
    match reference {
        None if section.rows.len() == 1 => format!("On {place} {name} is at {} {metric}.", show(best)),
        None => format!("On {place} the best model is {name} at {} {metric}.", show(best)),
        Some(first) if best.reference => unbeaten(section, first, &format!("On {place}"), &metric),
        Some(first) => {
            let unadapted = show(first);
            format!("On {place} the best model is {name} at {} {metric}; unadapted {unadapted}.", show(best))
        }
    }
}

/// Where no adapted model does better than the unadapted one.
fn unbeaten(section: &Section<'_>, first: &Score, place: &str, metric: &str) -> String {
    let next = section.best(|score| !score.reference);
    let values: Vec<f64> = next.iter().map(|score| score.value).chain([first.value]).collect();
    let places = number::decimals(&values);
    let unadapted = number::fixed(first.value, places);
    match next {
        None => format!("{place} the unadapted model, {}, is at {unadapted} {metric}.", first.model),
        Some(next) => format!(
            "{place} no model beats the unadapted one at {unadapted} {metric}; the closest is {} at {}.",
            section.label(next),
            number::fixed(next.value, places)
        ),
    }
}
