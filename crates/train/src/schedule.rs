//! The learning rate's course.

/// What follows the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Stays.
    Constant,
    /// A straight line to zero.
    Linear,
    /// Half a cosine to zero.
    Cosine,
}

/// The factor of the peak learning rate at `step` (from 1) of `of`, after `warmup` steps of linear rise.
pub fn factor(shape: Shape, step: usize, warmup: usize, of: usize) -> f64 {
    if step <= warmup {
        return step as f64 / warmup as f64;
    }
    let rest = of.saturating_sub(warmup).max(1);
    let done = ((step - 1).saturating_sub(warmup) as f64 / rest as f64).min(1.0);
    match shape {
        Shape::Constant => 1.0,
        Shape::Linear => 1.0 - done,
        Shape::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls() {
        let at = |shape, step| factor(shape, step, 2, 12);
        assert_eq!([at(Shape::Linear, 1), at(Shape::Linear, 2), at(Shape::Linear, 3), at(Shape::Linear, 8)], [0.5, 1.0, 1.0, 0.5]);
        assert!((at(Shape::Cosine, 8) - 0.5).abs() < 1e-12 && at(Shape::Cosine, 12) < 0.03);
        assert_eq!(at(Shape::Constant, 12), 1.0);
    }
}
