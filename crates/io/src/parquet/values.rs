//! A row as a JSON object.

use ::parquet::record::{Field, List, Row};
use serde_json::{Map, Value as Json, json};
use tongues_kernel::{Result, refuse};

/// The columns of a row as keys.
pub(super) fn object(row: &Row) -> Result<Map<String, Json>> {
    row.get_column_iter().map(|(name, field)| Ok((name.clone(), value(field).map_err(|e| e.within(format!("column `{name}`")))?))).collect()
}

fn value(field: &Field) -> Result<Json> {
    Ok(match field {
        Field::Null => Json::Null,
        Field::Bool(flag) => json!(flag),
        Field::Byte(n) => json!(n),
        Field::Short(n) => json!(n),
        Field::Int(n) => json!(n),
        Field::Long(n) => json!(n),
        Field::UByte(n) => json!(n),
        Field::UShort(n) => json!(n),
        Field::UInt(n) => json!(n),
        Field::ULong(n) => json!(n),
        Field::Float(n) => json!(n),
        Field::Double(n) => json!(n),
        Field::Str(text) => json!(text),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => json!(text),
            Err(_) => return refuse("", "text or numbers", "bytes that are not UTF-8", "leave the column out: list those to keep in `columns`"),
        },
        Field::Group(row) => Json::Object(object(row)?),
        Field::ListInternal(list) => items(list)?,
        Field::MapInternal(map) => {
            let pair = |(key, field): &(Field, Field)| Ok((word(key), value(field)?));
            Json::Object(map.entries().iter().map(pair).collect::<Result<_>>()?)
        }
        // Dates, times and decimals as they are written out.
        other => json!(word(other)),
    })
}

fn items(list: &List) -> Result<Json> {
    list.elements().iter().map(value).collect()
}

fn word(field: &Field) -> String {
    match field {
        Field::Str(text) => text.clone(),
        other => other.to_string(),
    }
}
