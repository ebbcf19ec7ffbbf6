//! Scores beside those of the reference libraries, on the fixtures that their scripts wrote.

mod fixture;
mod shared;
mod significance;
mod translation;
