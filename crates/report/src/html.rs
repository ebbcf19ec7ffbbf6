//! The page: one file, no script, nothing fetched.

use crate::forgotten::forgotten;
use crate::markup::Markup;
use crate::metrics::MetricLine;
use crate::schema::Report;
use crate::sections;
use crate::summary::summary;

/// Light and dark, wide and narrow.
const STYLE: &str = include_str!("style.css");

/// Even if something slipped through, the page may load and run nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A self-contained page about a run: what it found in one sentence, the score tables, what was
/// forgotten, the loss curves of `metrics`, time and memory, notes. The same report and metrics
/// give the same bytes.
pub fn html(report: &Report, metrics: &[MetricLine]) -> String {
    page(|m| head(m, &report.recipe), |m| body(m, report, metrics))
}

/// A page of a head and a body.
pub(crate) fn page(head: impl FnOnce(&mut Markup), body: impl FnOnce(&mut Markup)) -> String {
    let mut m = Markup::default();
    m.fixed("<!doctype html>\n");
    m.within("html", &[("lang", "en")], |m| {
        m.within("head", &[], head);
        m.within("body", &[], |m| m.within("main", &[], body));
    });
    m.finish()
}

pub(crate) fn head(m: &mut Markup, title: &str) {
    m.void("meta", &[("charset", "utf-8")]);
    m.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
    m.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    m.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    m.element("title", &[], &format!("{title} - tongues report"));
    m.within("style", &[], |m| m.fixed(STYLE));
}

fn body(m: &mut Markup, report: &Report, metrics: &[MetricLine]) {
    m.name("h1", &[], &report.recipe);
    m.name("p", &[("class", "summary")], &summary(report));
    m.name("p", &[("class", "about")], &origin(report));
    sections::scores(m, report);
    forgotten(m, report);
    sections::training(m, report, metrics);
    sections::claims(m, report);
    sections::costs(m, report);
    sections::notes(m, report);
}

fn origin(report: &Report) -> String {
    let seed = report.seed;
    match &report.language {
        Some(pair) => format!("From {} to {}. Seed {seed}.", pair.source, pair.target),
        None => format!("Seed {seed}."),
    }
}
