//! Losses over a model's output.

use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Model, Output, Result};

/// Summed next-token negative log-likelihood of a run, weighted; final norm and head included. With `still` they get no gradient.
///
/// # Errors
/// Whatever a part on the norm or the head refuses.
pub fn cross_entropy(model: &Model, out: &Output, still: bool) -> Result<Tensor<1>> {
    let logits = out.logits(model, still)?;
    let [batch, time, vocabulary] = logits.dims();
    let rows = batch * time;
    Ok(tongues_ops::cross_entropy_sum(logits.reshape([rows, vocabulary]), out.labels.clone().reshape([rows]), out.weights.clone().reshape([rows])))
}
