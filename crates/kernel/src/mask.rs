//! Who may look at whom.

use crate::front::EVERY_TEXT;
use crate::{Hidden, Pass, Stack};
use burn::prelude::*;
use burn::tensor::{Bool, Int};

pub use tongues_ops::plain::causal;
use tongues_ops::plain::reachable;

/// Who may look at whom in a self-attention. Queries are the last rows of the keys.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    /// Query i sees keys up to its own place. Ignored where `allowed` is given.
    pub causal: bool,
    /// A query sees keys fewer than so many places away. Ignored where `allowed` is given.
    pub window: Option<usize>,
    /// True where a query may look `[batch, 1, queries, keys]`; includes causality and window.
    pub allowed: Option<Tensor<4, Bool>>,
    /// Keys in front of the others that every query sees, whatever the window.
    pub in_front: usize,
    /// Positions of the other keys `[batch, keys]`, those of earlier calls first; `None` where nobody counted them.
    pub positions: Option<Tensor<2, Int>>,
}

impl Mask {
    /// Keys that every query may look at, put before the others.
    #[must_use]
    pub fn prepend_visible(self, keys: usize) -> Self {
        let allowed = self.allowed.map(|a| opened(a, keys));
        Self { allowed, in_front: self.in_front + keys, ..self }
    }

    /// The same within a window: keys count by their positions where places are masked one by one, else by their places.
    #[must_use]
    pub fn within(self, window: Option<usize>) -> Self {
        let (Some(size), Some(allowed)) = (window, self.allowed.clone()) else {
            return Self { window: window.or(self.window), ..self };
        };
        let near = self.near(size, &allowed);
        Self { window, allowed: Some(allowed.bool_and(near)), ..self }
    }

    /// `[batch, 1, queries, keys]`, true where a key is fewer than `size` positions away, or in front of all.
    fn near(&self, size: usize, allowed: &Tensor<4, Bool>) -> Tensor<4, Bool> {
        let [batch, _, queries, keys] = allowed.dims();
        let own = keys - self.in_front;
        let shape = [batch, 1, queries, own];
        let near = match &self.positions {
            Some(positions) => {
                let row = positions.clone().narrow(1, own - queries, queries).reshape([batch, 1, queries, 1]).expand(shape);
                let behind = row - positions.clone().reshape([batch, 1, 1, own]).expand(shape);
                let size = size as i64;
                behind.clone().lower_elem(size).bool_and(behind.greater_elem(-size))
            }
            None => reachable(queries, own, false, Some(size), &allowed.device()).expand(shape),
        };
        opened(near, self.in_front)
    }

    /// The mask as a tensor `[batch or 1, 1, queries, keys]`, true where a query may look; `None` where all may look at all.
    pub fn materialise(&self, queries: usize, keys: usize, device: &Device) -> Option<Tensor<4, Bool>> {
        if self.allowed.is_some() || (self.window.is_none() && (!self.causal || queries == 1)) {
            return self.allowed.clone();
        }
        let own = reachable(queries, keys - self.in_front, self.causal, self.window, device);
        Some(opened(own, self.in_front))
    }
}

/// The same with `keys` more in front, which all see.
fn opened(allowed: Tensor<4, Bool>, keys: usize) -> Tensor<4, Bool> {
    if keys == 0 {
        return allowed;
    }
    let [batch, one, queries, _] = allowed.dims();
    let open = Tensor::<4, Int>::ones([batch, one, queries, keys], &allowed.device()).equal_elem(1);
    Tensor::cat(vec![open, allowed], 3)
}

