//! Holm's step-down over several tests.
//!
//! Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

/// What became of one test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Its p is at most the level of its step, and so was every smaller one.
    pub rejected: bool,
    /// The level of its step; of those not rejected, that of the step which stopped.
    pub level: f64,
}

/// Tests at `level` together, of `family` tests of which these are still open: the rest count in the divisor and are not rejected.
/// A p that is not a number is never rejected.
pub fn holm(p: &[f64], level: f64, family: usize) -> Vec<Step> {
    let family = family.max(p.len());
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut rejected = 0;
    let mut steps = vec![None; p.len()];
    for index in order {
        let of_step = level / (family - rejected) as f64;
        if p[index] <= of_step {
            steps[index] = Some(Step { rejected: true, level: of_step });
            rejected += 1;
        } else {
            break;
        }
    }
    let stopped = Step { rejected: false, level: level / (family - rejected).max(1) as f64 };
    steps.into_iter().map(|step| step.unwrap_or(stopped)).collect()
}
