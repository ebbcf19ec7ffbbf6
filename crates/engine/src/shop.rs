//! What a run has at hand: the recipe with its data, tokenizers and models, each made once, when first asked for.

use crate::identity::InputFile;
use crate::journal::ModelRecord;
use crate::memo::Memo;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Draws, InMemory, Model, Record, Records, Result, Tokenizer, refuse};
use tongues_recipe::Recipe;

/// The recipe's things. Interior caches keep the borrow rules out of the plugins' way.
pub struct Shop<'r> {
    /// The recipe.
    pub recipe: &'r Recipe,
    /// Where tensors live; with gradients.
    pub device: Device,
    /// The root of all draws.
    pub draws: Draws,
    pub(crate) data: RefCell<BTreeMap<String, Rc<InMemory>>>,
    pub(crate) models: RefCell<BTreeMap<String, Model>>,
    pub(crate) tokenizers: RefCell<BTreeMap<String, Arc<dyn Tokenizer>>>,
    pub(crate) notes: RefCell<Vec<String>>,
    /// Records that curators dropped, by data set and rule.
    pub(crate) dropped: RefCell<BTreeMap<String, BTreeMap<String, usize>>>,
    pub(crate) inputs: RefCell<BTreeMap<String, InputFile>>,
    pub(crate) memo: RefCell<Memo>,
    pub(crate) finished: RefCell<BTreeMap<String, ModelRecord>>,
    /// Input files are hashed, for a manifest.
    pub(crate) lists_inputs: bool,
    /// Where the run folder lies.
    pub(crate) root: PathBuf,
    busy: RefCell<Vec<String>>,
}

impl<'r> Shop<'r> {
    /// An empty shop for a recipe.
    pub fn new(recipe: &'r Recipe, device: Device, root: PathBuf) -> Self {
        Self {
            recipe,
            device,
            draws: Draws::new(recipe.seed),
            data: RefCell::default(),
            models: RefCell::default(),
            tokenizers: RefCell::default(),
            notes: RefCell::default(),
            dropped: RefCell::default(),
            inputs: RefCell::default(),
            memo: RefCell::default(),
            finished: RefCell::default(),
            lists_inputs: true,
            root,
            busy: RefCell::default(),
        }
    }

    /// Without a manifest: input files are not hashed.
    #[must_use]
    pub fn without_manifest(self) -> Self {
        Self { lists_inputs: false, ..self }
    }

    /// What there is to tell so far.
    pub fn told(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// A sentence for the report; data that is made again says nothing new.
    pub fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// How many requests were answered from memory: the same was asked of the same checkpoint before.
    pub fn remembered(&self) -> usize {
        self.memo.borrow().found
    }

    /// The stage's result, for later stages.
    pub fn put_model(&self, name: &str, model: Model) {
        self.models.borrow_mut().insert(name.into(), model);
    }

    /// Makes something under a name; a thing that needs itself is refused.
    pub(crate) fn making<T>(&self, what: String, make: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.busy.borrow().contains(&what) {
            let circle = self.busy.borrow().join(" → ");
            return refuse(what, "something that can be made", format!("a circle: {circle}"), "one of them must not need the next");
        }
        self.busy.borrow_mut().push(what);
        let made = make();
        self.busy.borrow_mut().pop();
        made
    }
}

/// Records shared between stages.
#[derive(Clone)]
pub struct Shared(pub Rc<InMemory>);

impl Records for Shared {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn open(&self) -> Result<Box<dyn Iterator<Item = Result<Record>> + '_>> {
        self.0.open()
    }
    fn count(&self) -> Option<usize> {
        self.0.count()
    }
}
