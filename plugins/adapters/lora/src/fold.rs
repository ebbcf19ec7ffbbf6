//! The part written into the weights.

use crate::{Lora, Pair};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Folded, Result, Weights};
use tongues_ops::wide;

impl Lora {
    /// Everything into the weights, or nothing.
    pub(crate) fn folded(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        if let Some(why) = self.stays(weights) {
            return Ok(Folded::No(why));
        }
        for (i, (path, pair)) in self.at.iter().enumerate() {
            fold_pair(path, pair, self.scale(i), weights)?;
        }
        for (path, rows) in self.rows.iter() {
            weights.add(&format!("{path}.weight"), rows.product(self.settings.scale(path, rows.rank())))?;
        }
        for (path, tokens) in self.tokens.iter() {
            let table = weights.get::<2>(&format!("{path}.weight"))?.without_autodiff();
            let rows = tokens.trainable_tokens_delta.val().without_autodiff();
            let width = table.dims()[1];
            let put = |table: Tensor<2>, (i, id): (usize, &usize)| table.slice_assign([*id..*id + 1, 0..width], rows.clone().narrow(0, i, 1));
            let table = tokens.indices.iter().enumerate().fold(table, put);
            weights.set(&format!("{path}.weight"), table)?;
        }
        for (path, copy) in self.saved.iter() {
            weights.set(&format!("{path}.weight"), copy.weight.val().without_autodiff())?;
            if let Some(bias) = &copy.bias {
                weights.set(&format!("{path}.bias"), bias.val().without_autodiff())?;
            }
        }
        Ok(Folded::Exact)
    }

    /// Why the weights cannot hold it.
    fn stays(&self, weights: &Weights<'_>) -> Option<String> {
        let held: Vec<String> = weights.entries().into_iter().map(|e| e.name).collect();
        let bare = |path: &str, pair: &Pair| pair.lora_B.bias.is_some() && !held.contains(&format!("{path}.bias"));
        if let Some((path, _)) = self.at.iter().find(|(path, pair)| bare(path, pair)) {
            return Some(format!("{path} has no bias that could hold that of lora_B"));
        }
        (self.tied.is_some() && self.own_table).then(|| "the embeddings and the head are one matrix, and only one of them was changed".into())
    }
}

fn fold_pair(path: &str, pair: &Pair, scale: f64, weights: &mut Weights<'_>) -> Result<()> {
    let name = format!("{path}.weight");
    let weight = wide(weights.get::<2>(&name)?).without_autodiff();
    let whole = weight.clone() + pair.product() * scale;
    let whole = match &pair.lora_magnitude_vector {
        Some(magnitude) => {
            let by = magnitude.val().without_autodiff() / pair.norm(&weight, scale);
            whole * by.unsqueeze_dim::<2>(1)
        }
        None => whole,
    };
    weights.set(&name, whole)?;
    let Some(bias) = &pair.lora_B.bias else { return Ok(()) };
    let own = weights.get::<1>(&format!("{path}.bias"))?.without_autodiff();
    weights.set(&format!("{path}.bias"), own + bias.val().without_autodiff() * scale)
}
