//! Everything of PEFT's LORA: its files, its gradients under DoRA, starts out of the weight, folds, and files that do not fit.

use serde_json::{Value as Json, json};
use tongues_adapter_lora::{LoraOptions, load, orthogonal, singular};
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_backbone_xlm_roberta as _;
use tongues_kernel::burn::tensor::DType;
use tongues_kernel::{Built, Draws, Folded, Kind, Model, OnDisk, build, part_format};
use tongues_testkit::{AdapterCase, PeftCase, Surroundings, assert_near, logits, random_batch, snapshot, spread, toy_model, toy_tied};

fn case(name: &str) -> PeftCase {
    PeftCase::fixture(env!("CARGO_MANIFEST_DIR"), name)
}

#[test]
fn lora_of_peft_gives_its_logits() {
    for name in ["pattern", "regex", "layers", "bias", "save", "tokens", "tokens-untied", "embedding", "untied"] {
        case(&format!("lora-llama-{name}")).check();
    }
    for name in ["plain", "bias", "tokens", "save", "embedding"] {
        case(&format!("lora-gpt2-{name}")).check();
    }
    case("lora-encoder").check();
}

#[test]
fn dora_of_peft_gives_its_logits_and_gradients() {
    for name in ["lora-llama-dora", "lora-gpt2-dora"] {
        case(name).check();
        case(name).check_gradients();
    }
}

#[test]
fn starts_out_of_the_weight_are_those_of_peft() {
    for name in ["lora-llama-pissa", "lora-llama-olora", "lora-gpt2-pissa"] {
        case(name).check();
    }
}

#[test]
fn every_variant_keeps_every_promise() {
    let all = [
        json!({ "r": 2, "lora_bias": true, "init_lora_weights": "gaussian", "target_modules": ["q_proj"] }),
        json!({ "r": 2, "rank_pattern": { "v_proj": 3 }, "alpha_pattern": { "layers.1.*": 2.5 }, "exclude_modules": ["layers.0.self_attn.q_proj"] }),
        json!({ "r": 2, "target_modules": ".*up_proj", "modules_to_save": ["lm_head"], "trainable_token_indices": [65, 3] }),
        json!({ "r": 3, "target_modules": ["embed_tokens", "q_proj"] }),
    ];
    for options in all {
        AdapterCase::new("lora", options).check();
    }
    for options in [
        json!({ "r": 2, "init_lora_weights": "pissa", "lora_alpha": 3, "target_modules": ["q_proj", "down_proj"] }),
        json!({ "r": 2, "init_lora_weights": "olora", "use_rslora": true, "rank_pattern": { "q_proj": 4 } }),
    ] {
        // What they write is another sum of the same terms: read back it is equal up to rounding, as their files show.
        let case = AdapterCase::new("lora", options).without_draws();
        case.starts_as_promised();
        case.gradients();
        case.recomputation();
        case.folds();
        case.is_deterministic();
    }
    let tied = json!({ "trainable_token_indices": { "embed_tokens": [5, 9] }, "target_modules": ["q_proj"] });
    let tied = AdapterCase::new("lora", tied).with_model(toy_tied);
    tied.check();
    let batch = random_batch(Draws::new(3), 3, 12, 259);
    let (old, new) = (logits(&tied.bare(), &batch).0, logits(&tied.attached(11).0, &batch).0);
    assert_near("rows that start as they stand", &new, &old, 1e-6 * spread(&old).max(1.0) * 5.0);
    for copies in [json!(["embed_tokens"]), json!(["lm_head"])] {
        AdapterCase::new("lora", json!({ "modules_to_save": copies, "target_modules": ["q_proj"] })).with_model(toy_tied).check();
    }
}

#[test]
fn dora_keeps_every_promise_but_that_of_its_norm() {
    for options in [json!({ "use_dora": true, "r": 2, "target_modules": "all-linear" }), json!({ "use_dora": true, "r": 2, "lora_dropout": 0.3 })] {
        // The norm counts as a constant, so its gradients are not finite differences; they are compared with PEFT's.
        let case = AdapterCase::new("lora", options);
        case.starts_as_promised();
        case.recomputation();
        case.folds();
        case.round_trip();
        case.is_deterministic();
    }
}

