//! What a plugin may ask of its surroundings.

use crate::score::{self, Columns};
use crate::{DecoderUse, Draws, Generation, Limits, Model, Records, Request, Result, refuse};
use burn::prelude::*;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

macro_rules! reference {
    ($name:ident, $kind:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "x-ref": $kind })
            }
        }
    };
}
reference!(ModelRef, "model", "The name of a model or an earlier stage; an option of this type is checked before anything runs.");
reference!(DataRef, "data", "The name of a data set (or its part, `name.train`); an option of this type is checked before anything runs.");

/// The surroundings of a plugin at work.
pub trait Context {
    /// Where tensors live.
    fn device(&self) -> Device;
    /// Where random numbers are drawn.
    fn draws(&self) -> Draws;
    /// A model by name; tensors are shared.
    ///
    /// # Errors
    /// There is none of that name.
    fn model(&mut self, model: &ModelRef) -> Result<Model> {
        refuse(&model.0, "surroundings with models", "none", "this plugin cannot be used here")
    }
    /// The model that this call is about (the one that generates, the one that is scored).
    ///
    /// # Errors
    /// This call is about none.
    fn subject(&mut self) -> Result<Model> {
        refuse("model", "surroundings with a model", "none", "this plugin cannot be used here")
    }
    /// A data set by name.
    ///
    /// # Errors
    /// There is none of that name.
    fn data(&mut self, data: &DataRef) -> Result<Box<dyn Records>> {
        refuse(&data.0, "surroundings with data", "none", "this plugin cannot be used here")
    }
    /// The data of the stage at work.
    ///
    /// # Errors
    /// The stage has none.
    fn stage_data(&mut self) -> Result<Box<dyn Records>> {
        refuse("data", "a stage with data", "none", "this plugin cannot be used here")
    }
    /// Natural log-probability of every token after the first of each row, as [`score::log_probabilities_with`] gives it. Surroundings
    /// may remember it: the same row under the same model is then read once.
    ///
    /// # Errors
    /// A row is longer than the model's positions, or a column has not one number a row.
    fn log_probabilities(&mut self, model: &Model, rows: &[Vec<u32>], columns: &Columns, batch_tokens: usize) -> Result<Vec<Vec<f32>>> {
        score::log_probabilities_with(model, rows, columns, batch_tokens)
    }
    /// Has a model continue texts with a decoder. Surroundings may remember them: the same requests to the same model are then
    /// written once.
    ///
    /// # Errors
    /// A prompt does not fit the model, the decoder's options are wrong, or nothing is written in these surroundings.
    fn write(&mut self, model: &Model, decode: &DecoderUse, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        let _ = (model, requests, limits);
        refuse(&decode.plugin, "surroundings in which models write", "none", "this plugin cannot be used here")
    }
    /// A decoder tells what it has written of a request so far; who shows a text while it is written listens here.
    ///
    /// # Errors
    /// Nobody listens any more: the decoder ends with this error.
    fn wrote(&mut self, request: u64, ids: &[u32]) -> Result<()> {
        let _ = (request, ids);
        Ok(())
    }
    /// A sentence for the report.
    fn note(&mut self, text: String) {
        let _ = text;
    }
}

/// Surroundings with a device and a seed only.
#[derive(Clone, Debug)]
pub struct Bare {
    /// Where tensors live.
    pub device: Device,
    /// Where random numbers are drawn.
    pub draws: Draws,
}

impl Context for Bare {
    fn device(&self) -> Device {
        self.device.clone()
    }
    fn draws(&self) -> Draws {
        self.draws
    }
}
