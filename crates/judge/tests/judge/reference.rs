//! Every figure is that of scipy and statsmodels (`make.py` beside this file).

use serde_json::Value;
use tongues_judge::{Better, Levels, Sample, Shape, holm, interval, power, quantile, seeds_to_decide, sign_flip, smallest_effect};

fn reference(table: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("reference.json")).expect("JSON");
    match &all[table] {
        Value::Array(rows) => rows.clone(),
        one => vec![one.clone()],
    }
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn numbers(row: &Value, key: &str) -> Vec<f64> {
    row[key].as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// Equal to nine digits.
fn close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{what}: {found}, where {expected} was expected");
}

#[test]
fn p_and_bounds_of_one_sample_are_those_of_scipy() {
    for row in reference("one_sided") {
        let (effects, margin, level) = (numbers(&row, "effects"), number(&row, "margin"), number(&row, "level"));
        let found = interval(&effects, margin, Levels { holds: level, fails: level }).expect("a sample");
        for (found, key) in
            [(found.mean, "mean"), (found.sd, "sd"), (found.p_holds, "p_above"), (found.p_fails, "p_below"), (found.low, "low"), (found.high, "high")]
        {
            close(found, number(&row, key), key);
        }
    }
}

#[test]
fn arms_are_compared_within_seeds() {
    let row = &reference("paired")[0];
    let (left, right) = (numbers(row, "left"), numbers(row, "right"));
    let shape = Shape::Difference { left: &left, right: &right };
    let effects: Vec<f64> = (0..5).map(|s| shape.effect(Better::Higher, |arm| Some(arm[s])).expect("both")).collect();
    close(Sample::of(&effects).expect("a sample").p_above(0.0), number(row, "p"), "p");
}

#[test]
fn sign_flips_are_those_of_an_exact_permutation_test() {
    for row in reference("sign_flip") {
        close(sign_flip(&numbers(&row, "effects"), number(&row, "margin")).expect("few"), number(&row, "p"), "p");
    }
    assert!(sign_flip(&[1.0; 21], 0.0).is_err() && sign_flip(&[], 0.0).is_err() && sign_flip(&[f64::NAN], 0.0).is_err());
}

#[test]
fn holm_rejects_what_statsmodels_rejects() {
    for row in reference("holm") {
        let found: Vec<bool> = holm(&numbers(&row, "p"), number(&row, "level"), 0).iter().map(|s| s.rejected).collect();
        let expected: Vec<bool> = row["rejected"].as_array().expect("a list").iter().map(|v| v.as_bool().expect("a bool")).collect();
        assert_eq!(found, expected, "{row}");
    }
}

#[test]
fn holm_tells_the_level_of_each_step() {
    let steps = holm(&[0.03, 0.001, 0.012, f64::NAN], 0.05, 5);
    assert_eq!(steps.iter().map(|s| s.rejected).collect::<Vec<_>>(), [false, true, true, false]);
    let levels: Vec<f64> = steps.iter().map(|s| s.level).collect();
    assert_eq!(levels, [0.05 / 3.0, 0.05 / 5.0, 0.05 / 4.0, 0.05 / 3.0]);
}

#[test]
fn power_is_that_of_the_noncentral_t() {
    for row in reference("power") {
        let found = power(number(&row, "effect"), row["n"].as_u64().expect("n") as usize, number(&row, "level"));
        assert!((found - number(&row, "power")).abs() < 1e-6, "{row}: {found}");
    }
    for row in reference("quantile") {
        close(quantile(number(&row, "level"), row["freedom"].as_u64().expect("freedom") as usize), number(&row, "t"), "t");
    }
}

#[test]
fn the_smallest_effect_is_seen_four_times_in_five() {
    let effect = smallest_effect(5, 2.0, 0.0125);
    assert!((power(effect / 2.0, 5, 0.0125) - 0.8).abs() < 1e-7);
    let n = seeds_to_decide(1.0, 1.0, 0.0125).expect("few seeds");
    assert!(power(1.0, n, 0.0125) >= 0.8 && power(1.0, n - 1, 0.0125) < 0.8, "{n}");
    assert_eq!(seeds_to_decide(-1.0, 1.0, 0.0125), Some(n));
    assert_eq!(seeds_to_decide(0.001, 1.0, 0.0125), None);
}

#[test]
fn effects_without_spread_or_value_are_refused() {
    for bad in [vec![0.1], vec![0.3; 5], vec![0.0; 5], vec![1.0, f64::NAN, 2.0], vec![1.0, f64::INFINITY]] {
        assert!(Sample::of(&bad).is_err(), "{bad:?}");
    }
    let error = Sample::of(&[0.3; 5]).expect_err("no spread").to_string();
    assert!(error.contains("5 times 0.3") && error.contains("find out whether the seed reaches the arms"), "{error}");
}
