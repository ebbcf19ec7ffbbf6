//! Parts: the trained things that live in a model beside its backbone.

use crate::erased::{Dyn, ErasedModule};
use crate::{Attention, Front, Hidden, Linear, Pass, Result, Site, Weights, refuse};
use burn::module::Module;
use burn::prelude::*;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Where a part was called.
#[derive(Clone, Copy)]
pub struct At<'p> {
    /// The place.
    pub site: Site,
    /// The projection's weight, where the place is one.
    pub linear: Option<&'p Linear>,
}

/// The function that a part wraps: the place's own, or that of the parts further in.
pub type Inner<'i> = &'i mut dyn FnMut(Tensor<3>, &mut Pass<'_>) -> Result<Tensor<3>>;
/// The attention that a part wraps.
pub type InnerAttend<'i> = &'i mut dyn FnMut(Attention, &mut Pass<'_>) -> Result<Tensor<4>>;

/// A trained thing that lives in a model. It may sit on many places and may own a backbone.
pub trait Part: ErasedModule + ClonePart {
    /// Changes what walks in: soft prompts, media, bridged encoders. May change the length; `origin` says where tokens went,
    /// `valid` which places hold something, and `positions` must go on where the next token's will. While a session pushes,
    /// `pass.cache` has a length and what came before the text is already read. `pass.present` says which places are no pads.
    ///
    /// # Errors
    /// The input does not fit the part.
    fn embed(&self, hidden: Hidden, pass: &mut Pass<'_>) -> Result<Hidden> {
        let _ = pass;
        Ok(hidden)
    }

    /// What it puts before the tokens: soft prompts, and positions taken by keys of its own.
    fn front(&self) -> Front {
        Front::default()
    }

    /// Whether, sitting on the embeddings, it makes rows also of ids that the backbone has none for.
    fn has_own_vocabulary(&self) -> bool {
        true
    }

    /// Wraps a place's function.
    ///
    /// # Errors
    /// The place does not fit the part.
    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let _ = at;
        inner(x, pass)
    }

    /// Wraps an attention: prefixes, masks, biases, heads.
    ///
    /// # Errors
    /// The attention does not fit the part.
    fn attend(&self, at: At<'_>, a: Attention, inner: InnerAttend<'_>, pass: &mut Pass<'_>) -> Result<Tensor<4>> {
        let _ = at;
        inner(a, pass)
    }

    /// Writes itself into the weights where that gives the same function.
    ///
    /// # Errors
    /// A weight it sits on is not there.
    fn fold(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        let _ = weights;
        Ok(Folded::No("it depends on the input".into()))
    }

    /// Its form on disk (PEFT's where there is one).
    ///
    /// # Errors
    /// The part has no form on disk.
    fn save(&self) -> Result<OnDisk> {
        refuse("save", "a part that can be saved", "one without a form on disk", "implement `Part::save`")
    }

    /// Attaching it changes no output.
    fn starts_as_identity(&self) -> bool {
        true
    }
}
crate::erased_module!(Part, ClonePart);

/// Whether a part is now in the weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folded {
    /// Yes, up to rounding.
    Exact,
    /// No, and why.
    No(String),
}

/// An adapter folder in memory: its config and its tensors.
#[derive(Clone, Debug, Default)]
pub struct OnDisk {
    /// `adapter_config.json`.
    pub config: Map<String, Json>,
    /// Name to (shape, values).
    pub tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl OnDisk {
    /// What [`crate::register_format!`] knows its reader by: PEFT's `peft_type`; for AdapterHub's form, which has a table or a word
    /// under `config` in its place, `adapterhub`, with `-<architecture>` behind where the table names one.
    pub fn kind(&self) -> Option<String> {
        let text = |map: &Map<String, Json>, key: &str| map.get(key).and_then(Json::as_str).map(String::from);
        match (text(&self.config, "peft_type"), self.config.get("config")) {
            (Some(peft), _) => Some(peft),
            (None, Some(Json::Object(keys))) => Some(text(keys, "architecture").map_or_else(|| HUB.into(), |a| format!("{HUB}-{a}"))),
            (None, Some(Json::String(_))) => Some(HUB.into()),
            _ => None,
        }
    }

    /// It has AdapterHub's form.
    pub fn is_hub(&self) -> bool {
        self.kind().is_some_and(|kind| kind.starts_with(HUB))
    }
}

const HUB: &str = "adapterhub";

/// Which parts take part in a pass.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum View {
    /// All.
    #[default]
    All,
    /// None: the backbone alone.
    None,
    /// These.
    Only(Vec<String>),
}

impl View {
    /// Whether a part is in view.
    pub fn shows(&self, name: &str) -> bool {
        match self {
            View::All => true,
            View::None => false,
            View::Only(names) => names.iter().any(|n| n == name),
        }
    }
}

/// A part with its name and places.
#[derive(Module, Debug)]
pub struct Attached {
    /// Its name, the middle of its tensors' names: `parts.<name>.…`.
    #[module(skip)]
    pub name: String,
    /// Where it sits.
    #[module(skip)]
    pub sites: Vec<Site>,
    /// The part.
    pub part: Dyn<dyn Part>,
}

/// All parts of a model, in the order they were attached.
#[derive(Module, Debug, Default)]
pub struct Parts {
    list: Vec<Attached>,
    #[module(skip)]
    by_site: BTreeMap<Site, Vec<usize>>,
}

impl Parts {
    /// No part.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All parts.
    pub fn list(&self) -> &[Attached] {
        &self.list
    }

    /// All parts, to be changed.
    pub fn list_mut(&mut self) -> &mut [Attached] {
        &mut self.list
    }

    /// Indices of the parts on a place.
    pub fn at(&self, site: Site) -> &[usize] {
        self.by_site.get(&site).map_or(&[], Vec::as_slice)
    }

    /// Adds a part.
    ///
    /// # Errors
    /// The name is taken.
    pub fn attach(&mut self, name: impl Into<String>, sites: Vec<Site>, part: impl Part) -> Result<()> {
        self.attach_boxed(name.into(), sites, Dyn(Box::new(part)))
    }

    /// Adds a part that is boxed already, such as one that was taken out.
    ///
    /// # Errors
    /// The name is taken.
    pub fn attach_boxed(&mut self, name: String, sites: Vec<Site>, part: Dyn<dyn Part>) -> Result<()> {
        if self.list.iter().any(|a| a.name == name) {
            return refuse(format!("part `{name}`"), "a name of its own", "a part of that name in the model", "give the adapter a `name`");
        }
        for site in &sites {
            self.by_site.entry(*site).or_default().push(self.list.len());
        }
        self.list.push(Attached { name, sites, part });
        Ok(())
    }

    /// Takes a part out.
    pub fn detach(&mut self, name: &str) -> Option<Attached> {
        let index = self.list.iter().position(|a| a.name == name)?;
        let gone = self.list.remove(index);
        self.by_site.clear();
        for (i, attached) in self.list.iter().enumerate() {
            for site in &attached.sites {
                self.by_site.entry(*site).or_default().push(i);
            }
        }
        Some(gone)
    }
}
