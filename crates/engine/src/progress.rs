//! What a run tells while it works.

/// Someone who watches a run.
pub trait Progress {
    /// A stage begins.
    fn stage(&self, name: &str, index: usize, of: usize) {
        let _ = (name, index, of);
    }
    /// `done` of `of` pieces of the current work are done.
    fn tick(&self, done: usize, of: usize, text: &str) {
        let _ = (done, of, text);
    }
    /// Something worth a line.
    fn say(&self, text: &str) {
        let _ = text;
    }
}

/// Nobody watches.
pub struct Quiet;
impl Progress for Quiet {}
