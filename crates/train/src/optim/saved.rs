//! States as named tensors and back, bit for bit.
//!
//! A slot of a tensor is `<tensor>/<optimiser>.<slot>`, the count of its steps `<tensor>/<optimiser>.steps`. A count is two
//! numbers, thousands of 1024² and the rest, so that f32 holds it exactly.

use super::{Optimizer, State, States};
use std::collections::BTreeMap;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Result, Tensors, refuse, values};

const STEPS: &str = "steps";
const BASE: u64 = 1 << 20;

/// A tensor that trains: the shape its optimiser sees, and the optimiser.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) optimizer: Optimizer,
}

/// All states.
pub(crate) fn save(states: &States) -> Tensors {
    let mut all = Tensors::new();
    for (name, state) in states {
        let key = |slot: &str| format!("{name}/{}.{slot}", state.method);
        all.insert(key(STEPS), (vec![2], vec![(state.steps / BASE) as f32, (state.steps % BASE) as f32]));
        for slot in &state.slots {
            all.insert(key(slot.name), (slot.shape.clone(), values(slot.values.clone())));
        }
    }
    all
}

/// The states of these places; a place that was never updated has none.
///
/// # Errors
/// Something saved belongs to no place, has another shape, or is not all there.
pub(crate) fn load(saved: &Tensors, places: &[Place], device: &Device) -> Result<States> {
    let mut left: BTreeMap<&str, &(Vec<usize>, Vec<f32>)> = saved.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let mut states = States::new();
    for place in places {
        let method = place.optimizer.method();
        let mut state = State::fresh(method, &place.shape, device);
        let key = |slot: &str| format!("{}/{}.{slot}", place.name, method.name());
        let Some(steps) = left.remove(key(STEPS).as_str()) else { continue };
        state.steps = count(&key(STEPS), steps)?;
        for slot in &mut state.slots {
            let key = key(slot.name);
            let (shape, values) = left.remove(key.as_str()).map_or_else(|| wrong(&key, "a saved state", "none"), Ok)?;
            if *shape != slot.shape || values.len() != shape.iter().product::<usize>() {
                return wrong(&key, &format!("a state of shape {:?}", slot.shape), &format!("{shape:?}"));
            }
            slot.values = Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device);
        }
        states.insert(place.name.clone(), state);
    }
    match left.keys().next() {
        Some(key) => wrong(key, "the state of a tensor that trains, of its optimiser", "a saved state without one"),
        None => Ok(states),
    }
}

fn count(key: &str, (_, numbers): &(Vec<usize>, Vec<f32>)) -> Result<u64> {
    let whole = |x: &f32| x.fract() == 0.0 && (0.0..BASE as f32).contains(x);
    match numbers[..] {
        [thousands, rest] if numbers.iter().all(whole) => Ok(thousands as u64 * BASE + rest as u64),
        _ => wrong(key, "two whole numbers", &format!("{numbers:?}")),
    }
}

fn wrong<T>(key: &str, expected: &str, found: &str) -> Result<T> {
    refuse(format!("optimiser state {key}"), expected, found, "the saved state is of another recipe or another version; begin the stage anew")
}
