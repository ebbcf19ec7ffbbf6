//! Score tables: one row a model, with interval, drawing and change.

use crate::change::{Change, Verdict};
use crate::groups::{Group, Section, role};
use crate::markup::Markup;
use crate::number;
use crate::paired;
use crate::scale::Scale;
use crate::schema::{Better, Comparison, Languages, Report, Score};
use crate::svg::{axis, axis_row, interval, whisker};

/// A column's heading and how it stands: `name` flush left, `drawing` centred, else flush right.
pub(crate) type Head = (&'static str, &'static str);

const HEADS: [Head; 5] = [("Model", "name"), ("Value", ""), ("Change", ""), ("Interval", "drawing"), ("Examples", "")];

/// Those of models against the first one.
const PAIRED: [Head; 7] = [("Model", "name"), ("Language", "name"), ("Verdict", "name"), ("Difference", ""), ("Interval", ""), ("p", ""), ("p (Holm)", "")];

/// A frame that scrolls sideways on a narrow screen, around a table.
pub(crate) fn framed(m: &mut Markup, label: &str, table: impl FnOnce(&mut Markup)) {
    let frame = [("class", "frame"), ("role", "region"), ("aria-label", label), ("tabindex", "0")];
    m.within("div", &frame, |m| m.within("table", &[], table));
}

/// A header row.
pub(crate) fn head(m: &mut Markup, heads: &[Head]) {
    let cell = |m: &mut Markup, (name, class): &Head| match *class {
        "" => m.element("th", &[("scope", "col")], name),
        class => m.element("th", &[("scope", "col"), ("class", class)], name),
    };
    m.within("thead", &[], |m| m.within("tr", &[], |m| heads.iter().for_each(|head| cell(m, head))));
}

/// The table of one group of scores.
pub(crate) fn score_table(m: &mut Markup, group: &Group<'_>, report: &Report) {
    let values: Vec<f64> = group.rows().map(|score| score.value).collect();
    let look = Look { places: number::decimals(&values), scale: axis(group) };
    let pair = report.language.as_ref();
    framed(m, &title(group), |m| {
        m.within("caption", &[], |m| caption(m, group, pair));
        head(m, &HEADS);
        for section in &group.sections {
            m.within("tbody", &[], |m| {
                if group.sections.len() > 1 {
                    section_head(m, section.language, pair);
                }
                section.rows.iter().for_each(|score| row(m, section, score, &look));
            });
        }
        if let Some(scale) = look.scale {
            foot(m, scale);
        }
    });
}

/// The table of models against the first one; nothing where there is no such comparison.
pub(crate) fn paired_table(m: &mut Markup, group: &Group<'_>, report: &Report) {
    let comparisons = paired::of_group(report, group);
    if comparisons.is_empty() {
        return;
    }
    let (title, places) = (format!("{}, paired", title(group)), paired::places(group));
    framed(m, &title, |m| {
        m.within("caption", &[], |m| {
            m.name("span", &[("class", "title")], &title);
            m.name("span", &[("class", "about")], &paired::about(&comparisons));
        });
        head(m, &PAIRED);
        m.within("tbody", &[], |m| comparisons.iter().for_each(|c| paired_row(m, &paired::label(c, &comparisons), c, places)));
    });
}

fn paired_row(m: &mut Markup, label: &str, comparison: &Comparison, places: usize) {
    m.within("tr", &[], |m| {
        m.name("th", &[("scope", "row")], label);
        m.name("td", &[("class", "name")], &comparison.language);
        m.element("td", &[("class", colour(comparison.verdict()))], comparison.word());
        comparison.numbers(places).iter().for_each(|number| m.element("td", &[], &typeset(&number.replace("..", " to "))));
    });
}

/// What all rows of a table share.
struct Look {
    places: usize,
    scale: Option<Scale>,
}

impl Look {
    fn show(&self, value: f64) -> String {
        typeset(&number::fixed(value, self.places))
    }
}