#[test]
fn a_tied_matrix_that_one_side_changes_is_not_folded() {
    for options in [json!({ "target_modules": ["embed_tokens"] }), json!({ "target_modules": ["q_proj"], "modules_to_save": ["lm_head"] })] {
        let mut model = AdapterCase::new("lora", options).with_model(toy_tied).trained();
        let before = snapshot(&model, "model.");
        let outcome = model.fold().expect("no error");
        assert!(matches!(&outcome[0].1, Folded::No(why) if why.contains("one matrix")), "{outcome:?}");
        assert_eq!(before, snapshot(&model, "model."));
    }
}

/// Folding adds the product in f32; what a file in fewer bits then rounds is stated here.
#[test]
fn a_fold_drifts_by_the_rounding_of_its_file_only() {
    let batch = random_batch(Draws::new(3), 3, 12, 259);
    for options in [json!({ "r": 4, "target_modules": "all-linear" }), json!({ "r": 4, "use_dora": true, "target_modules": "all-linear" })] {
        for (dtype, bound) in [(DType::F32, 1e-5), (DType::F16, 5e-3), (DType::BF16, 4e-2)] {
            let mut model = AdapterCase::new("lora", options.clone()).with_model(move |draws| rounded(toy_model(draws), dtype)).trained();
            let live = logits(&model, &batch).0;
            model.fold().expect("folds");
            let folded = logits(&rounded(model, dtype), &batch).0;
            let gap = live.iter().zip(&folded).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max) / spread(&live);
            println!("{dtype:?} {options}: {gap:.2e} standard deviations of the logits");
            assert!(gap <= bound, "{dtype:?}, {options}: {gap:.2e}, allowed {bound:.0e}");
        }
    }
}

/// The matrices of the backbone as a file of that dtype holds them.
fn rounded(mut model: Model, dtype: DType) -> Model {
    for entry in model.weights().entries().into_iter().filter(|e| e.shape.len() == 2) {
        let held = model.weights().get::<2>(&entry.name).expect("a matrix").without_autodiff();
        model.weights().set(&entry.name, held.cast(dtype).cast(DType::F32)).expect("it fits");
    }
    model
}

#[test]
fn decompositions_give_the_matrix_back() {
    for [out, width] in [[7, 12], [12, 7], [9, 9], [1, 5], [5, 1]] {
        let w = Draws::new(out as u64).normal(out * width);
        let r = out.min(width);
        let (f, s) = singular(&w, [out, width], r);
        assert!(s.windows(2).all(|p| p[0] >= p[1]), "{s:?}");
        let sum = |i: usize, j: usize| (0..r).map(|k| f.left[i * r + k] * s[k] * f.right[k * width + j]).sum::<f64>();
        let orthonormal = |k: usize, l: usize| (0..width).map(|j| f.right[k * width + j] * f.right[l * width + j]).sum::<f64>();
        for (i, j) in (0..out).flat_map(|i| (0..width).map(move |j| (i, j))) {
            assert!((sum(i, j) - f64::from(w[i * width + j])).abs() < 1e-9);
        }
        for (k, l) in (0..r).flat_map(|k| (0..r).map(move |l| (k, l))) {
            assert!((orthonormal(k, l) - f64::from(u8::from(k == l))).abs() < 1e-9);
        }
        let q = orthogonal(&w, [out, width], r);
        for (i, j) in (0..out).flat_map(|i| (0..r).map(move |j| (i, j))) {
            let back: f64 = (0..r).map(|k| q.left[i * r + k] * q.right[k * width + j]).sum();
            assert!((back - f64::from(w[i * width + j])).abs() < 1e-9);
        }
    }
}

fn refusal(options: Json) -> String {
    let mut cx = Surroundings::new(5);
    let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "lora", options, &mut cx) else { panic!("the options are valid") };
    adapter.attach(&mut toy_model(Draws::new(1)), &mut cx).expect_err("must be refused").to_string()
}

