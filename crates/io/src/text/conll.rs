//! CoNLL: a token a line with its tag, an empty line behind every sentence.

use super::line_id;
use super::lines::{Line, Lines};
use std::path::Path;
use tongues_kernel::{Record, Result, Value, refuse};

/// The sentences of a file: `tokens` and `tags` as lists, and `text`, the tokens with spaces between them. The first column is the
/// token, the last its tag; a sentence is named after its first line. Lines that begin with `-DOCSTART-` are left out.
pub(super) fn sentences(lines: Lines) -> impl Iterator<Item = Result<Record>> {
    let path = lines.path().to_owned();
    let mut lines = lines.filter(|line| !matches!(line, Ok(line) if line.text.starts_with("-DOCSTART-")));
    std::iter::from_fn(move || sentence(&mut lines, &path).transpose())
}

fn sentence(lines: &mut dyn Iterator<Item = Result<Line>>, path: &Path) -> Result<Option<Record>> {
    let mut found = Sentence::default();
    for line in lines {
        let line = line?;
        if !line.text.trim().is_empty() {
            found.take(&line, path)?;
        } else if !found.tokens.is_empty() {
            break;
        }
    }
    Ok(found.record())
}

#[derive(Default)]
struct Sentence {
    first: u64,
    tokens: Vec<String>,
    tags: Vec<String>,
}

impl Sentence {
    fn take(&mut self, line: &Line, path: &Path) -> Result<()> {
        let columns: Vec<&str> = line.text.split_whitespace().collect();
        let [token, .., tag] = columns[..] else {
            let remedy = "put an empty line between sentences, and `O` behind tokens outside all spans";
            return refuse(Lines::place(path, line.number), "a token and its tag", format!("`{}`", line.text.trim()), remedy);
        };
        if self.tokens.is_empty() {
            self.first = line.number;
        }
        self.tokens.push(token.into());
        self.tags.push(tag.into());
        Ok(())
    }

    fn record(self) -> Option<Record> {
        if self.tokens.is_empty() {
            return None;
        }
        let mut record = Record::of_text(line_id(self.first), self.tokens.join(" "));
        let list = |texts: Vec<String>| Value::List(texts.into_iter().map(|text| Value::Text(text.into())).collect());
        record.fields.insert("tokens".into(), list(self.tokens));
        record.fields.insert("tags".into(), list(self.tags));
        Some(record)
    }
}