/// The self-attention mask of a stack for these places.
pub(crate) fn mask(stack: Stack, hidden: &Hidden, pass: &Pass<'_>) -> Mask {
    let is_causal = stack == Stack::Decoder;
    let device = hidden.x.device().without_autodiff();
    let [batch, queries, _] = hidden.x.dims();
    let past = pass.cache.as_ref().map_or(0, |c| c.length);
    let keys = past + queries;
    let open = Mask { causal: is_causal, positions: keys_positions(hidden, pass, past), ..Mask::default() };
    let valid = keys_valid(hidden, pass, batch, past, &device);
    if valid.is_none() && hidden.segments.is_none() {
        return open;
    }
    let mut allowed = if is_causal {
        causal(queries, keys, &device).expand([batch, 1, queries, keys])
    } else {
        Tensor::<4, Int>::ones([batch, 1, queries, keys], &device).equal_elem(1)
    };
    if let Some(valid) = valid {
        // A pad looks at itself: a query that may look nowhere has no softmax, and its NaN would reach the others through 0 · NaN.
        let itself = diagonal(queries, keys, &device).expand([batch, 1, queries, keys]);
        allowed = allowed.bool_and(valid.reshape([batch, 1, 1, keys]).expand([batch, 1, queries, keys])).bool_or(itself);
    }
    if let (Some(segments), 0) = (&hidden.segments, past) {
        let row = segments.clone().reshape([batch, 1, queries, 1]).expand([batch, 1, queries, queries]);
        let column = segments.clone().reshape([batch, 1, 1, queries]).expand([batch, 1, queries, queries]);
        let every = column.clone().equal_elem(EVERY_TEXT);
        allowed = allowed.bool_and(row.equal(column).bool_or(every));
    }
    Mask { allowed: Some(allowed), ..open }
}

fn keys_positions(hidden: &Hidden, pass: &Pass<'_>, past: usize) -> Option<Tensor<2, Int>> {
    if past == 0 {
        return Some(hidden.positions.clone());
    }
    let stored = pass.cache.as_ref()?.positions.clone()?;
    Some(Tensor::cat(vec![stored, hidden.positions.clone()], 1))
}

fn keys_valid(hidden: &Hidden, pass: &Pass<'_>, batch: usize, past: usize, device: &Device) -> Option<Tensor<2, Bool>> {
    let stored = pass.cache.as_ref().and_then(|c| c.valid.clone());
    if stored.is_none() && hidden.valid.is_none() {
        return None;
    }
    let new = hidden.valid_or_all();
    if past == 0 {
        return Some(new);
    }
    let stored = stored.unwrap_or_else(|| Tensor::<2, Int>::ones([batch, past], device).equal_elem(1));
    Some(Tensor::cat(vec![stored, new], 1))
}

/// `[1, 1, queries, keys]`, true where a key is the query's own place.
fn diagonal(queries: usize, keys: usize, device: &Device) -> Tensor<4, Bool> {
    reachable(queries, keys, true, Some(1), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(mask: &Mask, queries: usize, keys: usize) -> Vec<bool> {
        mask.materialise(queries, keys, &Device::flex()).expect("a mask").into_data().try_to_vec().expect("flags")
    }

    fn masked(allowed: Tensor<4, Bool>, positions: &[i64]) -> Mask {
        let positions = Tensor::<2, Int>::from_data(TensorData::new(positions.to_vec(), [1, positions.len()]), &Device::flex());
        Mask { causal: true, allowed: Some(allowed), positions: Some(positions), ..Mask::default() }
    }

    #[test]
    fn a_window_hides_what_lies_behind_it_but_not_what_stands_in_front() {
        let mask = Mask { causal: true, ..Mask::default() }.within(Some(2)).prepend_visible(1);
        assert_eq!(flags(&mask, 2, 4), [true, true, true, false, true, false, true, true]);
        let device = Device::flex();
        let explicit = masked(causal(2, 3, &device), &[0, 1, 2]);
        assert_eq!(flags(&explicit.clone().within(Some(2)).prepend_visible(1), 2, 4), flags(&mask, 2, 4));
        assert_eq!(flags(&explicit.prepend_visible(1).within(Some(2)), 2, 4), flags(&mask, 2, 4));
    }

    #[test]
    fn masked_places_count_by_position() {
        // The third place is a hole: the fourth stands beside the second.
        let mask = masked(causal(1, 4, &Device::flex()), &[0, 1, 0, 2]).within(Some(2));
        assert_eq!(flags(&mask, 1, 4), [false, true, false, true]);
    }
}
