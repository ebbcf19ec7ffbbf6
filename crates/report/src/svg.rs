//! The small drawings in a score table: a value with its interval on the table's axis.

use crate::groups::Group;
use crate::markup::Markup;
use crate::number;
use crate::scale::{Scale, drawable};
use crate::schema::Score;

const WIDTH: f64 = 168.0;
const MARGIN: f64 = 18.0;
const BOX: &str = "0 0 168 22";
const SIZE: (&str, &str) = ("168", "22");
const TICKS: usize = 3;

/// The axis that all rows of a table share: it spans every value and every interval.
pub(crate) fn axis(group: &Group<'_>) -> Option<Scale> {
    let ends = group.rows().flat_map(|score| [Some(score.value), score.low, score.high]);
    Some(Scale::over(ends.flatten(), MARGIN, WIDTH - MARGIN)?.rounded(TICKS))
}

/// One row: a dot at the value, a whisker over the interval, a dashed line at `first`.
pub(crate) fn whisker(m: &mut Markup, scale: Scale, score: &Score, first: f64) {
    let label = spoken(score);
    m.within("svg", &picture(&label), |m| {
        if drawable(first) {
            line(m, "first", (scale.at(first), 0.0), (scale.at(first), 22.0));
        }
        if let Some((low, high)) = interval(score) {
            let (low, high) = (scale.at(low), scale.at(high));
            line(m, "whisker", (low, 11.0), (high, 11.0));
            line(m, "whisker", (low, 6.0), (low, 16.0));
            line(m, "whisker", (high, 6.0), (high, 16.0));
        }
        if drawable(score.value) {
            let x = format!("{:.1}", scale.at(score.value));
            m.shape("circle", &[("class", "dot"), ("cx", &x), ("cy", "11"), ("r", "4")]);
        }
    });
}

/// The axis itself, for the foot of the table.
pub(crate) fn axis_row(m: &mut Markup, scale: Scale) {
    let ticks = scale.ticks(TICKS);
    let labels: Vec<&str> = ticks.iter().map(|(_, label)| label.as_str()).collect();
    let label = format!("Axis with ticks at {}", labels.join(", "));
    m.within("svg", &picture(&label), |m| {
        line(m, "axis", (MARGIN, 1.0), (WIDTH - MARGIN, 1.0));
        for (value, text) in &ticks {
            let x = scale.at(*value);
            line(m, "axis", (x, 1.0), (x, 5.0));
            let x = format!("{x:.1}");
            m.element("text", &[("class", "tick"), ("x", &x), ("y", "18"), ("text-anchor", "middle")], text);
        }
    });
}

/// A straight line.
pub(crate) fn line(m: &mut Markup, class: &'static str, from: (f64, f64), to: (f64, f64)) {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(|v| format!("{v:.1}"));
    m.shape("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)]);
}

fn picture(label: &str) -> [(&'static str, &str); 6] {
    let (width, height) = SIZE;
    [("class", "mini"), ("role", "img"), ("aria-label", label), ("viewBox", BOX), ("width", width), ("height", height)]
}

fn spoken(score: &Score) -> String {
    let value = number::short(score.value);
    match interval(score) {
        Some((low, high)) => format!("{value}, interval {} to {}", number::short(low), number::short(high)),
        None => value,
    }
}

/// The interval, where both ends were measured and can be drawn.
pub(crate) fn interval(score: &Score) -> Option<(f64, f64)> {
    let (low, high) = (score.low?, score.high?);
    (drawable(low) && drawable(high)).then_some((low, high))
}
