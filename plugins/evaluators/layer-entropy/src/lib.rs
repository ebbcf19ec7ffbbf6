//! # layer-entropy
//!
//! How undecided each layer is about the next token when the model's own head reads it.
//! Paper: arXiv 2503.01275 (2025), "Deep Supervision Fine-Tuning" (how its layers are chosen); nostalgebraist 2020, "interpreting GPT: the
//! logit lens".
//!
//! ## What it does
//! The states behind every block go through the final norm and the head (with its soft-capping, where the model has one); the entropy
//! of the distribution, in nats, is averaged over all tokens: `entropy@k` for layer `k`. Layers count from 1, the output of the first
//! block; layer 0 is the embeddings. A text stands behind the start token, which is not counted, and is cut to the model's positions.
//!
//! A note proposes the layers of `dft`. A layer falls if its entropy lies below that of the layer before by at least `marked` of the
//! curve's whole range, and layers that fall one after another are one drop. `i` is where the first drop ends, `j` the last layer
//! before the second drop begins, both at least 1 and below the last layer. Where there are no two such drops nothing is proposed.
//!
//! ## When to use
//! On texts in the language that is learned, before `dft`. The curve is a property of one model and one language: compare languages by
//! naming several data sets. It says nothing of quality.
//!
//! ## Differences from the paper
//! The paper reads the drops off a plot; what counts as marked is an option here. It does not say whether the final norm stands before
//! the head; here it does.
//!
//! ## Reproduces
//! No published number. The tests compare with entropies worked out from logits, and the rule with curves made by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::{Int, activation::log_softmax};
use tongues_kernel::score::{Columns, language_column};
use tongues_kernel::{
    Better, Call, Evaluation, Evaluator, Finding, Hidden, Item, Laid, Model, Record, Result, Role, Sequence, Site, Tokenizer, refuse, register, values,
};

/// Logits of more numbers than this are not made at once (32 MB in 32 bits).
const WHOLE: usize = 1 << 23;

/// Entropy of the head at every layer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerEntropy {
    /// The field with the text.
    #[serde(default = "text")]
    pub field: String,
    /// How far the entropy must fall at a layer for the proposal, as a share of the curve's range.
    #[serde(default = "marked")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub marked: f64,
    /// Tokens of a batch at most; more is faster and needs more memory. Scores do not depend on it.
    #[serde(default = "batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
}

fn text() -> String {
    "text".into()
}
fn marked() -> f64 {
    0.1
}
fn batch_tokens() -> usize {
    4096
}

/// Entropies of one text: the sum at every layer, and over how many tokens.
struct Curve {
    sums: Vec<f64>,
    tokens: usize,
}

impl LayerEntropy {
    fn curves(&self, model: &Model, records: &[Record]) -> Result<Vec<Curve>> {
        let tokenizer = model.tokenizer()?;
        let rows = records.iter().map(|r| self.row(r, &**tokenizer, model.spec().max_positions)).collect::<Result<Vec<_>>>()?;
        let columns = language_column(records.iter().map(|record| record.language.as_deref()));
        // Rows of one length side by side need no padding.
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        rows.iter().enumerate().for_each(|(i, row)| by_length.entry(row.len()).or_default().push(i));
        let mut curves: Vec<Option<Curve>> = rows.iter().map(|_| None).collect();
        for (length, places) in by_length {
            for chunk in places.chunks((self.batch_tokens / length).max(1)) {
                let batch: Vec<&Sequence> = chunk.iter().map(|i| &rows[*i]).collect();
                let columns = columns.iter().map(|(name, all)| (name.clone(), chunk.iter().map(|i| all[*i]).collect())).collect();
                for (i, curve) in chunk.iter().zip(read(model, &batch, &columns)?) {
                    curves[*i] = Some(curve);
                }
            }
        }
        Ok(curves.into_iter().flatten().collect())
    }

    /// A text behind its start token. What the first token predicts is told by the start, and is counted.
    fn row(&self, record: &Record, tokenizer: &dyn Tokenizer, positions: usize) -> Result<Sequence> {
        let text = tokenizer.encode(record.text(&self.field)?)?;
        if text.is_empty() {
            return refuse(record.place(&self.field), "a text of at least one token", "none", "leave this record out of the data");
        }
        let start = tokenizer.bos().or(tokenizer.eos());
        let mut ids: Vec<u32> = start.into_iter().chain(text).collect();
        ids.truncate(if positions > 0 { positions } else { ids.len() });
        let starts = usize::from(start.is_some() && ids.len() > 1);
        let rest = ids.split_off(starts);
        let mut row = Sequence::of("start", ids, 0.0);
        row.segments.extend(Sequence::of("text", rest, 1.0).segments);
        Ok(row)
    }
}

