//! A network as segments; the walk over them is the kernel's.

use crate::erased::ErasedModule;
use crate::{Hidden, Input, Pass, Result, Spec, Stack, mask};
use burn::prelude::*;
use std::ops::Range;

/// A network with named places. Its modules' field names give its tensors their Hugging Face names.
pub trait Backbone: ErasedModule + CloneBackbone {
    /// What it says of itself.
    fn spec(&self) -> &Spec;
    /// For changes of the vocabulary and the configuration.
    fn spec_mut(&mut self) -> &mut Spec;
    /// Tokens (or ready rows) to the first residual stream.
    ///
    /// # Errors
    /// The stream of a stack is missing.
    fn embed(&self, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden>;
    /// Blocks `range` of a stack.
    ///
    /// # Errors
    /// Whatever a part refuses.
    fn blocks(&self, stack: Stack, hidden: Hidden, range: Range<usize>, pass: &mut Pass<'_>) -> Result<Hidden>;
    /// The final norm of a stack.
    ///
    /// # Errors
    /// Whatever a part refuses.
    fn norm(&self, stack: Stack, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>>;
    /// Logits of the rows asked for `[batch, rows, hidden]` → `[batch, rows, vocabulary]`.
    ///
    /// # Errors
    /// Whatever a part refuses.
    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>>;
}
crate::erased_module!(Backbone, CloneBackbone);

/// A whole walk through a backbone that a part owns: embeddings, blocks and the final norm of its main stack. Its places are
/// live: parts and taps of `pass` reach them. Give it a pass of its own (`Pass::new(&Parts::default(), call)`) where its
/// places could be taken for those of the model around it, i.e. where both have the same stack.
///
/// # Errors
/// The input has no stream for its main stack, or a part refuses.
pub fn encode(backbone: &dyn Backbone, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden> {
    let stack = backbone.spec().main();
    let outer = (pass.mask.clone(), pass.cache.take(), std::mem::replace(&mut pass.input, input.clone()), pass.present.take());
    let walked = encoded(backbone, stack, pass);
    (pass.mask, pass.cache, pass.input, pass.present) = outer;
    walked
}

fn encoded(backbone: &dyn Backbone, stack: Stack, pass: &mut Pass<'_>) -> Result<Hidden> {
    pass.present = pass.input.present(stack).cloned();
    let hidden = backbone.embed(&pass.input.clone(), pass)?;
    pass.mask = mask::mask(stack, &hidden, pass);
    let hidden = backbone.blocks(stack, hidden, 0..backbone.spec().layers(stack), pass)?;
    let x = backbone.norm(stack, hidden.x.clone(), pass)?;
    Ok(hidden.with(x))
}
