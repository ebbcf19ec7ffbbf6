//! References beside hypotheses.

use crate::error::{MetricError, Result};

/// What translations are compared with: one or more references for every segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References<'a> {
    segments: Vec<Vec<&'a str>>,
}

impl<'a> References<'a> {
    /// One reference for every segment.
    pub fn single<S: AsRef<str>>(references: &'a [S]) -> Self {
        Self { segments: references.iter().map(|r| vec![r.as_ref()]).collect() }
    }

    /// Several streams of references, each with a line for every segment, as sacrebleu takes them. A missing reference is `None`;
    /// an empty one is a reference like any other.
    ///
    /// # Errors
    /// There is no stream, streams have unequal lengths, or a segment has no reference at all.
    pub fn streams<S: AsRef<str>>(streams: &'a [Vec<Option<S>>]) -> Result<Self> {
        let Some(first) = streams.first() else {
            return Err(MetricError::new("references", "at least one stream", "none", "pass a list of references"));
        };
        for (i, stream) in streams.iter().enumerate() {
            if stream.len() != first.len() {
                let found = format!("{} lines", stream.len());
                return Err(MetricError::new(format!("references[{i}]"), format!("{} lines, as in the first stream", first.len()), found, "pad with `None`"));
            }
        }
        let line = |i: usize| streams.iter().filter_map(|s| s[i].as_ref().map(S::as_ref)).collect::<Vec<_>>();
        let segments: Vec<Vec<&str>> = (0..first.len()).map(line).collect();
        if let Some(i) = segments.iter().position(Vec::is_empty) {
            return Err(MetricError::new(format!("references of segment {i}"), "at least one", "none", "leave the segment out, or give it a reference"));
        }
        Ok(Self { segments })
    }

    /// The references of every segment.
    pub fn segments(&self) -> &[Vec<&'a str>] {
        &self.segments
    }

    /// References a segment, where all have the same number.
    pub fn count(&self) -> Option<usize> {
        let first = self.segments.first()?.len();
        self.segments.iter().all(|s| s.len() == first).then_some(first)
    }
}
