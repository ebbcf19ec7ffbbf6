//! Which choices are right.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Record, Result, Value, refuse};

/// Where the right choice is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Gold {
    /// The same place for every record, counted from 0.
    Place(usize),
    /// A field.
    Field(String),
}

impl Default for Gold {
    fn default() -> Self {
        Self::Field("label".into())
    }
}

/// The places of the right choices of a record; places in fields count from `from`.
///
/// # Errors
/// The field is absent, or tells none of the choices.
pub fn right(gold: &Gold, record: &Record, choices: &[String], from: usize) -> Result<Vec<usize>> {
    let field = match gold {
        Gold::Place(place) if *place < choices.len() => return Ok(vec![*place]),
        Gold::Place(place) => {
            return refuse(format!("record {}, `gold`", record.id), format!("a place below {}", choices.len()), place, "count choices from 0");
        }
        Gold::Field(field) => field,
    };
    let values = match record.fields.get(field.as_str()) {
        Some(Value::List(values)) => values.clone(),
        Some(value) => vec![value.clone()],
        None => return record.text(field).map(|_| vec![]),
    };
    let mut places = values.iter().map(|value| place(value, record, field, choices, from)).collect::<Result<Vec<usize>>>()?;
    places.sort_unstable();
    places.dedup();
    if places.is_empty() { refuse(record.place(field), "at least one right choice", "none", "leave this record out of the data") } else { Ok(places) }
}

/// The place of a choice that is told by its text, its letter or its number, in this order.
fn place(value: &Value, record: &Record, field: &str, choices: &[String], from: usize) -> Result<usize> {
    let counted = |number: usize| number.checked_sub(from).filter(|place| *place < choices.len());
    let (found, told) = match value {
        Value::Number(number) if number.fract() == 0.0 && *number >= 0.0 => (counted(*number as usize), number.to_string()),
        Value::Text(text) => {
            let by_text = choices.iter().position(|choice| **choice == **text);
            let by_letter = || (0..choices.len()).find(|i| letter(*i).as_deref() == Some(&**text));
            (by_text.or_else(by_letter).or_else(|| counted(text.trim().parse().ok()?)), format!("`{text}`"))
        }
        other => (None, format!("{other:?}")),
    };
    let expected = || format!("one of {} choices, by its text, its letter, or its place counted from {from}", choices.len());
    found.map_or_else(|| refuse(record.place(field), expected(), told, "correct the record, or set `counts_from`"), Ok)
}

/// A for the first choice, B for the second, as far as letters go.
pub(crate) fn letter(place: usize) -> Option<String> {
    u8::try_from(place).ok().filter(|p| *p < 26).map(|p| char::from(b'A' + p).to_string())
}
