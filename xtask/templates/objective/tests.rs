//! Tests of the objective `__name__`.

use __library__ as _;
use serde_json::json;
use tongues_testkit::ObjectiveCase;

#[test]
fn conforms() {
    ObjectiveCase::new("__name__", json!({ "weight": 0.5 })).check();
}
