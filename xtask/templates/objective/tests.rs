//! Tests of the objective `__name__`.

use serde_json::json;
use __library__ as _;
use tongues_testkit::ObjectiveCase;

#[test]
fn conforms() {
    ObjectiveCase::new("__name__", json!({ "weight": 0.5 })).check();
}
