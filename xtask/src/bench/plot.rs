//! A plot of lines over whole numbers, as SVG.

use std::fmt::Write;

/// A line: its name, and (x, y) in rising x.
pub struct Line<'l> {
    pub name: &'l str,
    pub points: &'l [(f64, f64)],
}

const SIZE: (f64, f64) = (640.0, 360.0);
/// Left, right, top, bottom.
const MARGIN: [f64; 4] = [70.0, 20.0, 30.0, 50.0];
const COLOURS: [&str; 4] = ["#1f6feb", "#d1242f", "#2da44e", "#8250df"];

/// The plot; both axes begin at zero.
pub fn svg(title: &str, across: &str, up: &str, lines: &[Line<'_>]) -> String {
    let largest = |of: fn(&(f64, f64)) -> f64| lines.iter().flat_map(|l| l.points.iter().map(of)).fold(0.0, f64::max);
    let (step_x, step_y) = (step(largest(|p| p.0)), step(largest(|p| p.1)));
    let (end_x, end_y) = ((largest(|p| p.0) / step_x).ceil() * step_x, (largest(|p| p.1) / step_y).ceil() * step_y);
    let [left, right, top, bottom] = MARGIN;
    let x = |v: f64| left + v / end_x * (SIZE.0 - left - right);
    let y = |v: f64| SIZE.1 - bottom - v / end_y * (SIZE.1 - top - bottom);
    let mut s = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"{left}\" y=\"18\" font-size=\"14\">{title}</text>\n",
        SIZE.0, SIZE.1
    );
    for (value, place) in ticks(end_y, step_y).map(|v| (v, y(v))) {
        let _ = writeln!(
            s,
            "<path d=\"M{left} {place:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            x(end_x),
            left - 6.0,
            place + 4.0
        );
    }
    for value in ticks(end_x, step_x) {
        let _ = writeln!(s, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value}</text>", x(value), y(0.0) + 18.0);
    }
    let _ = writeln!(s, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{across}</text>", x(end_x / 2.0), SIZE.1 - 12.0);
    let _ = writeln!(s, "<text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{up}</text>", y(end_y / 2.0));
    for (i, (line, colour)) in lines.iter().zip(COLOURS).enumerate() {
        let path: Vec<String> = line.points.iter().map(|(a, b)| format!("{:.1} {:.1}", x(*a), y(*b))).collect();
        let _ = writeln!(s, "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", path.join("L"));
        for (a, b) in line.points {
            let _ = writeln!(s, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>", x(*a), y(*b));
        }
        let _ = writeln!(s, "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>", left + 12.0, top + 14.0 + 16.0 * i as f64, line.name);
    }
    s.push_str("</svg>\n");
    s
}

/// 1, 2 or 5 times a power of ten, for about five ticks.
fn step(largest: f64) -> f64 {
    let rough = (largest / 5.0).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= rough).unwrap_or(10.0);
    factor * power
}

fn ticks(end: f64, step: f64) -> impl Iterator<Item = f64> {
    (0..=(end / step).round() as usize).map(move |i| i as f64 * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_where_the_ticks_say() {
        let text = svg("t", "x", "y", &[Line { name: "a", points: &[(0.0, 0.0), (10.0, 500.0)] }]);
        // The last point is the corner of both axes' ends.
        assert!(text.contains("M70.0 310.0L620.0 30.0"), "{text}");
        assert!(text.contains(">500</text>") && text.contains(">10</text>"));
        assert_eq!((step(23.0), step(4.0), step(880.0)), (5.0, 1.0, 200.0));
    }
}
