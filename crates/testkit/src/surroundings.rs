//! Surroundings for a plugin under test: a device, a seed, a few texts, models by name, and an ear for notes.

use std::collections::BTreeMap;
use tongues_kernel::burn::prelude::Device;
use tongues_kernel::{Context, DataRef, DecoderUse, Draws, Error, Generation, InMemory, Limits, Model, ModelRef, Record, Records, Request, Result};

/// Every data set is the same few texts.
pub struct Surroundings {
    /// Where tensors live; with gradients.
    pub device: Device,
    /// Where random numbers are drawn.
    pub draws: Draws,
    /// What every data set holds.
    pub records: Vec<Record>,
    /// Models by name.
    pub models: BTreeMap<String, Model>,
    /// What the plugin noted.
    pub notes: Vec<String>,
    /// The model that writes, while it does.
    pub subject: Option<Model>,
}

impl Surroundings {
    /// Without data and models.
    pub fn new(seed: u64) -> Self {
        Self { device: crate::device().autodiff(), draws: Draws::new(seed), records: vec![], models: BTreeMap::new(), notes: vec![], subject: None }
    }

    /// With texts as the data.
    #[must_use]
    pub fn with_texts<'t>(self, texts: impl IntoIterator<Item = &'t str>) -> Self {
        let records = texts.into_iter().enumerate().map(|(i, text)| Record::of_text(format!("{i}"), text)).collect();
        Self { records, ..self }
    }

    fn held(&self, name: &str) -> Result<Box<dyn Records>> {
        Ok(Box::new(InMemory { name: name.into(), records: self.records.clone() }))
    }
}

impl Context for Surroundings {
    fn device(&self) -> Device {
        self.device.clone()
    }
    fn draws(&self) -> Draws {
        self.draws
    }
    fn model(&mut self, model: &ModelRef) -> Result<Model> {
        let found = self.models.get(&model.0).cloned();
        found.ok_or_else(|| Error::input(&model.0, "a model of these surroundings", "none of that name", ""))
    }
    fn subject(&mut self) -> Result<Model> {
        self.subject.clone().ok_or_else(|| Error::input("model", "a model that writes", "none", ""))
    }
    fn write(&mut self, model: &Model, decode: &DecoderUse, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        self.subject = Some(model.clone());
        decode.build(self)?.decode(self, requests, limits)
    }
    fn data(&mut self, data: &DataRef) -> Result<Box<dyn Records>> {
        self.held(&data.0)
    }
    fn stage_data(&mut self) -> Result<Box<dyn Records>> {
        self.held("stage")
    }
    fn note(&mut self, text: String) {
        self.notes.push(text);
    }
}
