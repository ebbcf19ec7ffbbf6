//! The examples of one pass over the data, and where they come from.

use std::ops::Range;
use std::rc::Rc;
use tongues_kernel::{Example, Name, Result, refuse};

/// The examples of one pass.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// The examples, in the order of the data.
    pub examples: Vec<Example>,
    /// What batches are pure or balanced in, one value an example; empty where batches are not made by a column.
    pub keys: Vec<Name>,
    /// Which examples belong to which member of a mixture; empty for a plain data set.
    pub members: Vec<Range<usize>>,
}

impl Pool {
    /// Examples of a plain data set.
    pub fn of(examples: Vec<Example>) -> Self {
        Self { examples, ..Self::default() }
    }

    /// Nothing in it is missing.
    pub(super) fn checked(self: Rc<Self>) -> Result<Rc<Self>> {
        let remedy = "check the data and its curators";
        if self.examples.is_empty() {
            return refuse("training data", "at least one example", "none", remedy);
        }
        if let Some(member) = self.members.iter().position(|m| m.is_empty()) {
            return refuse(format!("member {member} of the mixture"), "at least one example", "none", remedy);
        }
        Ok(self)
    }
}

/// Where the examples of each pass come from.
pub trait Source {
    /// The examples of a pass, counted from 0. Equal passes give equal examples.
    ///
    /// # Errors
    /// The data cannot be read or curated.
    fn pool(&self, epoch: u64) -> Result<Rc<Pool>>;
}

/// The same examples in every pass.
#[derive(Clone, Debug)]
pub struct Fixed(pub Rc<Pool>);

impl Source for Fixed {
    fn pool(&self, _: u64) -> Result<Rc<Pool>> {
        Ok(self.0.clone())
    }
}
