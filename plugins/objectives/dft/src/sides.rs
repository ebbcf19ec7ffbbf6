//! From a record to the rows of both languages, with marks that say what is query and what is answer.

use crate::{Align, DftOptions, Supervision};
use std::collections::BTreeMap;
use tongues_kernel::{Example, ExampleContext, Name, Record, Result, Segment, Sequence, Value, refuse};

/// The row of the target language.
pub(crate) const TEXT: &str = "text";
/// The row of the English side; nothing of it is learned.
pub(crate) const ENGLISH: &str = "english";
/// The query, and the English query behind it, which is learned.
pub(crate) const CONVERTED: &str = "query-in-english";
/// The query, and the English answer behind it, which is learned.
pub(crate) const THOUGHT: &str = "answer-in-english";

/// A token of the query, of the answer; `SHARED` behind the mark where both languages begin or end with it.
pub(crate) const QUERY: &str = "query";
pub(crate) const ANSWER: &str = "answer";
const SHARED: &str = "-shared";

/// One language's row, taken apart.
struct Side {
    /// The start token, where there is one.
    start: Vec<u32>,
    query: Vec<u32>,
    answer: Segment,
    /// What a template writes behind the answer.
    tail: Vec<u32>,
}

/// A record as an example; none where the format's rule for long records drops a side of it.
pub(crate) fn example(options: &DftOptions, record: &Record, cx: &ExampleContext<'_>) -> Result<Option<Example>> {
    let sequences = if options.supervises() { both(options, record, cx)? } else { row(options, record, cx)?.map(|row| BTreeMap::from([(TEXT.into(), row)])) };
    let Some(sequences) = sequences else { return Ok(None) };
    if let Some((name, long)) = sequences.iter().find(|(_, s)| s.len() > cx.max_length) {
        let remedy = "raise sequence_length, let the format cut more (`truncate`), or leave the record out";
        return refuse(format!("record {}: {name}", record.id), format!("a row of at most {} tokens", cx.max_length), long.len(), remedy);
    }
    Ok(Some(Example { id: record.id.clone(), language: record.language.clone(), sequences, ..Example::default() }))
}

fn both(options: &DftOptions, record: &Record, cx: &ExampleContext<'_>) -> Result<Option<BTreeMap<Name, Sequence>>> {
    let english = in_english(options, record)?;
    let (Some(target), Some(other)) = (row(options, record, cx)?, row(options, &english, cx)?) else { return Ok(None) };
    let start = cx.tokenizer.bos().or(cx.tokenizer.eos());
    let place = |what: &str| format!("record {}, its {what}", record.id);
    let (target, other) = (Side::of(target, start, &place("text"))?, Side::of(other, start, &place("English text"))?);
    let alike = if options.skip_shared { alike } else { |_: &[u32], _: &[u32]| [0, 0] };
    let shared = [alike(&target.query, &other.query), alike(&target.answer.ids, &other.answer.ids)];
    let mut made = BTreeMap::from([(TEXT.into(), target.row(shared, target.answer.weight))]);
    let forced = |how| how == Supervision::Logits && options.align == Align::TeacherForced;
    let aligned = |how| how == Supervision::Logits && options.align == Align::Position;
    if options.compares() || aligned(options.lc) || aligned(options.et) {
        made.insert(ENGLISH.into(), other.row(shared, 0.0));
    }
    if forced(options.lc) {
        made.insert(CONVERTED.into(), target.followed_by(&other.query));
    }
    if forced(options.et) {
        made.insert(THOUGHT.into(), target.followed_by(&other.answer.ids));
    }
    Ok(Some(made))
}

/// The record with the English fields in the place of the target's.
fn in_english(options: &DftOptions, record: &Record) -> Result<Record> {
    let mut english = record.clone();
    for field in &options.fields {
        let name = format!("{field}{}", options.english);
        let Some(value) = record.fields.get(&*name) else {
            let remedy = "join the English data with the curator `parallel-instructions`, or name the fields in `fields` and `english`";
            return refuse(record.place(&name), format!("the English form of `{field}`"), "no such field", remedy);
        };
        filled(record, &name, value)?;
        english.fields.insert(field.as_str().into(), value.clone());
    }
    Ok(english)
}

