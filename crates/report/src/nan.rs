//! Numbers that are not finite, in JSON.
//!
//! JSON has no NaN and no infinity; the writer turns both into `null`. A run that diverged must
//! still be readable, so `null` comes back as NaN instead of refusing the whole file.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

type Numbers = BTreeMap<String, Option<f64>>;

pub(crate) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

pub(crate) fn map<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
    Ok(filled(Numbers::deserialize(from)?))
}

pub(crate) fn optional_map<'de, D>(from: D) -> Result<Option<BTreeMap<String, f64>>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(Option::<Numbers>::deserialize(from)?.map(filled))
}

fn filled(numbers: Numbers) -> BTreeMap<String, f64> {
    let or_nan = |(name, value): (String, Option<f64>)| (name, value.unwrap_or(f64::NAN));
    numbers.into_iter().map(or_nan).collect()
}
