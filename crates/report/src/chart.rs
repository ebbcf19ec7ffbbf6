//! A line chart over training steps, as inline SVG.

use crate::curves::Series;
use crate::markup::Markup;
use crate::number;
use crate::scale::{Scale, drawable};
use crate::svg::line;

const BOX: &str = "0 0 480 260";
const LEFT: f64 = 62.0;
const RIGHT: f64 = 466.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 212.0;

/// One class a series: colour and dash pattern, so that colour is never the only mark.
const STYLES: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "s5"];

/// What one chart shows.
pub(crate) struct Chart<'a> {
    /// What it is, in a few words.
    pub title: String,
    /// The vertical axis.
    pub quantity: String,
    pub series: &'a [Series],
    /// The first and the last step of the horizontal axis.
    pub steps: (f64, f64),
}

/// A figure with the drawing, and a legend that also gives first and last values in words.
pub(crate) fn chart(m: &mut Markup, chart: &Chart<'_>) {
    let points = || chart.series.iter().flat_map(|series| &series.points).filter(|(_, y)| drawable(*y));
    let across = Scale::over([chart.steps.0, chart.steps.1].into_iter(), LEFT, RIGHT);
    let up = Scale::over(points().map(|(_, value)| *value), BOTTOM, TOP);
    let (Some(across), Some(up)) = (across, up) else {
        m.element("p", &[], &format!("{}: no value that can be drawn.", chart.title));
        return;
    };
    let up = up.rounded(5);
    let label = format!("{}. {}", chart.title, chart.series.iter().map(spoken).collect::<Vec<_>>().join("; "));
    m.within("figure", &[], |m| {
        let picture = [("class", "chart"), ("role", "img"), ("aria-label", label.as_str()), ("viewBox", BOX)];
        m.within("svg", &picture, |m| {
            axes(m, across, up, &chart.quantity);
            for (index, series) in chart.series.iter().enumerate() {
                draw(m, (across, up), series, STYLES[index % STYLES.len()]);
            }
        });
        m.within("figcaption", &[], |m| {
            m.element("strong", &[], &chart.title);
            legend(m, chart.series);
        });
    });
}

fn axes(m: &mut Markup, across: Scale, up: Scale, quantity: &str) {
    for (value, text) in up.ticks(5) {
        let y = up.at(value);
        line(m, "grid", (LEFT, y), (RIGHT, y));
        label(m, (LEFT - 8.0, y + 4.5), "end", &text);
    }
    for (value, text) in across.ticks(5).into_iter().filter(|(value, _)| value.fract() == 0.0) {
        let x = across.at(value);
        line(m, "axis", (x, BOTTOM), (x, BOTTOM + 5.0));
        label(m, (x, BOTTOM + 20.0), "middle", &text);
    }
    line(m, "axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    label(m, ((LEFT + RIGHT) / 2.0, BOTTOM + 40.0), "middle", "step");
    let turned = [("class", "label"), ("transform", "translate(14 113) rotate(-90)"), ("text-anchor", "middle")];
    m.element("text", &turned, quantity);
}

fn label(m: &mut Markup, at: (f64, f64), anchor: &'static str, text: &str) {
    let (x, y) = (format!("{:.1}", at.0), format!("{:.1}", at.1));
    m.element("text", &[("class", "label"), ("x", &x), ("y", &y), ("text-anchor", anchor)], text);
}

fn draw(m: &mut Markup, (across, up): (Scale, Scale), series: &Series, style: &'static str) {
    let path = path(series, across, up);
    let kind = if series.marked { "line marked " } else { "line " };
    m.shape("path", &[("class", &format!("{kind}{style}")), ("d", &path)]);
    // A lone point has no line: it is marked in any case.
    let lone = series.points.len() == 1;
    for (step, value) in series.points.iter().filter(|(_, v)| (series.marked || lone) && drawable(*v)) {
        let (x, y) = (format!("{:.1}", across.at(*step)), format!("{:.1}", up.at(*value)));
        m.shape("circle", &[("class", &format!("mark {style}")), ("cx", &x), ("cy", &y), ("r", "3.5")]);
    }
}

/// Path data: a new piece after every gap.
fn path(series: &Series, across: Scale, up: Scale) -> String {
    let mut path = String::new();
    let mut pen = 'M';
    for (step, value) in &series.points {
        if !drawable(*value) {
            pen = 'M';
            continue;
        }
        path += &format!("{pen}{:.1} {:.1}", across.at(*step), up.at(*value));
        pen = 'L';
    }
    path
}

fn legend(m: &mut Markup, series: &[Series]) {
    m.within("ul", &[("class", "legend")], |m| {
        for (index, series) in series.iter().enumerate() {
            let style = STYLES[index % STYLES.len()];
            m.within("li", &[], |m| {
                let swatch = [("viewBox", "0 0 30 10"), ("width", "30"), ("height", "10"), ("aria-hidden", "true")];
                m.within("svg", &swatch, |m| {
                    m.shape("path", &[("class", &format!("line {style}")), ("d", "M0 5L30 5")]);
                    if series.marked {
                        let class = format!("mark {style}");
                        m.shape("circle", &[("class", &class), ("cx", "15"), ("cy", "5"), ("r", "3.5")]);
                    }
                });
                m.text(" ");
                m.element("bdi", &[], &spoken(series));
            });
        }
    });
}

/// A series in words: `causal-lm from 6.21 to 3.05`.
fn spoken(series: &Series) -> String {
    let mut values = series.points.iter().map(|(_, v)| *v).filter(|v| drawable(*v));
    let Some(first) = values.next() else {
        return format!("{}: no value", series.name);
    };
    let last = values.next_back();
    match last {
        None => format!("{} at {}", series.name, number::short(first)),
        Some(last) => {
            let places = number::decimals(&[first, last]);
            format!("{} from {} to {}", series.name, number::fixed(first, places), number::fixed(last, places))
        }
    }
}
