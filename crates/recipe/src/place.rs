//! Where a value comes from: a byte range of the recipe's text, or a `--set` argument.

use std::{ops::Range, sync::Arc};

/// Where a key or a value was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Bytes of the recipe's text.
    Text(Range<usize>),
    /// The key of a `--set key=value`.
    Set(Arc<str>),
    /// Nowhere: the document itself, or a table that only its children imply.
    #[default]
    Unknown,
}

impl Origin {
    pub(crate) fn from_span(span: Option<Range<usize>>) -> Self {
        span.map_or(Self::Unknown, Self::Text)
    }

    /// Sorts by position; what `--set` brought comes last.
    pub(crate) fn rank(&self) -> (u8, usize) {
        match self {
            Self::Unknown => (0, 0),
            Self::Text(span) => (0, span.start),
            Self::Set(_) => (1, 0),
        }
    }
}

/// The recipe's text under its name.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) file: String,
    pub(crate) text: String,
}

/// A line of the source with the columns to underline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, without its end.
    pub line: String,
    /// First underlined character, from 0.
    pub start: usize,
    /// How many characters are underlined; at least 1.
    pub width: usize,
}

/// Longest line that is shown as a whole, and how much is shown before the problem in a longer one.
const LONGEST: usize = 200;
const BEFORE: usize = 60;

impl Excerpt {
    /// A very long line is cut around the problem.
    fn clipped(self) -> Self {
        if self.line.chars().count() <= LONGEST {
            return self;
        }
        let skip = self.start.saturating_sub(BEFORE);
        let line: String = self.line.chars().skip(skip).take(LONGEST).collect();
        let start = self.start - skip;
        let width = self.width.min(line.chars().count().saturating_sub(start)).max(1);
        Self { line, start, width }
    }
}

impl Source {
    /// `file:line:column`, both from 1, columns in characters; or the `--set` argument.
    pub(crate) fn place(&self, origin: &Origin) -> String {
        match origin {
            Origin::Set(key) => format!("--set {key}"),
            Origin::Unknown => format!("{}:1:1", self.file),
            Origin::Text(span) => {
                let (line, head) = self.head(span.start);
                format!("{}:{line}:{}", self.file, head.chars().count() + 1)
            }
        }
    }

    pub(crate) fn excerpt(&self, origin: &Origin) -> Option<Excerpt> {
        let Origin::Text(span) = origin else { return None };
        let (_, head) = self.head(span.start);
        let start = self.text.floor_char_boundary(span.start);
        let rest = self.text[start..].split(['\n', '\r']).next().unwrap_or("");
        let end = self.text.floor_char_boundary(span.end).saturating_sub(start);
        let marked = rest.get(..end.min(rest.len())).unwrap_or(rest);
        let width = marked.chars().count().max(1);
        Some(Excerpt { line: format!("{head}{rest}"), start: head.chars().count(), width }.clipped())
    }

    /// The line's number and the part of the line before the offset, without a byte order mark.
    fn head(&self, offset: usize) -> (usize, &str) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let head = before.rsplit('\n').next().unwrap_or("");
        (line, head.trim_start_matches('\u{feff}'))
    }
}
