//! Tests of `lora`: the promises of every adapter, PEFT's own files, and every way a file can be wrong.

mod tests_pack;
mod tests_peft;

use serde_json::{Value as Json, json};
use tongues_adapter_lora::{Lora, load};
use tongues_kernel::policy::{self, Selection, tensor_names};
use tongues_kernel::{Built, Draws, Folded, Kind, Model, OnDisk, build};
use tongues_testkit::{AdapterCase, Surroundings, assert_near, logits, random_batch, randomise, snapshot, spread, toy_model, toy_tied};

#[test]
fn every_promise_is_kept() {
    AdapterCase::new("lora", json!({ "r": 2, "lora_alpha": 4 })).check();
}

#[test]
fn every_promise_is_kept_with_dropout_everywhere_and_by_the_square_root() {
    let options = json!({ "r": 3, "lora_alpha": 2, "lora_dropout": 0.3, "target_modules": "all-linear", "use_rslora": true, "name": "thin" });
    AdapterCase::new("lora", options).check();
}

#[test]
fn every_promise_is_kept_in_one_layer_of_a_tied_model() {
    let options = json!({ "target_modules": ["o_proj", "mlp.down_proj"], "layers_to_transform": [1] });
    AdapterCase::new("lora", options).with_model(toy_tied).check();
}

fn attached(options: Json) -> Model {
    AdapterCase::new("lora", options).attached(5).0
}

fn refusal(options: Json) -> String {
    let mut cx = Surroundings::new(5);
    let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "lora", options, &mut cx) else { panic!("the options are valid") };
    adapter.attach(&mut toy_model(Draws::new(1)), &mut cx).expect_err("must be refused").to_string()
}

#[test]
fn tensors_are_named_by_their_places_and_layers_can_be_selected() {
    let model = attached(json!({ "r": 2 }));
    let names: Vec<String> = tensor_names(&model).into_iter().map(|e| e.name).filter(|n| n.starts_with("parts.")).collect();
    assert_eq!(names.len(), 8);
    assert_eq!(names[0], "parts.lora.at.model.layers.0.self_attn.q_proj.lora_A.weight");
    let second = Selection { pattern: Some("parts.lora.*.lora_B.weight".into()), layers: Some([1, 1]), ..Selection::default() };
    let found = policy::select(&model, &second).expect("layer 1");
    assert_eq!(found, ["parts.lora.at.model.layers.1.self_attn.q_proj.lora_B.weight", "parts.lora.at.model.layers.1.self_attn.v_proj.lora_B.weight"]);
}

#[test]
fn a_is_uniform_within_its_bound_and_b_is_zero() {
    let found = snapshot(&attached(json!({ "r": 8 })), "parts.");
    let a = &found["parts.lora.at.model.layers.0.self_attn.q_proj.lora_A.weight"];
    let largest = a.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    assert!(a.len() == 8 * 16 && largest <= 0.25 && largest > 0.2, "{largest}");
    assert!((spread(a) - 0.25 / 3f64.sqrt()).abs() < 0.02, "{}", spread(a));
    assert!(found.iter().filter(|(n, _)| n.contains("lora_B")).all(|(_, b)| b.iter().all(|x| *x == 0.0)));
    assert_ne!(a, &found["parts.lora.at.model.layers.1.self_attn.q_proj.lora_A.weight"]);
}

#[test]
fn the_scale_is_alpha_over_r_or_over_its_root() {
    for (rslora, expected) in [(false, 0.25), (true, 0.5)] {
        let mut model = attached(json!({ "r": 4, "lora_alpha": 1, "use_rslora": rslora, "target_modules": ["up_proj"], "layers_to_transform": [0] }));
        randomise(&mut model, "parts.", 1.0, Draws::new(3));
        let name = "model.layers.0.mlp.up_proj.weight";
        let parts = snapshot(&model, "parts.");
        let (a, b) = (&parts["parts.lora.at.model.layers.0.mlp.up_proj.lora_A.weight"], &parts["parts.lora.at.model.layers.0.mlp.up_proj.lora_B.weight"]);
        let before = snapshot(&model, name);
        assert_eq!(model.fold().expect("folds"), [("lora".to_owned(), Folded::Exact)]);
        let delta: Vec<f32> = snapshot(&model, name)[name].iter().zip(&before[name]).map(|(x, y)| x - y).collect();
        // B is [24, 4], A is [4, 16].
        let product = |o: usize, i: usize| (0..4).map(|k| b[o * 4 + k] * a[k * 16 + i]).sum::<f32>() * expected;
        let product: Vec<f32> = (0..24 * 16).map(|n| product(n / 16, n % 16)).collect();
        assert_near("the change of the weight", &delta, &product, 1e-5);
    }
}