fn filled(record: &Record, field: &str, value: &Value) -> Result<()> {
    let empty = match value {
        Value::Text(text) => text.trim().is_empty(),
        Value::Turns(turns) => turns.iter().all(|(_, content)| content.trim().is_empty()),
        _ => false,
    };
    if empty { refuse(record.place(field), "some text", "an empty text", "leave this record out of the data") } else { Ok(()) }
}

/// A record's row as causal-lm has it with the same format; without one start, query, answer and end.
fn row(options: &DftOptions, record: &Record, cx: &ExampleContext<'_>) -> Result<Option<Sequence>> {
    for field in &options.fields {
        record.fields.get(field.as_str()).map_or(Ok(()), |value| filled(record, field, value))?;
    }
    if let Some(format) = cx.format {
        let mut rows = format.rows(record, cx.tokenizer, cx.max_length)?;
        return Ok(rows.remove("text").or_else(|| rows.remove("chosen")).map(|row| row.sequence));
    }
    let [query, answer] = &options.fields[..] else {
        return refuse("dft: fields", "two, the query and the answer, where the stage has no format", options.fields.len(), "name a `format`");
    };
    let tokenizer = cx.tokenizer;
    let start = tokenizer.bos().or(tokenizer.eos());
    let query = start.into_iter().chain(tokenizer.encode(record.text(query)?)?).collect();
    let answer = tokenizer.encode(record.text(answer)?)?.into_iter().chain(tokenizer.eos()).collect();
    let segment = |mark: &str, ids, weight| Segment { mark: mark.into(), ids, weight };
    Ok(Some(Sequence { segments: vec![segment("prompt", query, 0.0), segment("answer", answer, 1.0)], starts: vec![] }))
}

/// With how many tokens both begin, and with how many they end; none where nothing of its own would be left of one.
fn alike(a: &[u32], b: &[u32]) -> [usize; 2] {
    let before = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let behind = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    if before + behind < a.len().min(b.len()) { [before, behind] } else { [0, 0] }
}

impl Side {
    fn of(row: Sequence, start: Option<u32>, place: &str) -> Result<Self> {
        let learned: Vec<usize> = row.segments.iter().enumerate().filter(|(_, s)| s.weight > 0.0 && !s.ids.is_empty()).map(|(n, _)| n).collect();
        let [at] = learned[..] else {
            let remedy = "use records of one question and one answer, and a format that learns the answer alone";
            return refuse(place, "one answer that is learned", format!("{} pieces that are", learned.len()), remedy);
        };
        let ids = |segments: &[Segment]| segments.iter().flat_map(|s| s.ids.iter().copied()).collect::<Vec<u32>>();
        let mut query = ids(&row.segments[..at]);
        let starts = usize::from(start.is_some() && query.first().copied() == start);
        let rest = query.split_off(starts);
        if rest.is_empty() {
            return refuse(place, "a query before the answer", "none", "use a format that learns the answer alone (`loss = \"target\"`)");
        }
        Ok(Self { start: query, query: rest, tail: ids(&row.segments[at + 1..]), answer: row.segments[at].clone() })
    }

    /// The whole row, its answer learned with this weight.
    fn row(&self, [query, answer]: [[usize; 2]; 2], weight: f32) -> Sequence {
        let mut segments = vec![piece("start", &self.start, 0.0)];
        segments.extend(marked(QUERY, &self.query, query, 0.0));
        segments.extend(marked(ANSWER, &self.answer.ids, answer, weight));
        segments.push(piece("tail", &self.tail, 0.0));
        segments.retain(|s| !s.ids.is_empty());
        Sequence { segments, starts: vec![] }
    }

    /// The query, and what is learned behind it.
    fn followed_by(&self, learned: &[u32]) -> Sequence {
        let mut segments = vec![piece("start", &self.start, 0.0), piece(QUERY, &self.query, 0.0), piece(ENGLISH, learned, 1.0)];
        segments.retain(|s| !s.ids.is_empty());
        Sequence { segments, starts: vec![] }
    }
}

fn piece(mark: &str, ids: &[u32], weight: f32) -> Segment {
    Segment { mark: mark.into(), ids: ids.to_vec(), weight }
}

/// Three pieces: what both languages begin with, what is this one's own, what both end with.
fn marked(mark: &str, ids: &[u32], [before, behind]: [usize; 2], weight: f32) -> [Segment; 3] {
    let (shared, end) = (format!("{mark}{SHARED}"), ids.len() - behind);
    [piece(&shared, &ids[..before], weight), piece(mark, &ids[before..end], weight), piece(&shared, &ids[end..], weight)]
}
