//! Conformance tests that any plugin calls in a few lines, and the toys they run on.
//!
//! ```ignore
//! #[test]
//! fn conforms() {
//!     tongues_testkit::AdapterCase::new("lora", serde_json::json!({ "r": 2 })).check();
//! }
//! ```
//!
//! Everything here panics with a sentence that says which promise was broken, where, and by how much. Each check is also
//! a method of its own, for plugins that keep only some of the promises.

mod adapter;
mod backbone;
mod batch;
mod format;
mod given;
mod gradient;
mod hub;
mod merger;
mod objective;
mod params;
mod peft;
mod surroundings;
mod tokenizer;
mod toy;

pub use adapter::AdapterCase;
pub use backbone::BackboneCase;
pub use batch::{ids, input, logits, random_batch, spread};
pub use format::SplitFormat;
pub use gradient::{causal_loss, check_gradients, gradients};
pub use hub::HubCase;
pub use merger::{MergerCase, merged_values};
pub use objective::ObjectiveCase;
pub use params::{disturb, randomise, snapshot};
pub use peft::PeftCase;
pub use surroundings::Surroundings;
pub use tokenizer::ToyTokenizer;
pub use toy::{ToyShape, toy_model, toy_tied};

use serde_json::{Map, Value as Json, json};
use tongues_kernel::burn::prelude::Device;
use tongues_kernel::{Kind, build, device_named};

/// Where tests compute: the device that `TONGUES_TEST_DEVICE` names, on the processor where it names none. Fixtures of
/// references and promises of plugins hold on every device.
///
/// # Panics
/// There is no such device in this build.
pub fn device() -> Device {
    match std::env::var("TONGUES_TEST_DEVICE") {
        Ok(name) => device_named(&name).unwrap_or_else(|e| panic!("TONGUES_TEST_DEVICE: {e}")),
        Err(_) => Device::flex(),
    }
}

/// Fails unless `|a - b| ≤ tolerance` everywhere, naming the worst place.
///
/// # Panics
/// As said, or where the lengths differ.
pub fn assert_near(what: &str, a: &[f32], b: &[f32], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{what}: {} values against {}", a.len(), b.len());
    let gaps = a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs()).enumerate();
    // A NaN must count as the worst gap, not be skipped.
    let worst = gaps.max_by(|x, y| x.1.total_cmp(&y.1));
    if let Some((i, gap)) = worst {
        assert!(gap <= tolerance, "{what}: place {i} has {} against {}, a difference of {gap:e} where {tolerance:e} is allowed", a[i], b[i]);
    }
}

/// The plugin must refuse an unknown key, and a value of a wrong type under each of its given keys, and name the key.
///
/// # Panics
/// It accepts one of them, or its message does not name the key.
pub fn check_refusals(kind: Kind, name: &str, options: &Json) {
    let given = options.as_object().cloned().unwrap_or_default();
    let refused = |options: Map<String, Json>, key: &str, why: &str| {
        let error = build(kind, name, Json::Object(options), &mut Surroundings::new(0)).err();
        let message = error.unwrap_or_else(|| panic!("{} {name}: {why} `{key}` was accepted", kind.name())).to_string();
        assert!(message.contains(key), "{} {name}: {why} `{key}` is refused without its name: {message}", kind.name());
    };
    let mut unknown = given.clone();
    unknown.insert("no_such_key".into(), json!(1));
    refused(unknown, "no_such_key", "the unknown key");
    for key in given.keys() {
        let mut wrong = given.clone();
        wrong.insert(key.clone(), json!({ "no": { "such": "value" } }));
        refused(wrong, key, "a table under");
    }
}
