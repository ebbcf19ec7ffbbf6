//! Worked examples before a prompt (Brown et al. 2020, arXiv 2005.14165): other records, rendered by the same format.
//!
//! The text is that of lm-evaluation-harness for the same pieces: every example's prompt and target, each followed by what stands
//! between, then the prompt itself.

use crate::Strings;
use std::collections::HashMap;
use tongues_kernel::{Draws, Name, Record, Result, refuse};

/// Which examples stand before a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The first ones, the same for every record.
    First,
    /// Drawn anew for every record, in the order of the draw.
    Drawn(Draws),
}

/// How many examples, and which.
#[derive(Clone, Debug)]
pub struct Choice {
    /// So many before every prompt.
    pub count: usize,
    /// Which.
    pub order: Order,
    /// What stands behind each.
    pub between: String,
    /// What the data set is called.
    pub data: String,
    /// The examples are the records that are scored: those of a record's own name are not shown with it.
    pub own: bool,
}

/// One record as an example.
#[derive(Clone, Debug)]
struct Example {
    id: Name,
    prompt: String,
    text: String,
}

/// Examples by language.
#[derive(Clone, Debug)]
pub struct Shots {
    choice: Choice,
    by_language: HashMap<Option<Name>, Vec<Example>>,
}

impl Shots {
    /// Renders the examples. Their records hold the right answers, as the format's target names them.
    ///
    /// # Errors
    /// The format has no target, a record lacks a field, or a template refuses it.
    pub fn new(strings: &Strings, records: &[Record], choice: Choice) -> Result<Self> {
        let mut by_language: HashMap<Option<Name>, Vec<Example>> = HashMap::new();
        for record in records {
            let (prompt, text) = (strings.prompt(record)?, strings.render(record)?.text);
            by_language.entry(record.language.clone()).or_default().push(Example { id: record.id.clone(), prompt, text });
        }
        Ok(Self { choice, by_language })
    }

    /// What stands before the prompt of a record: examples of its language, or of none, and never the record itself.
    ///
    /// # Errors
    /// There are too few.
    pub fn before(&self, record: &Record, prompt: &str) -> Result<String> {
        let of_language = self.by_language.get(&record.language).or_else(|| self.by_language.get(&None));
        let other = |example: &&Example| example.prompt != prompt && !(self.choice.own && example.id == record.id);
        let mut others: Vec<&Example> = of_language.into_iter().flatten().filter(other).collect();
        if others.len() < self.choice.count {
            let language = record.language.as_ref().map_or_else(String::new, |language| format!(" in `{language}`"));
            let expected = format!("{} examples{language} beside the record itself", self.choice.count);
            let place = format!("record {}, `shots_from = \"{}\"`", record.id, self.choice.data);
            return refuse(place, expected, others.len(), "name more data in `shots_from`, or ask for fewer `shots`");
        }
        if let Order::Drawn(draws) = self.choice.order {
            let draws = draws.stream(&record.id);
            for place in 0..self.choice.count {
                let from = place + draws.example(place as u64).below(others.len() - place);
                others.swap(place, from);
            }
        }
        Ok(others[..self.choice.count].iter().map(|example| format!("{}{}", example.text, self.choice.between)).collect())
    }
}
