//! Tests of soup.

use serde_json::{Value as Json, json};
use tongues_io::hf::merge_input;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Built, Context, DataRef, Draws, Evaluation, Kind, MergeInputs, MergePlan, Model, Result, Rolling, build, restore_values};
use tongues_merger_soup as _;
use tongues_testkit::{MergerCase, Surroundings, merged_values, randomise, snapshot, toy_model};

const TEXTS: [&str; 3] = ["kala mino", "daxo trik kala", "mino"];

#[test]
fn conforms() {
    MergerCase::new("soup", json!({}), 3).check();
    MergerCase::new("soup", json!({}), 3).base(1).check();
}

#[test]
fn the_uniform_soup_is_the_mean_of_all_but_the_base() {
    let merged = |base| merged_values("soup", json!({}), base, json!([]), &[&[1.0, 8.0], &[3.0, -2.0], &[2.0, 0.0]]).unwrap();
    assert_eq!(merged(None), [2.0, 2.0]);
    assert_eq!(merged(Some(2)), [2.0, 3.0]);
    let alone = merged_values("soup", json!({}), Some(0), json!([]), &[&[1.0]]).unwrap_err().to_string();
    assert!(alone.starts_with("soup: models: expected at least one model beside the base, found none"), "{alone}");
}

/// Models with the same body and random heads. Random heads are worse than none, the more so the larger; the mean of some is smaller.
fn models() -> Vec<Model> {
    let with_head = |seed: u64, std: f64| {
        let mut model = toy_model(Draws::new(7));
        randomise(&mut model, "lm_head", std, Draws::new(seed));
        model
    };
    vec![with_head(1, 1.5), with_head(2, 0.5), with_head(3, 0.55), with_head(4, 3.0), with_head(5, 0.6)]
}

fn surroundings(models: &[Model]) -> Surroundings {
    let models = ["a", "b", "c", "d", "e"].iter().zip(models).map(|(n, m)| ((*n).to_owned(), m.clone())).collect();
    Surroundings { models, ..Surroundings::new(0).with_texts(TEXTS) }
}

fn planned(options: Json, models: &[Model]) -> (Result<MergePlan>, Vec<String>) {
    let mut cx = surroundings(models);
    let Built::Merger(merger) = build(Kind::Merger, "soup", options, &mut cx).unwrap() else { panic!("no merger") };
    let headers = ["a", "b", "c", "d", "e"].iter().zip(models);
    let headers = headers.map(|(n, m)| merge_input(n, m.spec(), tensor_names(m).into_iter().map(|e| (e.name, e.shape)).collect())).collect();
    (merger.plan(&MergeInputs { models: headers, base: None, slices: vec![] }, &mut cx), cx.notes)
}

/// The loss of the mean of some models, computed without the plugin.
fn loss(all: &[Model], taken: &[usize]) -> f64 {
    let mut model = all[0].inference();
    let snapshots: Vec<_> = taken.iter().map(|i| snapshot(&all[*i], "")).collect();
    let mean = |name: &String| (0..snapshots[0][name].len()).map(|i| snapshots.iter().map(|s| s[name][i]).sum::<f32>() / taken.len() as f32).collect();
    let values = tensor_names(&model).into_iter().map(|e| (e.name.clone(), (e.shape, mean(&e.name)))).collect();
    restore_values(&mut model.net.backbone, "", &values).unwrap();
    let mut cx = surroundings(all);
    let data = cx.data(&DataRef("x".into())).unwrap();
    let texts = Rolling::default().likelihoods(&mut Evaluation { model: &model, data: &*data, format: None, cx: &mut cx }).unwrap();
    texts.iter().map(|t| t.nats).sum::<f64>() / texts.iter().map(|t| t.tokens).sum::<usize>() as f64
}

#[test]
fn the_greedy_soup_takes_what_does_not_raise_the_loss() {
    let all = models();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| loss(&all, &[*a]).total_cmp(&loss(&all, &[*b])));
    let (mut taken, mut refused) = (vec![order[0]], 0);
    for next in &order[1..] {
        let with: Vec<usize> = taken.iter().chain([next]).copied().collect();
        if loss(&all, &with) <= loss(&all, &taken) { taken = with } else { refused += 1 }
    }
    assert!(taken.len() > 1 && refused > 0, "a test that tells nothing: {taken:?} of {order:?}");
    let (plan, notes) = planned(json!({ "held_out": "x.dev" }), &all);
    let names: Vec<&str> = taken.iter().map(|i| ["a", "b", "c", "d", "e"][*i]).collect();
    assert!(notes.iter().any(|n| n.starts_with(&format!("The soup is of {}: loss ", names.join(", "))) && n.contains(" on x.dev. Alone: ")), "{notes:?}");
    taken.sort_unstable();
    for out in plan.unwrap().outputs {
        assert_eq!(out.reads.iter().map(|r| r.input).collect::<Vec<_>>(), taken, "{}", out.name);
    }
}

#[test]
fn without_held_out_texts_nothing_is_scored() {
    let (plan, notes) = planned(json!({}), &models());
    assert!(notes.is_empty() && plan.unwrap().outputs.iter().all(|out| out.reads.len() == 5));
}
