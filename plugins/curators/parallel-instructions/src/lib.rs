//! # parallel-instructions
//!
//! Joins the records of one language with those of another that say the same.
//! Paper: arXiv 2503.01275 (2025), "Deep Supervision Fine-Tuning" (its data are quadruples of query and answer in two languages).
//!
//! ## What it does
//! For every record it looks up the counterpart in the data set `with`: by id, by place in the order, or by what a field holds. The
//! counterpart's fields are added under their names with `suffix` behind them (`prompt` becomes `prompt_en`). Records without a
//! counterpart are dropped and counted as `no-counterpart`. Two records under one key, in either data set, are an error.
//!
//! With `shuffle_pairs` every joined record gets the counterpart of another one, by a seeded permutation that leaves none in its
//! place: texts, lengths and languages stay, and nothing is parallel any more.
//!
//! ## When to use
//! Before objectives and evaluators that read both sides: `dft`, `parallel-alignment`, `retrieval`. Items of the world's tasks have the
//! same id in every language. `shuffle_pairs` is the control: what a method gains from pairs must be gone with it.
//!
//! ## Differences from the paper
//! The paper's data come joined. The shuffled control is not in the paper.
//!
//! ## Reproduces
//! Nothing published.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::{Context, Curator, DataRef, Error, Record, Records, Result, Sink, Value, refuse, register};

/// Records of two languages that say the same, as one record each.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParallelInstructions {
    /// The data set with the counterparts, usually English.
    pub with: DataRef,
    /// What a record and its counterpart have in common.
    #[serde(default)]
    pub by: By,
    /// The field whose text or number they have in common, with `by = "field"`.
    pub key: Option<String>,
    /// What the counterpart's fields get behind their names.
    #[serde(default = "suffix")]
    #[schemars(length(min = 1))]
    pub suffix: String,
    /// Give every record the counterpart of another one.
    #[serde(default)]
    pub shuffle_pairs: bool,
}

/// What a record and its counterpart have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Their ids.
    #[default]
    Id,
    /// Their places in their data sets.
    Order,
    /// What stands in the field `key`.
    Field,
}

fn suffix() -> String {
    "_en".into()
}

impl ParallelInstructions {
    /// The records of a data set by key.
    fn keyed(&self, data: &dyn Records) -> Result<Vec<(String, Record)>> {
        let mut seen = BTreeMap::new();
        let mut all = vec![];
        for (place, record) in data.open()?.enumerate() {
            let record = record?;
            let key = self.key_of(place, &record)?;
            if let Some(first) = seen.insert(key.clone(), record.id.clone()) {
                let expected = format!("a key of its own (`by = {}`)", self.told());
                return refuse(
                    format!("data `{}`, record {}", data.name(), record.id),
                    expected,
                    format!("{key}, as record {first} has it"),
                    "drop one of them",
                );
            }
            all.push((key, record));
        }
        Ok(all)
    }

    fn key_of(&self, place: usize, record: &Record) -> Result<String> {
        match (self.by, &self.key) {
            (By::Id, _) => Ok(record.id.to_string()),
            (By::Order, _) => Ok(place.to_string()),
            (By::Field, Some(key)) => match record.fields.get(key.as_str()) {
                Some(Value::Number(number)) => Ok(number.to_string()),
                _ => record.text(key).map(str::to_owned),
            },
            (By::Field, None) => {
                refuse("parallel-instructions: key", "the name of a field, with `by = \"field\"`", "none", "write for example `key = \"source_id\"`")
            }
        }
    }

    fn told(&self) -> &'static str {
        match self.by {
            By::Id => "\"id\"",
            By::Order => "\"order\"",
            By::Field => "\"field\"",
        }
    }

    /// The record with its counterpart's fields.
    fn joined(&self, mut record: Record, counterpart: &Record) -> Result<Record> {
        for (name, value) in &counterpart.fields {
            let name = format!("{name}{}", self.suffix);
            if record.fields.insert(name.as_str().into(), value.clone()).is_some() {
                return refuse(record.place(&name), "a name that is free for the counterpart's field", "a field of that name", "choose another `suffix`");
            }
        }
        Ok(record)
    }
}

impl Curator for ParallelInstructions {
    fn curate(&self, input: &dyn Records, out: &mut Sink, cx: &mut dyn Context) -> Result<()> {
        let with = cx.data(&self.with)?;
        let counterparts: BTreeMap<String, Record> = self.keyed(&*with)?.into_iter().collect();
        let mut pairs = vec![];
        for (key, record) in self.keyed(input)? {
            match counterparts.get(&key) {
                Some(counterpart) => pairs.push((record, counterpart)),
                None => out.drop("no-counterpart"),
            }
        }
        if pairs.is_empty() {
            let place = format!("data `{}` with `{}`", input.name(), self.with.0);
            let remedy = "compare the ids of both, or choose another `by`";
            return Err(Error::input(place, format!("records with a common key (`by = {}`)", self.told()), "none", remedy));
        }
        let n = pairs.len();
        if self.shuffle_pairs && n < 2 {
            return refuse(format!("data `{}`", input.name()), "at least two pairs to shuffle", n, "use more data");
        }
        // The same in every pass: a wrong pairing that changed would be another control.
        let other = if self.shuffle_pairs { cx.draws().step(0).stream("pairs").circle(n) } else { (0..n).collect() };
        let counterparts: Vec<&Record> = pairs.iter().map(|(_, counterpart)| *counterpart).collect();
        for (place, (record, _)) in pairs.into_iter().enumerate() {
            out.keep(self.joined(record, counterparts[other[place]])?);
        }
        Ok(())
    }
}

register!(Curator, "parallel-instructions", "Joins records with those of another data set that say the same", ParallelInstructions);
