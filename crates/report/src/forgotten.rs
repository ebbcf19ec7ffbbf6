//! The forgetting section: what each model lost on the source language, in words and in numbers.

use crate::change::Change;
use crate::forgetting::{Forgetting, forgetting};
use crate::markup::Markup;
use crate::number;
use crate::schema::{Languages, Report};
use crate::sections::section;
use crate::table::{Head, class, framed, head, typeset};

const HEADS: [Head; 6] = [("Model", "name"), ("Unadapted", ""), ("Adapted", ""), ("Change", ""), ("Change on target", ""), ("Measured by", "name")];

/// The section; nothing where no model was scored on both languages.
pub(crate) fn forgotten(m: &mut Markup, report: &Report) {
    let found = forgetting(report);
    let Some(Languages { source, target }) = report.language.as_ref().filter(|_| !found.is_empty()) else {
        return;
    };
    section(m, "Forgetting", |m| {
        let about = format!(
            "How each model changed on the source language, {source}, against the unadapted model; beside it, what it won on the target language, {target}."
        );
        m.name("p", &[("class", "about")], &about);
        m.within("ul", &[], |m| found.iter().for_each(|row| sentence(m, row)));
        framed(m, "Forgetting", |m| {
            let caption = format!("Scores on the source language, {source}");
            m.within("caption", &[], |m| m.name("span", &[("class", "title")], &caption));
            head(m, &HEADS);
            m.within("tbody", &[], |m| found.iter().for_each(|row| table_row(m, row, places(row, &found))));
        });
    });
}

fn sentence(m: &mut Markup, row: &Forgetting<'_>) {
    m.within("li", &[], |m| {
        m.name("strong", &[], &row.model);
        m.text(" on ");
        m.element("bdi", &[], row.data);
        m.text(": ");
        m.element("bdi", &[], &row.words().replace(" %", "\u{a0}%"));
        m.text(".");
    });
}

/// Decimals that suit every row of the same metric.
fn places(row: &Forgetting<'_>, all: &[Forgetting<'_>]) -> usize {
    let alike = all.iter().filter(|other| other.metric == row.metric);
    let values: Vec<f64> = alike.flat_map(|other| [other.before.value, other.after.value]).collect();
    number::decimals(&values)
}

fn table_row(m: &mut Markup, row: &Forgetting<'_>, places: usize) {
    m.within("tr", &[], |m| {
        m.name("th", &[("scope", "row")], &row.model);
        for score in [row.before, row.after] {
            m.element("td", &[], &typeset(&number::fixed(score.value, places)));
        }
        change_cell(m, row.change);
        change_cell(m, row.gain);
        let measured = format!("{}, {}", number::metric(row.metric), row.data);
        m.name("td", &[("class", "name")], &measured);
    });
}

fn change_cell(m: &mut Markup, change: Option<Change>) {
    match change {
        Some(change) => m.element("td", &[("class", class(change))], &typeset(&change.words())),
        None => m.element("td", &[("class", "plain")], "not defined"),
    }
}
