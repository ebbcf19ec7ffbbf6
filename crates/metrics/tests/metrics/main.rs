//! Scores beside those of the reference libraries, on the fixtures that their scripts wrote.

mod answers;
mod fixture;
mod labels;
mod shared;
mod significance;
mod translation;