/// The curves of rows of one length.
fn read(model: &Model, rows: &[&Sequence], columns: &Columns) -> Result<Vec<Curve>> {
    let (stack, device) = (model.spec().main(), model.plain_device());
    let mut input = Laid::new(rows.iter().copied())?.input(stack, &device);
    let numbers = |all: &Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(all.clone(), [all.len()]), &device);
    input.columns = columns.iter().map(|(name, all)| (name.clone(), numbers(all))).collect();
    let call = Call { columns: input.columns.clone(), ..Call::default() };
    let sites: Vec<Site> = (0..model.spec().layers(stack)).map(|layer| Site::new(stack, layer, Role::Block)).collect();
    let embedded = model.walk(&input, Some(0), &mut model.pass(call.clone()))?.x;
    let mut pass = model.pass(call.clone()).reading(&sites);
    let hidden = model.walk(&input, None, &mut pass)?;
    let counted = counted(rows, &hidden);
    let states = std::iter::once(Some(embedded)).chain(sites.iter().map(|site| pass.notes.read.remove(site)));
    let mut curves: Vec<Curve> = counted.iter().map(|places| Curve { sums: vec![], tokens: places.iter().filter(|p| **p).count() }).collect();
    for state in states {
        let Some(state) = state else { return refuse("layer-entropy", "a model whose blocks say their states", &model.spec().family, "") };
        for (row, curve) in curves.iter_mut().enumerate() {
            let entropies = entropies(model, state.clone().narrow(0, row, 1), &of_row(&call, row))?;
            curve.sums.push(entropies.iter().zip(&counted[row]).filter(|(_, counts)| **counts).map(|(h, _)| f64::from(*h)).sum());
        }
    }
    Ok(curves)
}

/// Which places stand for tokens that are counted, row by row.
fn counted(rows: &[&Sequence], hidden: &Hidden) -> Vec<Vec<bool>> {
    let time = hidden.x.dims()[1];
    let origin = hidden.origin_or_identity().into_data().convert::<i64>().try_to_vec::<i64>().unwrap_or_default();
    let counts = |row: usize, origin: &i64| {
        let start = rows[row].segments.first().map_or(0, |s| s.ids.len());
        usize::try_from(*origin).is_ok_and(|token| token >= start)
    };
    origin.chunks(time.max(1)).enumerate().map(|(row, places)| places.iter().map(|o| counts(row, o)).collect()).collect()
}

/// The entropy at every place of one row `[1, time, width]`, in nats.
fn entropies(model: &Model, x: Tensor<3>, call: &Call) -> Result<Vec<f32>> {
    let [_, time, width] = x.dims();
    let size = (WHOLE / model.spec().vocabulary.max(1)).max(1);
    let mut all = vec![];
    for start in (0..time).step_by(size) {
        let some = x.clone().slice([0..1, start..(start + size).min(time), 0..width]);
        let logits = log_softmax(model.read_out_with(some, true, &mut model.pass(call.clone()))?, 2); // [1, n, V]
        all.extend(values((logits.clone().exp() * logits).sum_dim(2).neg()));
    }
    Ok(all)
}

/// The call of one row of a batch.
fn of_row(call: &Call, row: usize) -> Call {
    let columns = call.columns.iter().map(|(name, all)| (name.clone(), all.clone().narrow(0, row, 1))).collect();
    Call { columns, ..call.clone() }
}

/// The proposed layers i and j of a curve from layer 0 on.
pub fn proposal(curve: &[f64], marked: f64) -> Option<(usize, usize)> {
    let (low, high) = curve.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), h| (low.min(*h), high.max(*h)));
    let least = (marked * (high - low)).max(f64::MIN_POSITIVE);
    let falls = |k: usize| curve[k - 1] - curve[k] >= least;
    let last = curve.len().checked_sub(1)?;
    let first = (1..=last).find(|k| falls(*k))?;
    let end = (first..=last).take_while(|k| falls(*k)).last()?;
    let second = (end + 1..=last).find(|k| falls(*k))?;
    let (i, j) = (end, second - 1);
    (i < j && j < last).then_some((i, j))
}

impl Evaluator for LayerEntropy {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let records = evaluation.data.open()?.collect::<Result<Vec<Record>>>()?;
        if records.is_empty() {
            return refuse(format!("data `{}`", evaluation.data.name()), "at least one record", "none", "use more data");
        }
        let curves = self.curves(&evaluation.model.inference(), &records)?;
        let tokens = curves.iter().map(|c| c.tokens as f64).sum::<f64>();
        let layers = curves.first().map_or(0, |c| c.sums.len());
        let curve: Vec<f64> = (0..layers).map(|k| curves.iter().map(|c| c.sums[k]).sum::<f64>() / tokens).collect();
        let name = evaluation.data.name();
        evaluation.cx.note(match proposal(&curve, self.marked) {
            Some((i, j)) => format!("Layer entropy on {name}: two marked drops; for dft the rule proposes i = {i} and j = {j}."),
            None => format!("Layer entropy on {name}: no two marked drops (marked = {}), so no layers are proposed.", self.marked),
        });
        let item = |(record, c): (&Record, &Curve), k: usize| Item { value: c.sums[k], weight: c.tokens as f64, ..Item::one(record.id.clone(), 0.0) };
        let finding = |k: usize| Finding::ratio(format!("entropy@{k}"), Better::Lower, records.iter().zip(&curves).map(|pair| item(pair, k)).collect());
        Ok((0..layers).map(finding).collect())
    }
}

register!(Evaluator, "layer-entropy", "Entropy of the head at every layer, and the layers it proposes for dft", LayerEntropy);
