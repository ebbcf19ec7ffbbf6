//! Verdicts on the claims of a paper, from seeds.
//!
//! A seed is a world, a base model, an order of the data and first values of its own; it is the unit of inference. Of every seed a
//! claim has one number, the *effect*, such as the accuracy of one arm less that of another ([`Shape`]). [`judge`] compares the
//! effects with the claim's margin.
//!
//! # How error is held
//!
//! Of each claim two things are asked, each one-sided: is the mean effect above the margin (*holds*), is it below (*fails*)? A
//! verdict is wrong where the other is true. The chance that any verdict of the family is wrong is at most [`ALPHA`]:
//!
//! - It is split evenly between the two looks ([`LOOKS`]), and within a look evenly between the two sides. By Bonferroni the four
//!   parts add up, however looks and sides hang together. A finer split that uses how the looks hang together would gain little at
//!   so few seeds, and would need their joint distribution.
//! - Within a side, Holm's step-down over all claims of the family ([`holm`]) holds that part under any dependence between claims.
//! - At the second look only claims are judged that the first left open. The divisor of a side still counts every claim that this
//!   side has not decided, also those that the other side did. A first wrong verdict then meets a divisor of at least the number of
//!   claims for which it would be wrong, at either look, and a claim that failed early does not make the others easier.
//! - Claims that cannot be judged (a seed failed) stay in the divisor.
//!
//! The interval shown is the one at the level of the claim's step: its lower end is above the margin exactly where the claim
//! holds, its upper end below it exactly where it fails. It covers the effect at that level claim by claim, not all claims at once.
//!
//! The t interval assumes that effects are about normal; with heavy tails it gets wider, not wrong (`tests/judge/simulated.rs`).
//! [`sign_flip`] stands beside it from eight seeds on, and needs symmetry only.

mod claim;
mod detectable;
mod error;
mod estimate;
mod holm;
mod looks;
mod sign_flip;
mod student;
mod verdict;

pub use claim::{Better, Claim, Seed, Shape};
pub use detectable::{power, seeds_to_decide, smallest_effect};
pub use error::{JudgeError, Result};
pub use estimate::{Estimate, Levels, interval};
pub use holm::{Step, holm};
pub use looks::{ALPHA, LOOKS, Look, SIDES};
pub use sign_flip::sign_flip;
pub use student::{Sample, quantile};
pub use verdict::{Judgement, Verdict, judge};
