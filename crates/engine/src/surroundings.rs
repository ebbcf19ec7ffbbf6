//! What a plugin may ask of a run.

use crate::chat::Listener;
use crate::memo::{Answer, key_in};
use crate::shop::{Shared, Shop};
use std::rc::Rc;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::score::Columns;
use tongues_kernel::{Context, DataRef, DecoderUse, Draws, Error, Generation, InMemory, Limits, Model, ModelRef, Records, Request, Result, score};

/// A plugin's view of the shop: its own draws, and what this call is about.
pub struct Surroundings<'s, 'r> {
    shop: &'s Shop<'r>,
    draws: Draws,
    subject: Option<Model>,
    stage_data: Option<Rc<InMemory>>,
    listener: Option<&'s mut dyn Listener>,
}

impl<'s, 'r> Surroundings<'s, 'r> {
    /// With draws of the given name.
    pub fn new(shop: &'s Shop<'r>, name: &str) -> Self {
        Self { shop, draws: shop.draws.stream(name), subject: None, stage_data: None, listener: None }
    }

    /// In a pass over the data.
    #[must_use]
    pub fn in_pass(self, epoch: u64) -> Self {
        Self { draws: self.draws.step(epoch), ..self }
    }

    /// About a model.
    #[must_use]
    pub fn about(self, model: Model) -> Self {
        Self { subject: Some(model), ..self }
    }

    /// With someone who hears what decoders write.
    #[must_use]
    pub fn heard_by(self, listener: &'s mut dyn Listener) -> Self {
        Self { listener: Some(listener), ..self }
    }

    /// In a stage with data.
    #[must_use]
    pub fn with_data(self, data: Rc<InMemory>) -> Self {
        Self { stage_data: Some(data), ..self }
    }
}

impl Context for Surroundings<'_, '_> {
    fn device(&self) -> Device {
        self.shop.device.clone()
    }
    fn draws(&self) -> Draws {
        self.draws
    }
    fn model(&mut self, model: &ModelRef) -> Result<Model> {
        self.shop.model(&model.0)
    }
    fn subject(&mut self) -> Result<Model> {
        self.subject.clone().ok_or_else(|| Error::input("model", "a call about one model", "none", "this plugin cannot be used here"))
    }
    fn data(&mut self, data: &DataRef) -> Result<Box<dyn Records>> {
        Ok(Box::new(Shared(self.shop.records(&data.0)?)))
    }
    fn stage_data(&mut self) -> Result<Box<dyn Records>> {
        match &self.stage_data {
            Some(data) => Ok(Box::new(Shared(data.clone()))),
            None => Err(Error::input("data", "a stage with data", "none", "name the data in the plugin's options")),
        }
    }
    fn log_probabilities(&mut self, model: &Model, rows: &[Vec<u32>], columns: &Columns, batch_tokens: usize) -> Result<Vec<Vec<f32>>> {
        let asked: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let key = key_in(self.shop, model, &format!("log-probabilities {batch_tokens} {columns:?}"), &asked);
        if let Some(Answer::Scores(scores)) = key.and_then(|key| self.shop.memo.borrow_mut().get(&key)) {
            return Ok(scores);
        }
        let scores = score::log_probabilities_with(model, rows, columns, batch_tokens)?;
        if let Some(key) = key {
            self.shop.memo.borrow_mut().put(key, Answer::Scores(scores.clone()));
        }
        Ok(scores)
    }
    fn write(&mut self, model: &Model, decode: &DecoderUse, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        let rows: Vec<&[u32]> = requests.iter().map(|r| r.prompt.as_slice()).collect();
        let asked: Vec<_> = requests.iter().map(|r| (r.id, &r.columns)).collect();
        let options = serde_json::Value::Object(decode.options.clone());
        let words = format!("{} {options} {limits:?} {:?} {asked:?}", decode.plugin, self.draws);
        let key = key_in(self.shop, model, &words, &rows);
        if let Some(Answer::Texts(texts)) = key.and_then(|key| self.shop.memo.borrow_mut().get(&key)) {
            return Ok(texts);
        }
        let before = self.subject.replace(model.clone());
        let texts = decode.build(self).and_then(|decoder| decoder.decode(self, requests, limits));
        self.subject = before;
        let texts = texts?;
        if let Some(key) = key {
            self.shop.memo.borrow_mut().put(key, Answer::Texts(texts.clone()));
        }
        Ok(texts)
    }
    fn wrote(&mut self, request: u64, ids: &[u32]) -> Result<()> {
        self.listener.as_mut().map_or(Ok(()), |listener| listener.hear(request, ids))
    }
    fn note(&mut self, text: String) {
        self.shop.note(text);
    }
}
