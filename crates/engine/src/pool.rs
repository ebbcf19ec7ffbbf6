//! The examples of an objective, made from records when a pass begins.

use crate::shop::Shop;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tongues_kernel::{Draws, Dyn, ExampleContext, Format, Name, Objective, Record, Result, Tokenizer, Value, refuse};
use tongues_train::{Pool, Source};

/// Where an objective's examples come from.
pub struct Examples<'s, 'r> {
    shop: &'s Shop<'r>,
    data: String,
    objective: Dyn<dyn Objective>,
    tokenizer: Arc<dyn Tokenizer>,
    max_length: usize,
    draws: Draws,
    column: Option<String>,
    /// The stage, for what is told of the format, and the format.
    format: (String, Option<String>),
    /// The examples of every pass, where passes do not differ.
    same: RefCell<Option<Rc<Pool>>>,
}

impl<'s, 'r> Examples<'s, 'r> {
    /// Of a data set, for an objective; `column` is what batches are made by.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        shop: &'s Shop<'r>,
        data: &str,
        objective: Dyn<dyn Objective>,
        tokenizer: Arc<dyn Tokenizer>,
        max_length: usize,
        draws: Draws,
        column: Option<String>,
    ) -> Self {
        Self { shop, data: data.into(), objective, tokenizer, max_length, draws, column, format: Default::default(), same: RefCell::default() }
    }

    /// Records are read through a format of the recipe; what it cuts is told of the stage.
    #[must_use]
    pub fn with_format(self, stage: String, format: Option<String>) -> Self {
        Self { format: (stage, format), ..self }
    }

    /// Passes have different examples.
    fn differs(&self) -> bool {
        self.objective.redraws() || self.shop.recurates(&self.data)
    }

    fn made(&self, epoch: u64) -> Result<Pool> {
        let (stage, format) = &self.format;
        let format = self.shop.format(format.as_deref(), self.tokenizer.as_ref())?;
        let cx = ExampleContext {
            tokenizer: self.tokenizer.as_ref(),
            max_length: self.max_length,
            draws: self.draws.step(epoch),
            format: format.as_ref().map(|f| f as &dyn Format),
        };
        let members = self.shop.members(&self.data, epoch)?;
        let mut pool = Pool::default();
        for (member, records) in &members {
            let start = pool.examples.len();
            for record in &records.records {
                let key = self.column.as_ref().map(|c| column(record, c, member)).transpose()?;
                pool.examples.extend(self.objective.examples(record, &cx)?);
                pool.keys.extend(key.into_iter().cycle().take(pool.examples.len() - pool.keys.len()));
            }
            pool.members.push(start..pool.examples.len());
        }
        // Later passes over data that is made anew are like the first: one count is enough for the report.
        if let Some(format) = format.filter(|_| epoch == 0 || !self.differs()) {
            self.shop.note_cut(&format!("Stage {stage}"), &format);
        }
        Ok(pool)
    }
}

impl Source for Examples<'_, '_> {
    fn pool(&self, epoch: u64) -> Result<Rc<Pool>> {
        if let Some(same) = &*self.same.borrow() {
            return Ok(same.clone());
        }
        let pool = Rc::new(self.made(epoch)?);
        if !self.differs() {
            *self.same.borrow_mut() = Some(pool.clone());
        }
        Ok(pool)
    }
}

/// What stands in a record's column.
fn column(record: &Record, column: &str, member: &str) -> Result<Name> {
    let missing = || refuse(format!("record {}", record.id), format!("the column `{column}`"), "none", "choose another column in `batches`");
    match (column, record.fields.get(column)) {
        ("member", None) => Ok(member.into()),
        ("language", None) => record.language.clone().map_or_else(missing, Ok),
        ("group", None) => record.group.clone().map_or_else(missing, Ok),
        (_, Some(Value::Text(text))) => Ok(text.clone()),
        (_, Some(Value::Number(number))) => Ok(number.to_string().into()),
        (_, Some(Value::Flag(flag))) => Ok(flag.to_string().into()),
        (_, Some(_)) => refuse(format!("record {}, field `{column}`", record.id), "a text, a number or a flag", "another kind of value", ""),
        (_, None) => missing(),
    }
}
