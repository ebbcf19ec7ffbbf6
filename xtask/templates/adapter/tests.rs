//! Tests of the adapter `__name__`.

use serde_json::json;
use __library__ as _;
use tongues_testkit::AdapterCase;

#[test]
fn conforms() {
    AdapterCase::new("__name__", json!({ "target_modules": ["q_proj", "up_proj"] })).without_draws().check();
}
