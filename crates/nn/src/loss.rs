//! Losses over a model's output.

use tongues_kernel::burn::module::{Module, ModuleVisitor, Param};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Model, Output, Result, Role, Site, recompute, values};

/// Logits of more numbers than this are never made whole (32 MB in 32 bits).
const WHOLE: usize = 1 << 23;

/// Summed next-token negative log-likelihood of a run, weighted; final norm and head included. With `still` they get no gradient.
///
/// Where all logits together would be large, only places that carry loss are read out, some at a time: the gradient of each
/// piece is taken at once and carried into the graph, so that only one piece of logits exists.
///
/// # Errors
/// Whatever a part on the norm or the head refuses.
pub fn cross_entropy(model: &Model, out: &Output, still: bool) -> Result<Tensor<1>> {
    cross_entropy_in_pieces(model, out, still, WHOLE)
}

/// The same with another size of logits above which they are read out in pieces.
///
/// # Errors
/// As [`cross_entropy`].
pub fn cross_entropy_in_pieces(model: &Model, out: &Output, still: bool, whole: usize) -> Result<Tensor<1>> {
    let [batch, time, _] = out.hidden.x.dims();
    let rows = batch * time;
    let (labels, weights) = (out.labels.clone().reshape([rows]), out.weights.clone().reshape([rows]));
    if rows * model.spec().vocabulary <= whole || has_parts(model) {
        let logits = out.logits(model, still)?;
        let vocabulary = logits.dims()[2];
        return Ok(tongues_ops::cross_entropy_sum(logits.reshape([rows, vocabulary]), labels, weights));
    }
    let carrying: Vec<i64> = values(weights.clone()).iter().enumerate().filter(|(_, w)| **w != 0.0).map(|(i, _)| i as i64).collect();
    if carrying.is_empty() {
        return Ok(out.hidden.x.clone().sum() * 0.0);
    }
    let index = Tensor::<1, Int>::from_data(TensorData::new(carrying.clone(), [carrying.len()]), &weights.device());
    let width = out.hidden.x.dims()[2];
    let x = out.hidden.x.clone().reshape([rows, width]).select(0, index.clone()); // [N, D]
    let (labels, weights) = (labels.select(0, index.clone()), weights.select(0, index));
    let mut pieces = Pieces { model, out, still, dx: vec![], parameters: GradientsParams::new(), sum: None };
    let size = (whole / model.spec().vocabulary).max(1);
    for start in (0..carrying.len()).step_by(size) {
        let range = start..(start + size).min(carrying.len());
        let states = x.clone().without_autodiff().slice([range.clone(), 0..width]);
        pieces.take(states, labels.clone().slice([range.clone()]), weights.clone().slice([range]))?;
    }
    Ok(pieces.carried(x))
}

/// Parts on the final norm or the head may look at whole rows.
fn has_parts(model: &Model) -> bool {
    let main = model.spec().main();
    [Role::Final, Role::Head].into_iter().any(|role| !model.net.parts.at(Site::new(main, 0, role)).is_empty())
}

/// Pieces of the read-out whose gradients were taken.
struct Pieces<'p> {
    model: &'p Model,
    out: &'p Output,
    still: bool,
    dx: Vec<Tensor<2>>,
    parameters: GradientsParams,
    sum: Option<Tensor<1>>,
}

impl Pieces<'_> {
    /// Reads some states `[n, D]` out and takes the gradient of their loss.
    fn take(&mut self, states: Tensor<2>, labels: Tensor<1, Int>, weights: Tensor<1>) -> Result<()> {
        let [n, width] = states.dims();
        let leaf = Tensor::from_inner(states.clone()).require_grad();
        let mut pass = self.model.pass(self.out.call.clone());
        let logits = self.model.read_out_with(leaf.clone().reshape([1, n, width]), self.still, &mut pass)?;
        let vocabulary = logits.dims()[2];
        let loss = tongues_ops::cross_entropy_sum(logits.reshape([n, vocabulary]), labels, weights);
        let value = loss.clone().without_autodiff();
        let mut grads = loss.backward();
        let net = &self.model.net;
        recompute::accumulate(GradientsParams::from_module(&mut grads, net), net, &mut self.parameters);
        self.dx.push(leaf.grad(&grads).unwrap_or_else(|| states.zeros_like()));
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + value,
            None => value,
        });
        Ok(())
    }

    /// The loss in the graph of the run: its value, and the gradients that were taken.
    fn carried(self, x: Tensor<2>) -> Tensor<1> {
        let value = Tensor::from_inner(self.sum.unwrap_or_else(|| Tensor::zeros([1], &x.device().without_autodiff())));
        let at_states = tongues_ops::carry(x, Tensor::from_inner(Tensor::cat(self.dx, 0)));
        let mut carrier = Carrier { gradients: &self.parameters, sum: value + at_states };
        self.model.net.visit(&mut carrier);
        carrier.sum
    }
}

struct Carrier<'g> {
    gradients: &'g GradientsParams,
    sum: Tensor<1>,
}

impl ModuleVisitor for Carrier<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum = self.sum.clone() + tongues_ops::carry(param.val(), Tensor::from_inner(gradient));
        }
    }
}
