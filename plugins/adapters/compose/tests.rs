//! Tests of the adapter `compose`: adapters of AdapterHub together, rows routed by language, and what is refused.

use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_adapter_compose as _;
use tongues_backbone_llama as _;
use tongues_decoder_beam as _;
use tongues_decoder_sampling as _;
use tongues_io::hf;
use tongues_kernel::{
    Adapter, Built, Draws, Evaluation, Folded, InMemory, Kind, Model, OnDisk, Record, Result, Rolling, Writes, build, part_format, policy::tensor_names,
};
use tongues_testkit::{HubCase, Surroundings, assert_near, check_refusals, gradients, logits, random_batch, randomise, spread, toy_model};

fn case() -> HubCase {
    HubCase::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters"), "base-llama", "together")
}

fn adapter(name: &str, options: Json, cx: &mut Surroundings) -> Result<Box<dyn Adapter>> {
    match build(Kind::Adapter, name, options, cx)? {
        Built::Adapter(adapter) => Ok(adapter),
        _ => panic!("{name} is no adapter"),
    }
}

fn attach(model: &mut Model, name: &str, options: Json) -> Result<()> {
    let mut cx = Surroundings::new(5);
    adapter(name, options, &mut cx)?.attach(model, &mut cx)
}

/// The base of the fixtures with these of its adapters.
fn with(adapters: &[&str]) -> Model {
    let mut model = case().base();
    for name in adapters {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters/together").join(name);
        hf::load_adapter(&dir, name, &mut model).expect("a folder of the fixtures");
    }
    model
}

fn composed(options: Json) -> Model {
    let mut model = with(&["sw", "fr"]);
    attach(&mut model, "compose", options).expect("it fits");
    model
}

#[test]
fn stacked_averaged_and_routed_they_give_the_logits_of_adapterhub() {
    let near = |model: &Model, name: &str, languages: Option<&[&str]>| {
        let worst = case().apart(model, name, languages);
        assert!(worst <= 1.0, "{name}: {worst} tolerances away");
    };
    near(&with(&["sw", "fr"]), "logits_stacked", None);
    let turned = composed(json!({ "how": "stack", "parts": ["fr", "sw"] }));
    assert!(case().apart(&turned, "logits_stacked", None) > 10.0, "the order matters");
    near(&composed(json!({ "how": "weighted", "parts": ["sw", "fr"], "weights": [0.75, 0.25] })), "logits_averaged", None);
    near(&composed(json!({ "how": "weighted", "parts": ["fr", "sw"], "weights": [0.25, 0.75], "learn": true })), "logits_averaged", None);
    near(&composed(json!({ "how": "route", "parts": ["sw", "fr"], "default": "sw" })), "logits_routed", Some(&["sw", "sw", "fr"]));
}

#[test]
fn each_row_is_exactly_what_its_own_adapter_alone_gives() {
    let route = composed(json!({ "how": "route", "parts": ["sw", "fr"], "languages": ["swh_Latn", "fra_Latn"], "default": "swh_Latn" }));
    let alone = [with(&["sw"]), with(&["fr"])].map(|model| case().logits(&model, None));
    for rows in [[0, 1, 0], [1, 1, 0], [1, 0, 1]] {
        let languages = rows.map(|r: usize| ["swh_Latn", "fra_Latn"][r]);
        let mixed = case().logits(&route, Some(&languages));
        let row = mixed.len() / 3;
        for (i, choice) in rows.into_iter().enumerate() {
            assert_eq!(mixed[i * row..(i + 1) * row], alone[choice][i * row..(i + 1) * row], "row {i} of {rows:?}");
        }
    }
    assert_eq!(case().logits(&route, None), alone[0], "without a column the default serves all");
}

#[test]
fn a_choice_may_be_several_parts_and_prefixes_are_routed_too() {
    let base = || {
        let mut model = toy_model(Draws::new(3));
        for language in ["sw", "fr"] {
            attach(&mut model, "invertible", json!({ "name": format!("{language}-inv") })).expect("fits");
            attach(&mut model, "mam", json!({ "name": language, "prefix_length": 2, "bottleneck_size": 3 })).expect("fits");
        }
        randomise(&mut model, "parts.", 0.3, Draws::new(9));
        model
    };
    let names = |language: &str| [format!("{language}-inv"), format!("{language}-prefix"), format!("{language}-ffn")];
    let mut route = base();
    attach(&mut route, "compose", json!({ "how": "route", "parts": [names("sw"), names("fr")], "languages": ["sw", "fr"], "default": "sw" })).expect("fits");
    let batch = random_batch(Draws::new(2), 2, 6, 259);
    for (language, other) in [("sw", "fr"), ("fr", "sw")] {
        let mut alone = base();
        names(other).iter().for_each(|name| drop(alone.net.parts.detach(name)));
        let mut default = base();
        let options = json!({ "how": "route", "parts": [names("sw"), names("fr")], "languages": ["sw", "fr"], "default": language });
        attach(&mut default, "compose", options).expect("fits");
        assert_eq!(logits(&default, &batch).0, logits(&alone, &batch).0);
    }
    let mut batch = batch;
    for (example, language) in batch.examples.iter_mut().zip(["fr", "sw"]) {
        example.language = Some(language.into());
    }
    let (plain, again) = (gradients(&route, &batch, Draws::new(1), false), gradients(&route, &batch, Draws::new(1), true));
    assert!(plain.keys().filter(|n| n.starts_with("parts.")).count() > 20);
    for (name, plain) in plain {
        assert_near(&name, &again[&name], &plain, 1e-4 * spread(&plain).max(1.0));
    }
}

