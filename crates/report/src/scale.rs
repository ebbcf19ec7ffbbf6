//! A linear axis: from values to coordinates, with ticks at round numbers.

use crate::number;

/// A range of values laid over a range of coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

/// Values beyond this are left out of drawings: their differences would overflow.
const LARGEST: f64 = 1e300;

/// Whether a value can be drawn.
pub(crate) fn drawable(value: f64) -> bool {
    value.abs() < LARGEST
}

impl Scale {
    /// Spans the drawable values over the coordinates `from..to`; none without such a value. A
    /// range too narrow to be told apart is widened.
    pub(crate) fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let ends = |ends: Option<(f64, f64)>, v: f64| match ends {
            Some((low, high)) => Some((low.min(v), high.max(v))),
            None => Some((v, v)),
        };
        let (low, high) = values.filter(|v| drawable(*v)).fold(None, ends)?;
        let size = low.abs().max(high.abs());
        let narrow = high - low < (size * 1e-9).max(1e-290);
        let margin = if narrow { (size * 0.05).max(1e-6) } else { 0.0 };
        Some(Scale { low: low - margin, high: high + margin, from, to })
    }

    /// The same axis, widened to whole tick steps.
    pub(crate) fn rounded(self, ticks: usize) -> Self {
        let step = self.step(ticks);
        let low = (self.low / step).floor() * step;
        let high = (self.high / step).ceil() * step;
        Scale { low, high, ..self }
    }

    /// The coordinate of a value.
    pub(crate) fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// About `wanted` round values within the range, with their labels.
    pub(crate) fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let step = self.step(wanted);
        let slack = step * 1e-6;
        let first = ((self.low - slack) / step).ceil();
        let values = (0..=2 * wanted).map(|index| (first + index as f64) * step);
        let places = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        values.take_while(|v| *v <= self.high + slack).map(|v| (v, number::fixed(v, places))).collect()
    }

    /// The round step (1, 2 or 5 times a power of ten) that gives about `wanted` ticks.
    fn step(&self, wanted: usize) -> f64 {
        let rough = (self.high - self.low) / wanted.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| power * factor >= rough * 0.999);
        power * factor.unwrap_or(10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, wanted: usize) -> Vec<String> {
        scale.ticks(wanted).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let scale = Scale::over([0.0, 500.0].into_iter(), 0.0, 100.0).unwrap();
        assert_eq!(labels(scale, 5), ["0", "100", "200", "300", "400", "500"]);
        let scale = Scale::over([2.13, 4.87].into_iter(), 0.0, 100.0).unwrap().rounded(3);
        assert_eq!(labels(scale, 3), ["2", "3", "4", "5"]);
        assert_eq!(scale.at(2.0), 0.0);
        assert_eq!(scale.at(5.0), 100.0);
    }

    #[test]
    fn degenerate_ranges_stay_finite() {
        for values in [vec![3.0], vec![0.0, 0.0], vec![1e16, 1e16 + 2.0], vec![5e-324, 0.0], vec![-9e299, 9e299]] {
            let scale = Scale::over(values.iter().copied(), 0.0, 100.0).unwrap().rounded(4);
            let ticks = scale.ticks(4);
            assert!(!ticks.is_empty() && ticks.len() < 10, "{values:?}: {ticks:?}");
            assert!(values.iter().all(|v| (-0.01..=100.01).contains(&scale.at(*v))), "{values:?}");
        }
        assert_eq!(Scale::over([f64::NAN, f64::INFINITY].into_iter(), 0.0, 1.0), None);
    }
}