#[test]
fn the_config_on_disk_names_the_same_places() {
    let config = |options| attached(options).net.parts.list()[0].part.save().expect("saves").config;
    let plain = config(json!({ "r": 4, "lora_alpha": 8, "target_modules": "all-linear" }));
    assert_eq!(plain["target_modules"], json!(["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]));
    assert_eq!((&plain["r"], &plain["lora_alpha"], &plain["bias"]), (&json!(4), &json!(8), &json!("none")));
    let layer = config(json!({ "target_modules": ["q_proj"], "layers_to_transform": [1] }));
    assert_eq!((&layer["target_modules"], &layer["layers_to_transform"]), (&json!(["q_proj"]), &json!([1])));
    let path = config(json!({ "target_modules": ["layers.0.mlp.up_proj"] }));
    assert_eq!(path["target_modules"], json!(["model.layers.0.mlp.up_proj"]));
}

#[test]
fn wrong_places_are_refused_with_what_there_is() {
    let unknown = refusal(json!({ "target_modules": ["q_prj"] }));
    assert!(unknown.contains("did you mean \"q_proj\"?"), "{unknown}");
    assert!(refusal(json!({ "target_modules": ["mlp"] })).contains("mlp, which has no weight of its own"));
    assert!(refusal(json!({ "target_modules": [] })).contains("all-linear"));
    assert!(refusal(json!({ "layers_to_transform": [0, 7] })).contains("found 7"));
    assert!(refusal(json!({ "layers_to_transform": [] })).contains("layers_to_transform"));
}

#[test]
fn two_adapters_live_side_by_side_and_a_name_is_taken_once() {
    let mut cx = Surroundings::new(5);
    let mut model = attached(json!({ "name": "first" }));
    let mut add = |name: &str, model: &mut Model| match build(Kind::Adapter, "lora", json!({ "name": name }), &mut cx) {
        Ok(Built::Adapter(adapter)) => adapter.attach(model, &mut cx),
        _ => panic!("the options are valid"),
    };
    add("second", &mut model).expect("another name");
    assert!(add("second", &mut model).expect_err("the same name").to_string().contains("part `second`"));
    randomise(&mut model, "parts.", 0.2, Draws::new(4));
    let batch = random_batch(Draws::new(6), 2, 8, 259);
    let before = logits(&model, &batch).0;
    model.fold().expect("both fold");
    assert_near("two folded adapters", &logits(&model, &batch).0, &before, 1e-5 * spread(&before));
}

// ---- files

fn saved() -> OnDisk {
    AdapterCase::new("lora", json!({ "r": 2 })).trained().net.parts.list()[0].part.save().expect("saves")
}

fn loaded(change: impl Fn(&mut OnDisk)) -> Result<Model, String> {
    let (mut disk, mut model) = (saved(), toy_model(Draws::new(11)));
    change(&mut disk);
    load(&disk, "lora", &mut model).map(|()| model).map_err(|e| e.to_string())
}

fn key(name: &'static str, value: Json) -> impl Fn(&mut OnDisk) {
    move |disk| {
        disk.config.insert(name.into(), value.clone());
    }
}

const A: &str = "base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight";
const B: &str = "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight";

#[test]
fn what_is_not_built_is_refused_by_key() {
    let refused = [
        ("bias", json!("all")),
        ("layer_replication", json!([[0, 1]])),
        ("ensure_weight_tying", json!("yes")),
        ("use_qalora", json!(true)),
        ("alora_invocation_tokens", json!([1])),
        ("some_new_behaviour", json!("yes")),
        ("init_lora_weights", json!("pissa_niter_16")),
        ("init_lora_weights", json!("corda")),
        ("trainable_token_indices", json!([999])),
        ("trainable_token_indices", json!({ "q_proj": [1] })),
        ("modules_to_save", json!(["model.norm"])),
        ("use_dora", json!("yes")),
        ("loftq_config", json!({ "bits": 4 })),
        ("target_parameters", json!(["x"])),
        ("rank_pattern", json!({ "(?=v)": 2 })),
        ("layers_to_transform", json!("all")),
        ("lora_alpha", json!(null)),
        ("r", json!(0)),
    ];
    for (name, value) in refused {
        let message = loaded(key(name, value.clone())).err().unwrap_or_else(|| panic!("{name} = {value} was accepted"));
        assert!(message.contains(name), "{name} = {value}: {message}");
    }
}

#[test]
fn what_changes_nothing_is_accepted() {
    let harmless = [
        ("init_lora_weights", json!("gaussian")),
        ("peft_version", json!("0.21.2")),
        ("megatron_core", json!("megatron.core")),
        ("qalora_group_size", json!(16)),
        ("loftq_config", json!({})),
        ("some_new_key", json!(null)),
        ("use_bdlora", json!(false)),
        ("task_type", json!("SEQ_2_SEQ_LM")),
        ("target_modules", json!(".*[qv]_proj")),
    ];
    for (name, value) in harmless {
        loaded(key(name, value.clone())).unwrap_or_else(|e| panic!("{name} = {value}: {e}"));
    }
}

#[test]
fn a_wrong_file_is_refused_by_tensor() {
    let message = |change: &dyn Fn(&mut OnDisk)| loaded(change).err().unwrap_or_else(|| panic!("was accepted"));
    for (gone, kept) in [(A, B), (B, A)] {
        let lost = message(&|disk| drop(disk.tensors.remove(gone)));
        assert!(lost.starts_with(&format!("adapter_model.safetensors: {gone}")) && lost.contains(kept), "{lost}");
    }
    let both = message(&|disk| disk.tensors.retain(|name, _| name != A && name != B));
    assert!(both.contains(A) && both.contains("incomplete"), "{both}");
    let shape = message(&|disk| drop(disk.tensors.insert(B.into(), (vec![8, 3], vec![0.0; 24]))));
    assert!(shape.contains(B) && shape.contains("[8, 2]") && shape.contains("[8, 3]"), "{shape}");
    let rank = message(&key("r", json!(3)));
    assert!(rank.contains("lora_A.weight") && rank.contains("[3, 16]") && rank.contains("[2, 16]"), "{rank}");
    let lacking = message(&|disk| {
        let rename = |name: String| name.replace("layers.1", "layers.7");
        disk.tensors = std::mem::take(&mut disk.tensors).into_iter().map(|(n, t)| (rename(n), t)).collect();
    });
    assert!(lacking.contains("model.layers.7.self_attn.q_proj") && lacking.contains("toy model"), "{lacking}");
    let odd = message(&|disk| drop(disk.tensors.insert("base_model.model.lm_head.weight".into(), (vec![1], vec![0.0]))));
    assert!(odd.contains("base_model.model.lm_head.weight"), "{odd}");
    assert!(message(&|disk| disk.tensors.clear()).contains("at least one pair"));
}

#[test]
fn patterns_give_single_places_their_own_rank_and_alpha() {
    let own = |disk: &mut OnDisk| {
        disk.tensors.insert(A.into(), (vec![1, 16], vec![0.5; 16]));
        disk.tensors.insert(B.into(), (vec![8, 1], vec![0.25; 8]));
        disk.config.insert("rank_pattern".into(), json!({ "layers.1.self_attn.v_proj": 1 }));
        disk.config.insert("alpha_pattern".into(), json!({ "^model.layers.1.self_attn.v_proj": 32, "proj_without_dot": 5 }));
    };
    let model = loaded(own).expect("plain patterns");
    let part = &model.net.parts.list()[0].part;
    let lora = part.0.as_any().downcast_ref::<Lora>().expect("a lora");
    let scales: Vec<f64> = (0..4).map(|i| lora.scale(i)).collect();
    assert_eq!(scales, [4.0, 4.0, 4.0, 32.0]);
    let again = part.save().expect("saves").config;
    assert_eq!(again["rank_pattern"], json!({ "model.layers.1.self_attn.v_proj": 1 }));
    assert_eq!(again["alpha_pattern"], json!({ "model.layers.1.self_attn.v_proj": 32 }));
}

mod combined {
    //! `lora-combine` against PEFT's `add_weighted_adapter`.

    use serde_json::{Value as Json, json};
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use tongues_kernel::{Built, Kind, MergeInput, MergeInputs, OnDisk, Result, Slice, build};
    use tongues_testkit::{Surroundings, assert_near, check_refusals};

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lora-combine").join(name)
    }

    fn read(name: &str) -> OnDisk {
        let file = tongues_io::open_file(&folder(name).join("adapter_model.safetensors")).expect("tensors");
        let text = std::fs::read_to_string(folder(name).join("adapter_config.json")).expect("a config");
        let tensor = |n: &str| (n.to_owned(), (file.info(n).expect("a tensor").shape.clone(), file.f32(n).expect("floats")));
        OnDisk { config: serde_json::from_str(&text).expect("JSON"), tensors: file.names().map(tensor).collect() }
    }

    fn combined(options: Json, adapters: &[(&str, f64)]) -> Result<OnDisk> {
        let mut cx = Surroundings::new(0);
        let Built::Merger(merger) = build(Kind::Merger, "lora-combine", options, &mut cx)? else { panic!("no merger") };
        let disks: Vec<OnDisk> = adapters.iter().map(|(name, _)| read(name)).collect();
        let header = |((name, weight), disk): (&(&str, f64), &OnDisk)| MergeInput {
            name: (*name).into(),
            config: disk.config.clone(),
            tensors: disk.tensors.iter().map(|(n, (shape, _))| (n.clone(), shape.clone())).collect(),
            settings: Arc::new(BTreeMap::from([("weight".to_owned(), (*weight).into())])),
            ..MergeInput::default()
        };
        let models = adapters.iter().zip(&disks).map(header).collect();
        let plan = merger.plan(&MergeInputs { models, base: None, slices: vec![] }, &mut cx)?;
        let mut tensors = BTreeMap::new();
        for out in &plan.outputs {
            let slices: Vec<Slice<'_>> = out.reads.iter().map(|r| Slice::of(&disks[r.input].tensors[&r.name].1)).collect();
            tensors.insert(out.name.clone(), (out.shape.clone(), merger.merge(out, &slices, &mut cx)?.values(out.shape.iter().product(), &slices)));
        }
        Ok(OnDisk { config: plan.config, tensors })
    }

    /// B·A of every place.
    fn products(disk: &OnDisk) -> BTreeMap<String, Vec<f32>> {
        let places = disk.tensors.keys().filter_map(|n| n.strip_suffix(".lora_A.weight"));
        let product = |place: &str| {
            let (a, b) = (&disk.tensors[&format!("{place}.lora_A.weight")], &disk.tensors[&format!("{place}.lora_B.weight")]);
            let (rank, width, rows) = (a.0[0], a.0[1], b.0[0]);
            let number = |i: usize, j: usize| (0..rank).map(|k| f64::from(b.1[i * rank + k]) * f64::from(a.1[k * width + j])).sum::<f64>() as f32;
            (place.to_owned(), (0..rows).flat_map(|i| (0..width).map(move |j| (i, j))).map(|(i, j)| number(i, j)).collect())
        };
        places.map(product).collect()
    }

    #[test]
    fn matrices_are_those_of_peft() {
        type Weighted<'a> = &'a [(&'a str, f64)];
        let cases: [(&str, Json, Weighted<'_>); 4] = [
            ("linear", json!({ "combination_type": "linear" }), &[("a", 0.7), ("b", -0.4)]),
            ("cat", json!({ "combination_type": "cat" }), &[("a", 0.7), ("b", 0.4), ("c", -1.5)]),
            ("ties", json!({ "combination_type": "ties", "density": 0.6 }), &[("a", 0.7), ("b", 0.6)]),
            ("ties-counted", json!({ "combination_type": "ties", "density": 0.8, "majority_sign_method": "frequency" }), &[("a", 0.7), ("b", 0.6)]),
        ];
        for (name, options, adapters) in cases {
            let (found, expected) = (combined(options, adapters).expect("adapters that fit"), read(name));
            assert_eq!(found.tensors.keys().collect::<Vec<_>>(), expected.tensors.keys().collect::<Vec<_>>(), "{name}");
            for (tensor, (shape, values)) in &expected.tensors {
                assert_eq!(found.tensors[tensor].0, *shape, "{name}: {tensor}");
                assert_near(&format!("{name}: {tensor}"), &found.tensors[tensor].1, values, 1e-6);
            }
            for key in ["r", "lora_alpha"] {
                assert_eq!(found.config[key].as_f64(), expected.config[key].as_f64(), "{name}: {key}");
            }
        }
    }

    #[test]
    fn products_of_a_rank_are_those_of_peft() {
        for (name, options) in [("svd", json!({ "combination_type": "svd", "svd_rank": 2 })), ("svd-whole", json!({ "combination_type": "svd" }))] {
            let found = combined(options, &[("a", 0.7), ("c", 0.4)]).expect("adapters that fit");
            let (found, expected) = (products(&found), products(&read(name)));
            assert_eq!(found.len(), expected.len());
            expected.iter().for_each(|(place, values)| assert_near(&format!("{name}: {place}"), &found[place], values, 3e-6));
        }
    }

    #[test]
    fn side_by_side_is_the_sum_and_a_whole_rank_loses_nothing() {
        let adapters: [(&str, f64); 2] = [("a", 0.7), ("c", 0.4)];
        let cat = products(&combined(json!({ "combination_type": "cat" }), &adapters).expect("fits"));
        let svd = products(&combined(json!({ "combination_type": "svd", "svd_rank": 5 }), &adapters).expect("fits"));
        cat.iter().for_each(|(place, values)| assert_near(place, &svd[place], values, 3e-6));
    }

    #[test]
    fn what_cannot_be_combined_is_told() {
        let told = |options: Json, adapters: &[(&str, f64)]| combined(options, adapters).expect_err("refused").to_string();
        assert!(told(json!({ "combination_type": "linear" }), &[("a", 1.0), ("c", 1.0)]).contains("adapters of one rank for `linear`"));
        assert!(told(json!({ "combination_type": "ties" }), &[("a", 1.0)]).contains("density"));
        check_refusals(Kind::Merger, "lora-combine", &json!({ "combination_type": "svd", "svd_rank": 2 }));
    }
}
