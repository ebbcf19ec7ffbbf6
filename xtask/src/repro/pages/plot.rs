//! The drawing of a claim: a dot a seed, the interval, the margin.

use super::number;
use crate::repro::history::JudgedClaim;
use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 130.0;
const SIDE: f64 = 70.0;
/// Height of dots, interval and axis.
const ROWS: [f64; 3] = [40.0, 72.0, 96.0];

/// An SVG for a page with the classes of `html`; nothing where no seed has an effect.
pub fn svg(claim: &JudgedClaim, margin: f64, seeds: &[u64]) -> Option<String> {
    let effects: Vec<(u64, f64)> = seeds.iter().zip(&claim.effects).filter_map(|(seed, effect)| Some((*seed, (*effect)?))).collect();
    let ends = claim.estimate.iter().flat_map(|e| [e.low, e.high]);
    let all: Vec<f64> = effects.iter().map(|(_, e)| *e).chain(ends).chain([margin, 0.0]).collect();
    let (low, high) = all.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    if effects.is_empty() || high <= low {
        return None;
    }
    let x = |v: f64| SIDE + (v - low) / (high - low) * (WIDTH - 2.0 * SIDE);
    let label = format!("Effects of {} seeds from {} to {}; margin {}", effects.len(), number(low), number(high), number(margin));
    let mut s = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">\n");
    let [dots, interval, axis] = ROWS;
    let _ = writeln!(s, "<path class=\"axis\" d=\"M{SIDE} {axis}H{}\"/>", WIDTH - SIDE);
    // Two labels side by side need room.
    if (x(margin) - x(0.0)).abs() > SIDE {
        tick(&mut s, "zero", x(0.0), "0");
    }
    tick(&mut s, "margin", x(margin), &format!("margin {}", number(margin)));
    if let Some(e) = &claim.estimate {
        let _ = writeln!(
            s,
            "<path class=\"whisker\" d=\"M{:.1} {interval}H{:.1}\"/><circle class=\"mean\" cx=\"{:.1}\" cy=\"{interval}\" r=\"5\"/>",
            x(e.low),
            x(e.high),
            x(e.mean)
        );
    }
    for (seed, effect) in effects {
        let _ = writeln!(s, "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{dots}\" r=\"4\"><title>seed {seed}: {}</title></circle>", x(effect), number(effect));
    }
    s.push_str("</svg>\n");
    Some(s)
}

fn tick(s: &mut String, class: &str, x: f64, text: &str) {
    let [dots, _, axis] = ROWS;
    let _ = writeln!(
        s,
        "<path class=\"{class}\" d=\"M{x:.1} {:.1}V{axis}\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
        dots - 20.0,
        axis + 18.0
    );
}
