//! The two terms at inner layers.

use crate::places::{Places, aligned, marks, pooled};
use crate::sides::{ANSWER, CONVERTED, ENGLISH, QUERY, TEXT, THOUGHT};
use crate::{Align, DftOptions, Span, Supervision, behind};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Batch, Error, Example, Model, Name, Notes, Output, Result, Run, Sequence, Step};

/// Names of the terms.
pub(crate) const TFT: &str = "tft";
pub(crate) const LC: &str = "lc";
pub(crate) const ET: &str = "et";

/// Below this a squared length counts as this: a vector of zeros has no direction.
const SHORTEST: f64 = 1e-12;

/// The tokens of each term over logits, the examples of each over features.
pub(crate) fn denominators(options: &DftOptions, batch: &Batch) -> BTreeMap<Name, f64> {
    let learned = |name: &str| batch.examples.iter().filter_map(|e| e.sequences.get(name)).map(Sequence::loss_tokens).sum::<f64>();
    let over = |how, forced: &str, mark: &str| match (how, options.align) {
        (Supervision::Feature, _) => batch.examples.len() as f64,
        (_, Align::TeacherForced) => learned(forced),
        (_, Align::Position) => batch.examples.iter().map(|e| pairs(e, mark).len() as f64).sum(),
    };
    let mut all = BTreeMap::from([(TFT.into(), learned(TEXT))]);
    for (name, how, forced, mark) in [(LC, options.lc, CONVERTED, QUERY), (ET, options.et, THOUGHT, ANSWER)] {
        if how != Supervision::None {
            all.insert(name.into(), over(how, forced, mark));
        }
    }
    all
}

fn pairs(example: &Example, mark: &str) -> Vec<(usize, u32)> {
    match (example.sequences.get(TEXT), example.sequences.get(ENGLISH)) {
        (Some(text), Some(english)) => aligned(text, english, mark),
        _ => vec![],
    }
}

/// Language conversion at layer i, summed.
pub(crate) fn conversion(options: &DftOptions, step: &mut Step<'_>, main: &Output, english: Option<&Output>) -> Result<Option<Tensor<1>>> {
    let layer = options.i.unwrap_or_default();
    Ok(match (options.lc, english) {
        (Supervision::Logits, _) => Some(through_the_head(options, step, main, layer, (CONVERTED, QUERY))?),
        (Supervision::Feature, Some(english)) => {
            // 1 − cos(h_i of x_en, h_i of x)
            let there = state(step.model, english, layer)?;
            Some(apart(options, step.batch, (state(step.model, main, layer)?, main), (there, english), Span::Query)?)
        }
        _ => None,
    })
}

/// English thinking at layer j, summed.
pub(crate) fn thinking(options: &DftOptions, step: &mut Step<'_>, main: &Output, english: Option<&Output>) -> Result<Option<Tensor<1>>> {
    let layer = options.j.unwrap_or_default();
    Ok(match (options.et, english) {
        (Supervision::Logits, _) => Some(through_the_head(options, step, main, layer, (THOUGHT, ANSWER))?),
        (Supervision::Feature, Some(english)) => {
            // 1 − cos(h_L of the English text, h_j of the text)
            Some(apart(options, step.batch, (state(step.model, main, layer)?, main), (english.hidden.x.clone(), english), options.et_span)?)
        }
        _ => None,
    })
}

/// −ln P of the English tokens at a layer, through the head that holds still.
fn through_the_head(options: &DftOptions, step: &mut Step<'_>, main: &Output, layer: usize, (forced, mark): (&str, &str)) -> Result<Tensor<1>> {
    let out = match options.align {
        Align::TeacherForced => step.run(forced, &Run { depth: Some(layer), ..Run::default() })?,
        Align::Position => {
            let pairs: Vec<Vec<(usize, u32)>> = step.batch.examples.iter().map(|e| pairs(e, mark)).collect();
            let (labels, weights) = Places::of(&main.hidden).labels(&pairs, &step.model.plain_device());
            let hidden = main.hidden.clone().with(state(step.model, main, layer)?);
            Output { hidden, labels, weights, notes: Notes::default(), call: main.call.clone() }
        }
    };
    if options.final_norm { tongues_nn::cross_entropy(step.model, &out, true) } else { without_norm(step.model, &out) }
}

/// Cross-entropy through the head alone.
fn without_norm(model: &Model, out: &Output) -> Result<Tensor<1>> {
    let still = model.net.clone().freeze();
    let logits = model.pass(out.call.clone()).with_parts(&still.parts, |pass| still.backbone.head(out.hidden.x.clone(), pass))?;
    let [batch, time, vocabulary] = logits.dims(); // [B, T, V]
    let rows = batch * time;
    Ok(tongues_ops::cross_entropy_sum(logits.reshape([rows, vocabulary]), out.labels.clone().reshape([rows]), out.weights.clone().reshape([rows])))
}

/// The state behind block `layer` of a run.
fn state(model: &Model, out: &Output, layer: usize) -> Result<Tensor<3>> {
    let found = out.notes.read.get(&behind(model, layer)).cloned();
    found.ok_or_else(|| Error::run(format!("dft: layer {layer}"), "the model's blocks do not say their states"))
}

/// Σ 1 − cos over the pooled states of both languages.
fn apart(options: &DftOptions, batch: &Batch, (here, main): (Tensor<3>, &Output), (there, english): (Tensor<3>, &Output), span: Span) -> Result<Tensor<1>> {
    let marks = marks(span);
    let a = pooled(here, &main.hidden, batch, (TEXT, marks), options.pool)?; // [B, D]
    let b = pooled(there, &english.hidden, batch, (ENGLISH, marks), options.pool)?;
    let cosine = (unit(a) * unit(b)).sum_dim(1); // [B, 1]
    Ok((cosine.neg() + 1.0).sum())
}

/// Vectors over their lengths.
fn unit(x: Tensor<2>) -> Tensor<2> {
    let length = x.clone().powi_scalar(2).sum_dim(1).clamp_min(SHORTEST).sqrt();
    x / length
}
