//! A page about models that may be merged: tables and heat maps over layers and kinds of tensors.

use crate::html::{head, page};
use crate::markup::Markup;
use crate::number;

/// Sizes of a heat map, in pixels.
const CELL: (f64, f64) = (22.0, 18.0);
const LABELS: f64 = 250.0;

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    /// Its title.
    pub title: String,
    /// What a reader should know first.
    pub warnings: Vec<String>,
    /// One or two sentences.
    pub about: String,
    /// Tables.
    pub tables: Vec<Sheet>,
    /// Heat maps.
    pub maps: Vec<Heat>,
}

/// A table of words and numbers.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Its title.
    pub title: String,
    /// Names of the columns; the first is that of the rows.
    pub columns: Vec<String>,
    /// Name and numbers of every row; a number that does not exist stays empty.
    pub rows: Vec<(String, Vec<f64>)>,
}

/// Numbers over layers (across) and kinds of tensors (down).
#[derive(Clone, Debug, Default)]
pub struct Heat {
    /// What the numbers are.
    pub title: String,
    /// How to read them.
    pub note: String,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// A list a row; a number that does not exist stays empty.
    pub values: Vec<Vec<f64>>,
    /// Numbers from -1 to 1, coloured around 0; else from 0 to the largest.
    pub signed: bool,
}

/// A self-contained page: no script, nothing fetched, everything escaped.
pub fn ahead(content: &Ahead) -> String {
    page(|m| head(m, &content.title), |m| body(m, content))
}

fn body(m: &mut Markup, content: &Ahead) {
    m.name("h1", &[], &content.title);
    m.name("p", &[("class", "summary")], &content.about);
    for warning in &content.warnings {
        m.within("p", &[("class", "worse")], |m| m.name("strong", &[], warning));
    }
    for sheet in &content.tables {
        m.within("section", &[], |m| table(m, sheet));
    }
    for heat in &content.maps {
        m.within("section", &[], |m| map(m, heat));
    }
}

fn table(m: &mut Markup, sheet: &Sheet) {
    m.name("h2", &[], &sheet.title);
    m.within("div", &[("class", "frame")], |m| {
        m.within("table", &[], |m| {
            m.within("thead", &[], |m| m.within("tr", &[], |m| sheet.columns.iter().for_each(|c| m.name("th", &[("scope", "col")], c))));
            m.within("tbody", &[], |m| {
                for (name, values) in &sheet.rows {
                    m.within("tr", &[], |m| {
                        m.name("th", &[("scope", "row")], name);
                        values.iter().for_each(|v| m.element("td", &[], &shown(*v)));
                    });
                }
            });
        });
    });
}

fn shown(value: f64) -> String {
    if value.is_finite() { number::fixed(value, 4) } else { String::new() }
}

fn map(m: &mut Markup, heat: &Heat) {
    m.name("h2", &[], &heat.title);
    m.name("p", &[("class", "about")], &heat.note);
    let largest = heat.values.iter().flatten().copied().filter(|v| v.is_finite()).fold(0.0, |a: f64, b| a.max(b.abs()));
    let scale = if heat.signed { 1.0 } else { largest.max(f64::MIN_POSITIVE) };
    let width = LABELS + CELL.0 * heat.columns.len() as f64 + 8.0;
    let height = CELL.1 * (heat.rows.len() + 1) as f64 + 8.0;
    let (box_, w, h) = (format!("0 0 {width:.0} {height:.0}"), format!("{width:.0}"), format!("{height:.0}"));
    m.within("div", &[("class", "frame")], |m| {
        m.within("svg", &[("role", "img"), ("aria-label", &heat.title), ("viewBox", &box_), ("width", &w), ("height", &h)], |m| {
            for (row, (name, values)) in heat.rows.iter().zip(&heat.values).enumerate() {
                let y = CELL.1 * row as f64;
                text(m, "end", LABELS - 6.0, y + 13.0, name);
                values.iter().enumerate().filter(|(_, v)| v.is_finite()).for_each(|(column, v)| cell(m, (row, column), *v, scale, heat));
            }
            for (column, name) in heat.columns.iter().enumerate() {
                text(m, "middle", LABELS + CELL.0 * (column as f64 + 0.5), CELL.1 * heat.rows.len() as f64 + 14.0, name);
            }
        });
    });
    m.element("p", &[("class", "about")], &format!("Full colour stands for {}.", number::fixed(scale, 4)));
}

fn text(m: &mut Markup, anchor: &str, x: f64, y: f64, text: &str) {
    let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
    m.element("text", &[("class", "tick"), ("x", &x), ("y", &y), ("text-anchor", anchor)], text);
}

fn cell(m: &mut Markup, (row, column): (usize, usize), value: f64, scale: f64, heat: &Heat) {
    let (x, y) = (format!("{:.1}", LABELS + CELL.0 * column as f64), format!("{:.1}", CELL.1 * row as f64));
    let (w, h) = (format!("{:.1}", CELL.0 - 1.0), format!("{:.1}", CELL.1 - 1.0));
    let fill = if value < 0.0 { "var(--bad)" } else { "var(--dot)" };
    let opacity = format!("{:.3}", (value.abs() / scale).clamp(0.0, 1.0));
    let says = format!("{}, {}: {}", heat.rows[row], heat.columns[column], shown(value));
    m.within("rect", &[("x", &x), ("y", &y), ("width", &w), ("height", &h), ("fill", fill), ("fill-opacity", &opacity), ("stroke", "var(--rule)")], |m| {
        m.element("title", &[], &says);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_text_and_empty_cells_stay_empty() {
        let heat = Heat {
            title: "cosine".into(),
            rows: vec!["<b>".into(), "mlp".into()],
            columns: vec!["0".into(), "1".into()],
            values: vec![vec![0.5, f64::NAN], vec![-1.0, 0.25]],
            signed: true,
            ..Heat::default()
        };
        let sheet = Sheet { title: "all".into(), columns: vec!["model".into(), "norm".into()], rows: vec![("<i>".into(), vec![f64::NAN])] };
        let page = ahead(&Ahead { title: "<script>".into(), tables: vec![sheet], maps: vec![heat], ..Ahead::default() });
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("<i>"));
        assert_eq!(page.matches("<rect").count(), 3);
        assert!(page.contains("fill=\"var(--bad)\" fill-opacity=\"1.000\"") && page.contains("mlp, 1: 0.2500"));
    }
}
