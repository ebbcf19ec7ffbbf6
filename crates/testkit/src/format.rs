//! A format without templates: the text before the first `|` is seen, what follows is learned.

use std::collections::BTreeMap;
use tongues_kernel::{Format, Formatted, Name, Record, Result, Segment, Sequence, Tally, Tokenizer};

/// Splits the field `text` at its first `|`. A text without one is dropped; the field `rejected` makes a preference.
#[derive(Clone, Copy, Debug, Default)]
pub struct SplitFormat;

impl Format for SplitFormat {
    fn name(&self) -> &str {
        "split"
    }
    fn rows(&self, record: &Record, tokenizer: &dyn Tokenizer, _: usize) -> Result<BTreeMap<Name, Formatted>> {
        let mut rows = BTreeMap::new();
        let names = if record.fields.contains_key("rejected") { vec![("chosen", "text"), ("rejected", "rejected")] } else { vec![("text", "text")] };
        for (name, field) in names {
            let Some((prompt, answer)) = record.text(field)?.split_once('|') else { continue };
            let segment = |mark: &str, text: &str, weight| Ok(Segment { mark: mark.into(), ids: tokenizer.encode(text)?, weight });
            let sequence = Sequence { segments: vec![segment("prompt", prompt, 0.0)?, segment("answer", answer, 1.0)?], starts: vec![] };
            rows.insert(name.into(), Formatted { sequence, bytes: answer.len() });
        }
        Ok(rows)
    }
    fn prompt(&self, record: &Record, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>> {
        tokenizer.encode(record.text("text")?.split('|').next().unwrap_or_default())
    }
    fn answer(&self, record: &Record) -> Result<Option<String>> {
        Ok(record.text("text")?.split_once('|').map(|(_, answer)| answer.to_owned()))
    }
    fn stops(&self, _: &dyn Tokenizer) -> Result<Vec<u32>> {
        Ok(vec![])
    }
    fn tally(&self) -> Tally {
        Tally::default()
    }
}