#[test]
fn learned_weights_get_gradients_and_are_saved() {
    let mut model = composed(json!({ "how": "weighted", "parts": ["sw", "fr"], "learn": true, "name": "both" }));
    assert!(tensor_names(&model).iter().any(|e| e.name == "parts.both.weights" && e.shape == [2]));
    let found = gradients(&model, &random_batch(Draws::new(1), 2, 6, 60), Draws::new(1), false);
    assert!(found["parts.both.weights"].iter().all(|g| g.abs() > 1e-4), "{:?}", found["parts.both.weights"]);
    randomise(&mut model, "parts.both.weights", 0.5, Draws::new(4));
    round_trip(&model);
    assert!(matches!(&model.fold().expect("asks")[0].1, Folded::No(_)));
}

/// Saved and read back it gives the same logits and the same folder.
fn round_trip(model: &Model) -> OnDisk {
    let attached = &model.net.parts.list()[0];
    let disk = attached.part.save().expect("saves");
    let mut fresh = case().base();
    (part_format("COMPOSE").expect("a reader").load)(&disk, &attached.name, &mut fresh).expect("reads what it saved");
    let again = fresh.net.parts.list()[0].part.save().expect("saves");
    assert_eq!(Json::Object(again.config), Json::Object(disk.config.clone()));
    assert!(again.tensors == disk.tensors);
    let rows = Some(&["sw", "fr", "fr"][..]);
    assert_eq!(case().logits(&fresh, rows), case().logits(model, rows));
    disk
}

#[test]
fn a_folder_holds_all_parts_and_damage_is_refused() {
    let disk = round_trip(&composed(json!({ "how": "route", "parts": ["sw", "fr"], "default": "sw" })));
    let refused = |change: &dyn Fn(&mut OnDisk)| {
        let (mut disk, mut model) = (disk.clone(), case().base());
        change(&mut disk);
        (part_format("COMPOSE").expect("a reader").load)(&disk, "both", &mut model).expect_err("must be refused").to_string()
    };
    assert!(refused(&|d| drop(d.config.insert("temperature".into(), json!(2)))).contains("temperature"));
    assert!(refused(&|d| drop(d.config.remove("how"))).contains("how"));
    assert!(refused(&|d| drop(d.config.remove("choices"))).contains("one of the parts"));
    assert!(refused(&|d| d.config["choices"][0][0] = json!(7)).contains("choices"));
    assert!(refused(&|d| d.config["how"]["route"]["languages"] = json!(["sw"])).contains("languages"));
    assert!(refused(&|d| drop(d.tensors.insert("de/x".into(), (vec![1], vec![0.0])))).contains("de/x"));
    assert!(refused(&|d| drop(d.tensors.pop_first())).contains("incomplete"));
}

#[test]
fn what_does_not_fit_is_refused_with_a_remedy() {
    let refusal = |options: Json| attach(&mut with(&["sw", "fr"]), "compose", options).expect_err("must be refused").to_string();
    for (options, piece) in [
        (json!({ "how": "stack", "parts": ["sw", "de"] }), "sw, fr"),
        (json!({ "how": "stack", "parts": ["sw", "sw"] }), "twice"),
        (json!({ "how": "average", "parts": ["sw", []] }), "empty"),
        (json!({ "how": "average", "parts": ["sw", "fr"], "weights": [1, 2] }), "weights"),
        (json!({ "how": "average", "parts": ["sw", "fr"], "learn": true }), "learn"),
        (json!({ "how": "weighted", "parts": ["sw", "fr"], "weights": [1] }), "weights"),
        (json!({ "how": "weighted", "parts": ["sw", "fr"], "languages": ["a", "b"] }), "languages"),
        (json!({ "how": "route", "parts": ["sw", "fr"], "languages": ["a"], "default": "a" }), "languages"),
        (json!({ "how": "route", "parts": ["sw", "fr"], "languages": ["a", "a"], "default": "a" }), "languages"),
        (json!({ "how": "route", "parts": ["sw", "fr"], "default": "de" }), "default"),
        (json!({ "how": "route", "parts": ["sw", "fr"] }), "default"),
    ] {
        let message = refusal(options.clone());
        assert!(message.contains(piece), "{options}: {message}");
    }
    check_refusals(Kind::Adapter, "compose", &json!({ "how": "stack", "parts": ["sw"] }));
    let mut none = case().base();
    assert!(attach(&mut none, "compose", json!({ "how": "stack", "parts": ["sw"] })).expect_err("none").to_string().contains("which has none"));
}

