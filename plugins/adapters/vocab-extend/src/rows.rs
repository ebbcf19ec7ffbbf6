//! Rows for new entries.

use crate::{Piece, RowInit};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Draws, Error, Model, Result, Role, values};

/// Appends a row per piece to the embedding and to an untied head, and notes which rows are new.
///
/// # Errors
/// The model names no embedding or head.
pub fn append(model: &mut Model, pieces: &[Piece], init: RowInit, draws: Draws) -> Result<()> {
    let name = |role| {
        model.spec().weight_of(role).ok_or_else(|| Error::input(format!("{role:?}"), "a matrix with a row per token", "none", "this family cannot grow"))
    };
    let (embed, head) = (name(Role::Embeddings)?, name(Role::Head)?);
    let mut made = |name: &str| Ok(rows(model.weights().get::<2>(name)?.without_autodiff(), pieces, init, draws.stream(name)));
    let (embed_rows, head_rows) = (made(&embed)?, made(&head)?);
    let range = model.weights().append_rows(embed_rows, head_rows)?;
    for name in [embed, head] {
        let known = model.new_rows.entry(name).or_insert(range.clone());
        // A second extension continues the first.
        *known = known.start.min(range.start)..range.end;
    }
    Ok(())
}

/// New rows `[pieces, hidden]` for a table `[vocabulary, hidden]`, in its dtype.
fn rows(table: Tensor<2>, pieces: &[Piece], init: RowInit, draws: Draws) -> Tensor<2> {
    let ([_, width], device, dtype) = (table.dims(), table.device(), table.dtype());
    let fresh = match init {
        RowInit::Mean => Tensor::from_data(TensorData::new(means(table, pieces), [pieces.len(), width]), &device),
        RowInit::Random => {
            let mean = table.clone().mean().unsqueeze::<2>();
            let centred = table - mean;
            let std = values(centred.square().mean()).first().map_or(0.0, |v| f64::from(*v).sqrt());
            draws.normal_tensor([pieces.len(), width], std, &device)
        }
    };
    fresh.cast(dtype)
}

/// For each piece the mean of its old tokens' rows, summed in f64.
fn means(table: Tensor<2>, pieces: &[Piece]) -> Vec<f32> {
    let width = table.dims()[1];
    let ids: Vec<i64> = pieces.iter().flat_map(|p| &p.old).map(|id| i64::from(*id)).collect();
    let index = Tensor::<1, Int>::from_data(TensorData::new(ids.clone(), [ids.len()]), &table.device());
    let chosen = values(table.select(0, index));
    let mut rows = chosen.chunks(width.max(1));
    let mut means = Vec::with_capacity(pieces.len() * width);
    for piece in pieces {
        let mut sum = vec![0f64; width];
        for row in rows.by_ref().take(piece.old.len()) {
            sum.iter_mut().zip(row).for_each(|(s, x)| *s += f64::from(*x));
        }
        let n = piece.old.len().max(1) as f64;
        means.extend(sum.into_iter().map(|s| (s / n) as f32));
    }
    means
}
