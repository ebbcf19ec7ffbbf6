//! Tests of passthrough.

use serde_json::json;
use tongues_merger_passthrough as _;
use tongues_testkit::{MergerCase, merged_values};

#[test]
fn conforms() {
    let case = MergerCase::new("passthrough", json!({}), 1);
    case.plan_covers_everything();
    case.merging_one_with_itself_gives_it();
    case.is_deterministic();
    tongues_testkit::check_refusals(tongues_kernel::Kind::Merger, "passthrough", &json!({ "scale": 0.5 }));
}

#[test]
fn tensors_are_copied_or_scaled() {
    let merged = |options, settings| merged_values("passthrough", options, None, settings, &[&[1.0, -2.5]]).unwrap();
    assert_eq!(merged(json!({}), json!([])), [1.0, -2.5]);
    assert_eq!(merged(json!({ "scale": 0.5 }), json!([])), [0.5, -1.25]);
    assert_eq!(merged(json!({ "scale": 0.5 }), json!([{ "scale": 2 }])), [2.0, -5.0]);
    assert_eq!(merged(json!({ "scale": [{ "filter": "o_proj", "value": 0 }] }), json!([])), [1.0, -2.5]);
}

#[test]
fn two_models_at_one_place_are_refused() {
    let refused = merged_values("passthrough", json!({}), None, json!([]), &[&[1.0], &[2.0]]).unwrap_err().to_string();
    assert!(refused.starts_with("passthrough: tensor w: expected one model, found a, b"), "{refused}");
}