#[test]
fn options_that_do_not_fit_are_refused_by_key() {
    for (options, told) in [
        (json!({ "rank_pattern": { "nothing": 2 } }), "rank_pattern.nothing"),
        (json!({ "rank_pattern": { "q_proj": 0 } }), "rank_pattern"),
        (json!({ "alpha_pattern": { "(?=x)": 2 } }), "(?=x)"),
        (json!({ "exclude_modules": ".*" }), "exclude_modules"),
        (json!({ "target_modules": "no.*" }), "matches nothing"),
        (json!({ "modules_to_save": ["model.norm"] }), "modules_to_save"),
        (json!({ "modules_to_save": ["lm_haed"] }), "modules_to_save"),
        (json!({ "trainable_token_indices": [259] }), "259 rows"),
        (json!({ "trainable_token_indices": [3, 3] }), "each once"),
        (json!({ "trainable_token_indices": { "lm_head": [3] } }), "lm_head"),
        (json!({ "use_dora": true, "lora_bias": true }), "use_dora"),
        (json!({ "use_dora": true, "target_modules": ["embed_tokens"] }), "use_dora"),
        (json!({ "r": 9, "init_lora_weights": "pissa" }), "at most 8"),
    ] {
        let message = refusal(options.clone());
        assert!(message.contains(told), "{options}: {message}");
    }
}

#[test]
fn values_and_tensors_that_do_not_fit_are_refused_by_place() {
    let saved = |options| AdapterCase::new("lora", options).trained().net.parts.list()[0].part.save().expect("saves");
    let message = |options: Json, change: &dyn Fn(&mut OnDisk)| {
        let mut disk = saved(options);
        change(&mut disk);
        load(&disk, "lora", &mut toy_model(Draws::new(11))).expect_err("must be refused").to_string()
    };
    let nan = message(json!({ "r": 2 }), &|d| d.tensors.values_mut().for_each(|t| t.1[1] = f32::NAN));
    assert!(nan.contains("finite") && nan.contains("lora_A.weight") && nan.contains("place 1"), "{nan}");
    let magnitude = message(json!({ "use_dora": true }), &|d| d.tensors.retain(|n, _| !n.contains("magnitude")));
    assert!(magnitude.contains("lora_magnitude_vector"), "{magnitude}");
    let plain = message(json!({ "use_dora": true }), &|d| drop(d.config.insert("use_dora".into(), json!(false))));
    assert!(plain.contains("lora_magnitude_vector"), "{plain}");
    let rows = message(json!({ "trainable_token_indices": [1, 2] }), &|d| drop(d.config.insert("trainable_token_indices".into(), json!([1]))));
    assert!(rows.contains("trainable_tokens_delta") && rows.contains("[1, 16]"), "{rows}");
    let table = message(json!({ "target_modules": ["embed_tokens"] }), &|d| {
        d.tensors.insert("base_model.model.model.embed_tokens.base_layer.weight".into(), (vec![259, 16], vec![0.5; 259 * 16]));
    });
    assert!(table.contains("base_layer.weight") && table.contains("another base"), "{table}");
}

#[test]
fn a_start_out_of_the_weight_is_written_as_a_product_of_twice_the_rank() {
    let options = json!({ "r": 2, "lora_alpha": 4, "init_lora_weights": "pissa", "target_modules": ["q_proj"] });
    let disk = AdapterCase::new("lora", options).trained().net.parts.list()[0].part.save().expect("saves");
    assert_eq!((&disk.config["r"], &disk.config["lora_alpha"], &disk.config["init_lora_weights"]), (&json!(4), &json!(8), &json!(true)));
    assert_eq!(disk.tensors["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"].0, [4, 16]);
    let mut fresh = toy_model(Draws::new(11));
    (part_format("LORA").expect("a reader").load)(&disk, "lora", &mut fresh).expect("it reads back");
}

#[test]
fn options_read_back_from_what_they_write() {
    let options: LoraOptions = serde_json::from_value(json!({ "init_lora_weights": "olora", "target_modules": "all-linear" })).expect("valid");
    let again: LoraOptions = serde_json::from_value(serde_json::to_value(&options).expect("JSON")).expect("valid");
    assert_eq!(serde_json::to_value(&options).expect("JSON"), serde_json::to_value(&again).expect("JSON"));
    let mut model = toy_model(Draws::new(1));
    let before = snapshot(&model, "");
    let mut cx = Surroundings::new(5);
    let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "lora", serde_json::to_value(&again).expect("JSON"), &mut cx) else { panic!("valid") };
    adapter.attach(&mut model, &mut cx).expect("it attaches");
    let after = snapshot(&model, "");
    before.iter().for_each(|(name, values)| assert_near(name, &after[name], values, 0.0));
}
