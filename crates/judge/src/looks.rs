//! When it is looked, and how much error each look may make.

/// The chance that any verdict of a family is wrong, over both looks and both sides.
pub const ALPHA: f64 = 0.05;

/// A verdict can be wrong on two sides: *holds* and *fails*.
pub const SIDES: f64 = 2.0;

/// One look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Seeds that are there.
    pub seeds: usize,
    /// Its part of [`ALPHA`].
    pub alpha: f64,
}

impl Look {
    /// What is left for one side of this look.
    pub fn side(&self) -> f64 {
        self.alpha / SIDES
    }
}

/// At five seeds, and at ten for what five left open.
pub const LOOKS: [Look; 2] = [Look { seeds: 5, alpha: ALPHA / 2.0 }, Look { seeds: 10, alpha: ALPHA / 2.0 }];