/// Evaluators often carry the name of their metric; then it is said once.
fn title(group: &Group<'_>) -> String {
    let metric = number::metric(group.metric);
    match metric.to_lowercase() == number::metric(group.evaluator).to_lowercase() {
        true => format!("{}: {metric}", group.data),
        false => format!("{}: {metric} ({})", group.data, group.evaluator),
    }
}

fn caption(m: &mut Markup, group: &Group<'_>, pair: Option<&Languages>) {
    m.name("span", &[("class", "title")], &title(group));
    let direction = match group.better {
        Better::Lower => "Lower is better.",
        Better::Higher => "Higher is better.",
        Better::Neither => "Neither direction is better.",
    };
    let against = match group.sections.as_slice() {
        [one] if one.reference().is_some() => format!("Change is against {}, the unadapted model.", one.label(one.first())),
        [one] => format!("Change is against {}, the first row.", one.label(one.first())),
        _ => "Change is against the first row of each language.".to_owned(),
    };
    m.within("span", &[("class", "about")], |m| {
        if let [one] = group.sections.as_slice() {
            m.element("bdi", &[], &language(one.language, pair));
            m.text(" ");
        }
        m.text(direction);
        m.text(" ");
        m.element("bdi", &[], &against);
    });
}

/// "Language eus_Latn (target language)."; empty where the data names no language.
fn language(code: &str, pair: Option<&Languages>) -> String {
    match (code, role(code, pair)) {
        ("", _) => String::new(),
        (code, Some(role)) => format!("{code}, the {role}."),
        (code, None) => format!("{code}."),
    }
}

fn section_head(m: &mut Markup, code: &str, pair: Option<&Languages>) {
    let name = match (code, role(code, pair)) {
        ("", _) => "no language given".to_owned(),
        (code, Some(role)) => format!("{code} ({role})"),
        (code, None) => code.to_owned(),
    };
    m.within("tr", &[("class", "language")], |m| {
        m.name("th", &[("scope", "rowgroup"), ("colspan", "5")], &name);
    });
}

fn row(m: &mut Markup, section: &Section<'_>, score: &Score, look: &Look) {
    let first = section.before(score);
    m.within("tr", &[], |m| {
        m.name("th", &[("scope", "row")], &section.label(score));
        m.within("td", &[], |m| {
            m.text(&look.show(score.value));
            if let Some((low, high)) = interval(score) {
                let [low, high] = [low, high].map(|end| typeset(&number::end(end, score.value, look.places)));
                let range = format!("{low} to {high}");
                m.element("small", &[], &range);
            }
        });
        change_cell(m, first, score);
        m.within("td", &[], |m| {
            if let Some(scale) = look.scale {
                whisker(m, scale, score, first.value);
            }
        });
        m.element("td", &[], &number::count(score.n));
    });
}

fn change_cell(m: &mut Markup, first: &Score, score: &Score) {
    if std::ptr::eq(first, score) {
        let word = if score.reference { "unadapted" } else { "first row" };
        m.element("td", &[("class", "plain")], word);
        return;
    }
    match Change::between(first, score) {
        Some(change) => m.element("td", &[("class", class(change))], &typeset(&change.words())),
        None => m.element("td", &[("class", "plain")], "not defined"),
    }
}

/// The class that colours a change; the words say the same.
pub(crate) fn class(change: Change) -> &'static str {
    colour(change.verdict)
}

fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Same | Verdict::Unjudged => "plain",
    }
}

fn foot(m: &mut Markup, scale: Scale) {
    m.within("tfoot", &[], |m| {
        m.within("tr", &[], |m| {
            m.element("td", &[("colspan", "3")], "");
            m.within("td", &[], |m| axis_row(m, scale));
            m.element("td", &[], "");
        });
    });
}

/// Numbers as they are printed: with a minus sign, and unbroken before the unit.
pub(crate) fn typeset(text: &str) -> String {
    text.replace('-', "\u{2212}").replace(" %", "\u{a0}%")
}
