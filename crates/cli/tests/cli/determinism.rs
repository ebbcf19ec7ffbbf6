//! Equal recipe, seed and inputs give equal bytes, whatever the number of threads.

use crate::support::{Desk, SMALL, files};

fn stages(desk: &Desk, out: &str, more: &[&str]) -> Vec<(String, Vec<u8>)> {
    let args: Vec<&str> = ["run", "recipe.toml", "--out", out].iter().chain(more).copied().collect();
    desk.good(&args);
    files(&desk.path(out).join("stages"))
}

#[test]
fn one_seed_gives_equal_bytes_with_one_and_two_threads_and_another_seed_does_not() {
    let desk = Desk::with(SMALL);
    let one = stages(&desk, "one", &["--threads", "1"]);
    let two = stages(&desk, "two", &["--threads", "2"]);
    let names = |all: &[(String, Vec<u8>)]| all.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&two));
    for ((name, a), (_, b)) in one.iter().zip(&two) {
        assert!(a == b, "{name} differs between 1 and 2 threads");
    }
    assert!(one.iter().any(|(n, _)| n == "adapted/checkpoint/model.safetensors"));
    let other = stages(&desk, "other", &["--seed", "4"]);
    let weights = |all: &[(String, Vec<u8>)]| all.iter().find(|(n, _)| n == "base/checkpoint/model.safetensors").expect("weights").1.clone();
    assert!(weights(&one) != weights(&other), "another seed gave the same weights");
    let scores = |out: &str| std::fs::read_to_string(desk.path(out).join("report.json")).expect("report");
    let value = |out: &str| serde_json::from_str::<serde_json::Value>(&scores(out)).expect("JSON")["scores"].clone();
    assert_eq!(value("one"), value("two"));
}

fn losses(desk: &Desk, out: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(desk.path(out).join("metrics.jsonl")).expect("metrics");
    let loss = |l: &str| serde_json::from_str::<serde_json::Value>(l).expect("JSON")["loss"]["causal-lm"].as_f64().expect("a loss");
    text.lines().map(loss).collect()
}

#[test]
fn every_vector_level_gives_the_same_losses_but_for_the_last_places_and_its_own_bytes_again() {
    let desk = Desk::with(SMALL);
    let run = |level: &str, out: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tongues"));
        let out = command.args(["run", "recipe.toml", "--out", out]).env("TONGUES_SIMD", level).current_dir(desk.dir.path()).output().expect("starts");
        assert!(out.status.success(), "{}", crate::support::told(&out));
    };
    run("portable", "portable");
    run("avx2", "avx2");
    run("avx512", "widest");
    let manifest = std::fs::read_to_string(desk.path("portable/manifest.json")).expect("a manifest");
    assert!(manifest.contains("\"simd\": \"portable\""), "{manifest}");
    let expected = losses(&desk, "portable");
    for level in ["avx2", "widest"] {
        for (a, b) in losses(&desk, level).iter().zip(&expected) {
            assert!((a - b).abs() < 1e-4 * b, "{level}: {a} {b}");
        }
    }
    run("portable", "again");
    assert!(files(&desk.path("portable/stages")) == files(&desk.path("again/stages")), "the portable loops gave other bytes");
}
