//! What sits on the token embeddings: thin matrices beside the table, and rows of it that train.
#![allow(non_snake_case, reason = "field names are PEFT's tensor names")]

use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::IndexingUpdateOp;
use tongues_kernel::{Call, Error, Input, Model, Parts, Pass, Result, Role, Site, Stack, Stream, refuse, values};
use tongues_ops::linear;

/// Thin matrices beside an embedding table E `[V, D]`: `E + s (B A)ᵀ`.
#[derive(Module, Debug)]
pub struct Rows {
    /// `[r, V]`.
    pub lora_embedding_A: Param<Tensor<2>>,
    /// `[D, r]`.
    pub lora_embedding_B: Param<Tensor<2>>,
}

impl Rows {
    /// From A `[r, V]` and B `[D, r]`.
    pub fn new(a: Tensor<2>, b: Tensor<2>) -> Self {
        Self { lora_embedding_A: Param::from_tensor(a), lora_embedding_B: Param::from_tensor(b) }
    }

    /// The rank.
    pub fn rank(&self) -> usize {
        self.lora_embedding_A.val().dims()[0]
    }

    /// Embeddings `[batch, time, D]` with the product added.
    pub(crate) fn beside(&self, y: Tensor<3>, scale: f64, ids: Tensor<2, Int>) -> Result<Tensor<3>> {
        let [batch, time, width] = y.dims();
        let a = self.lora_embedding_A.val();
        if let Some(id) = host(ids.clone()).into_iter().find(|id| *id >= a.dims()[1] as i64) {
            let remedy = "attach this adapter after the vocabulary has grown";
            return refuse("lora_embedding_A", format!("token ids below its {} columns", a.dims()[1]), id, remedy);
        }
        let low = a.select(1, ids.reshape([batch * time])).transpose(); // [B T, r]
        Ok(y + linear(low, self.lora_embedding_B.val()).reshape([batch, time, width]) * scale)
    }

    /// `s (B A)ᵀ`, `[V, D]`, without a graph.
    pub(crate) fn product(&self, scale: f64) -> Tensor<2> {
        let (a, b) = (self.lora_embedding_A.val().without_autodiff(), self.lora_embedding_B.val().without_autodiff());
        b.matmul(a).transpose() * scale
    }
}

/// Rows of the embedding table that are replaced and train.
#[derive(Module, Debug)]
pub struct Tokens {
    /// The rows themselves, not a difference `[n, D]`.
    pub trainable_tokens_delta: Param<Tensor<2>>,
    #[module(skip)]
    pub(crate) indices: Vec<usize>,
}

impl Tokens {
    /// From rows `[n, D]` and their token ids.
    pub fn new(rows: Tensor<2>, indices: Vec<usize>) -> Self {
        Self { trainable_tokens_delta: Param::from_tensor(rows), indices }
    }

    /// Embeddings `[batch, time, D]` with the rows in their places.
    pub(crate) fn replaced(&self, y: Tensor<3>, factor: f64, ids: Tensor<2, Int>) -> Tensor<3> {
        let ([batch, time, width], device) = (y.dims(), y.device());
        let own: Vec<Option<usize>> = host(ids).into_iter().map(|id| self.indices.iter().position(|i| *i as i64 == id)).collect();
        let from: Vec<i64> = own.iter().map(|o| o.unwrap_or(0) as i64).collect();
        let mask: Vec<f32> = own.iter().map(|o| f32::from(o.is_some())).collect();
        let from = Tensor::<1, Int>::from_data(TensorData::new(from, [batch * time]), &device.clone().without_autodiff());
        let mask = Tensor::<3>::from_data(TensorData::new(mask, [batch, time, 1]), &device);
        let rows = self.trainable_tokens_delta.val().select(0, from).reshape([batch, time, width]) * factor;
        y * (mask.clone().neg() + 1.0) + rows * mask
    }

    /// Logits `[batch, rows, V]` of a head that is the same table: the columns of these tokens come from their rows.
    pub(crate) fn read_out(&self, y: Tensor<3>, x: Tensor<3>) -> Tensor<3> {
        let ([batch, rows, width], [_, _, vocabulary]) = (x.dims(), y.dims());
        let ids: Vec<i64> = self.indices.iter().map(|i| *i as i64).collect();
        let n = ids.len();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [n]), &y.device().without_autodiff());
        let own = linear(x.reshape([batch * rows, width]), self.trainable_tokens_delta.val());
        let y = y.reshape([batch * rows, vocabulary]);
        let change = own - y.clone().select(1, ids.clone());
        y.select_assign(1, ids, change, IndexingUpdateOp::Add).reshape([batch, rows, vocabulary])
    }
}

/// What the family multiplies its embeddings by, measured on a few tokens.
///
/// # Errors
/// The model has no embedding table.
pub fn embedding_factor(model: &Model, table: &Tensor<2>) -> Result<f64> {
    let n = table.dims()[0].min(8);
    let device = model.plain_device();
    let ids = Tensor::<1, Int>::arange(0..n as i64, &device).reshape([1, n]);
    let stack = model.spec().main();
    let input = Input::of(stack, Stream { ids: ids.clone(), rows: None, valid: None, positions: ids, segments: None });
    let (site, parts) = (Site::new(stack, 0, Role::Embeddings), Parts::default());
    let mut pass = Pass::new(&parts, Call::default()).reading(&[site]);
    model.net.backbone.embed(&input, &mut pass)?;
    let (given, own) = (values(pass.read(site)?), values(table.clone().narrow(0, 0, n)));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let length = dot(&own, &own);
    Ok(if length > 0.0 { dot(&given, &own) / length } else { 1.0 })
}

/// The place and the table `[V, D]` of the token embeddings.
///
/// # Errors
/// The family has none.
pub fn table(model: &mut Model) -> Result<(tongues_kernel::SiteInfo, Tensor<2>)> {
    let place = model.spec().sites.iter().find(|i| i.site.role == Role::Embeddings).cloned();
    let place = place.ok_or_else(|| Error::input("token embeddings", "a table", "none in this family", "leave the embeddings out"))?;
    let rows = model.weights().get::<2>(&format!("{}.weight", place.path))?;
    Ok((place, rows.without_autodiff()))
}

/// The ids at the embeddings, where the stream has ids.
pub(crate) fn ids(pass: &Pass<'_>, stack: Stack) -> Result<Option<Tensor<2, Int>>> {
    let stream = pass.input.stream(stack)?;
    Ok(stream.rows.is_none().then(|| stream.ids.clone()))
}

fn host(ids: Tensor<2, Int>) -> Vec<i64> {
    ids.into_data().convert::<i64>().try_to_vec().unwrap_or_default()
}
