//! Token embeddings.

use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;

/// A table with one row a token.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[vocabulary, hidden]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// From a table.
    pub fn new(weight: Tensor<2>) -> Self {
        Self { weight: Param::from_tensor(weight) }
    }

    /// Ids `[batch, time]` → rows `[batch, time, hidden]`.
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let [batch, time] = ids.dims();
        let table = self.weight.val();
        let hidden = table.dims()[1];
        // Rows first: a table in 16 bits is not widened as a whole.
        tongues_ops::wide(table.select(0, ids.reshape([batch * time]))).reshape([batch, time, hidden])
    }

    /// The tied head: `[batch, rows, hidden]` → `[batch, rows, vocabulary]`.
    pub fn as_head(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, rows, hidden] = x.dims();
        let logits = tongues_ops::linear(x.reshape([batch * rows, hidden]), self.weight.val());
        let vocabulary = logits.dims()[1];
        logits.reshape([batch, rows, vocabulary])
    }
}