#[test]
fn a_language_without_an_adapter_is_refused_before_and_while_it_runs() {
    let mut cx = Surroundings::new(5);
    cx.records = [("a", Some("sw")), ("b", Some("de"))].map(|(id, l)| Record { language: l.map(Into::into), ..Record::of_text(id, "text") }).to_vec();
    let route = json!({ "how": "route", "parts": ["sw", "fr"], "default": "fr" });
    let early = adapter("compose", route.clone(), &mut cx).expect("valid").attach(&mut with(&["sw", "fr"]), &mut cx).expect_err("refused").to_string();
    assert!(early.contains("record b") && early.contains("de") && early.contains("sw, fr"), "{early}");
    let model = composed(route);
    let late = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case().logits(&model, Some(&["sw", "de", "fr"])))).expect_err("refused");
    let late = late.downcast_ref::<String>().expect("a text");
    assert!(late.contains("row 1") && late.contains("sw, fr"), "{late}");
}

/// The toy with an adapter a language.
fn with_languages() -> Model {
    let mut model = toy_model(Draws::new(3));
    for language in ["sw", "fr"] {
        attach(&mut model, "bottleneck", json!({ "name": language })).expect("fits");
    }
    randomise(&mut model, "parts.", 0.3, Draws::new(9));
    model
}

/// The same, every row with the adapter of its language.
fn routed() -> Model {
    let mut route = with_languages();
    let options = json!({ "how": "route", "parts": ["sw", "fr"], "languages": ["swh_Latn", "fra_Latn"], "default": "swh_Latn" });
    attach(&mut route, "compose", options).expect("fits");
    route
}

fn without(part: &str) -> Model {
    let mut alone = with_languages();
    drop(alone.net.parts.detach(part));
    alone
}

fn in_languages(texts: &[(&str, &str)]) -> InMemory {
    let one = |(i, (language, text)): (usize, &(&str, &str))| Record { language: Some((*language).into()), ..Record::of_text(format!("{i}"), *text) };
    InMemory { name: "texts".into(), records: texts.iter().enumerate().map(one).collect() }
}

#[test]
fn texts_are_scored_with_the_adapter_of_their_language() {
    let route = routed();
    let nats = |model: &Model, language: &str| {
        let (data, mut cx) = (in_languages(&[(language, "one text"), (language, "another")]), Surroundings::new(0));
        let mut evaluation = Evaluation { model, data: &data, format: None, cx: &mut cx };
        Rolling::default().likelihoods(&mut evaluation).expect("scores").into_iter().map(|l| l.nats).collect::<Vec<_>>()
    };
    for (language, other) in [("swh_Latn", "fr"), ("fra_Latn", "sw")] {
        assert_eq!(nats(&route, language), nats(&without(other), language));
    }
    assert_ne!(nats(&route, "swh_Latn"), nats(&route, "fra_Latn"));
}

#[test]
fn texts_are_written_with_the_adapter_of_their_language() {
    let data = in_languages(&[("swh_Latn", "one text"), ("fra_Latn", "one text"), ("fra_Latn", "more"), ("swh_Latn", "a longer prompt")]);
    for decode in
        [json!({ "use": "sampling", "temperature": 0.0 }), json!({ "use": "sampling", "temperature": 0.0, "use_cache": false }), json!({ "use": "beam" })]
    {
        let writes: Writes = serde_json::from_value(json!({ "decode": decode, "max_new_tokens": 8 })).expect("options");
        let written = |model: &Model| {
            let mut cx = Surroundings::new(0);
            let texts = writes.texts(&mut Evaluation { model, data: &data, format: None, cx: &mut cx }).expect("texts");
            texts.into_iter().map(|text| text.text).collect::<Vec<String>>()
        };
        let (both, sw, fr) = (written(&routed()), written(&without("fr")), written(&without("sw")));
        assert_eq!(both, [&sw[0], &fr[1], &fr[2], &sw[3]].map(String::clone), "{decode}");
        assert_ne!(sw[1], fr[1], "or nothing was tested");
    }
}
