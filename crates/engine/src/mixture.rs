//! Mixtures of data sets, and data that is curated anew for every pass.

use crate::datasets::spread;
use crate::shop::Shop;
use std::rc::Rc;
use tongues_kernel::{InMemory, Record, Result};
use tongues_recipe::ast::{DataDef, Mix, MixStop};
use tongues_train::{Mixture, Stop};

/// A member of a mixture: its name and its records.
pub type Member = (String, Rc<InMemory>);

impl Shop<'_> {
    /// The members of a mixture in a pass; a plain data set is its only member.
    ///
    /// # Errors
    /// A member cannot be read or curated.
    pub fn members(&self, name: &str, epoch: u64) -> Result<Vec<Member>> {
        let Some((definition, mix)) = self.mixed(name) else { return Ok(vec![(name.into(), self.records_of(name, epoch)?)]) };
        let member = |(member, _): (&str, Option<f64>)| {
            let records = self.records_of(member, epoch)?;
            let cap = definition.caps.as_ref().and_then(|c| c.of(member));
            let records = if cap.is_some() { Rc::new(spread(&records, cap)) } else { records };
            Ok((member.to_owned(), records))
        };
        mix.members().into_iter().map(member).collect()
    }

    /// All records of a mixture, member by member: what evaluators and tokenizers see.
    pub(crate) fn joined(&self, name: &str) -> Result<Vec<Record>> {
        Ok(self.members(name, 0)?.iter().flat_map(|(_, records)| records.records.iter().cloned()).collect())
    }

    /// How the members of a data set are mixed; nothing for a plain one.
    ///
    /// # Errors
    /// A member cannot be read.
    pub fn mixture(&self, name: &str) -> Result<Option<Mixture>> {
        let Some((definition, mix)) = self.mixed(name) else { return Ok(None) };
        let members = self.members(name, 0)?;
        let asked = mix.members();
        let given: Vec<f64> = asked.iter().zip(&members).map(|((_, share), (_, m))| share.unwrap_or(m.records.len() as f64)).collect();
        let shares = Mixture::tempered(&given, definition.temperature.unwrap_or(1.0));
        let stop = match (definition.each, definition.stop.unwrap_or_default()) {
            (Some(each), _) => Stop::Each(each),
            (None, MixStop::Total) => Stop::Total,
            (None, MixStop::First) => Stop::First,
            (None, MixStop::All) => Stop::All,
        };
        let share = |share: &f64| if definition.each.is_some() { String::new() } else { format!(" {:.1} %", 100.0 * share) };
        let told: Vec<String> =
            asked.iter().zip(&shares).zip(&members).map(|(((n, _), s), (_, m))| format!("{n}{} of {} records", share(s), m.records.len())).collect();
        self.note(format!("Data {name}: a mixture of {}.", told.join(", ")));
        Ok(Some(Mixture { shares, stop }))
    }

    /// Whether passes over the data differ.
    pub fn recurates(&self, name: &str) -> bool {
        match self.mixed(name) {
            Some((_, mix)) => mix.members().into_iter().any(|(member, _)| self.recurates(member)),
            None => self.recipe.data.get(name).is_some_and(|d| d.recurate),
        }
    }

    fn mixed(&self, name: &str) -> Option<(&DataDef, &Mix)> {
        let definition = self.recipe.data.get(name)?;
        Some((definition, definition.mix.as_ref()?))
    }

    fn records_of(&self, name: &str, epoch: u64) -> Result<Rc<InMemory>> {
        match self.recipe.data.get(name) {
            Some(definition) if definition.recurate && epoch > 0 => {
                let records = self.curated_data(name, definition, epoch)?;
                Ok(Rc::new(InMemory { name: name.into(), records }))
            }
            _ => self.records(name),
        }
    }
}
