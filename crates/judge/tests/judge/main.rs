//! Tests of the judge.

mod reference;
mod simulated;
mod verdicts;
