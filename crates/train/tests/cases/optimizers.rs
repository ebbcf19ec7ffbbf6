//! Every optimiser keeps to policies, and its state goes on bit for bit.

use super::{begin, free};
use crate::{MATRIX, policy};
use std::collections::BTreeMap;
use tongues_kernel::{Draws, Policy, Tensors, Trains, restore_values};
use tongues_testkit::{Surroundings, snapshot, toy_model};
use tongues_train::{Adafactor, AdamW, AdjustLr, Lion, Muon, Optimizer, Optimizers, Trainer};

fn all() -> Vec<Optimizer> {
    vec![
        Optimizer::AdamW(AdamW::default()),
        Optimizer::Adafactor(Adafactor::default()),
        Optimizer::Adafactor(Adafactor { beta1: Some(0.9), relative_step: false, ..Adafactor::default() }),
        Optimizer::Lion(Lion::default()),
        Optimizer::Muon(Muon::default()),
        Optimizer::Muon(Muon { nesterov: false, adjust_lr: AdjustLr::MatchRmsAdamW, ..Muon::default() }),
    ]
}

fn trainer(optimizer: Optimizer, policies: BTreeMap<String, Policy>) -> Trainer<'static> {
    let mut trainer = begin(policies, 0.01);
    trainer.set_optimizers(Optimizers { stage: optimizer, ..Optimizers::adamw(AdamW::default()) }).expect("no groups");
    trainer
}

fn steps(trainer: &mut Trainer, count: usize) {
    let mut cx = Surroundings::new(5);
    (0..count).for_each(|_| drop(trainer.step(&mut cx).expect("a step")));
}

fn bits(tensors: &Tensors) -> BTreeMap<String, (Vec<usize>, Vec<u32>)> {
    tensors.iter().map(|(name, (shape, values))| (name.clone(), (shape.clone(), values.iter().map(|x| x.to_bits()).collect()))).collect()
}

fn tensors(trainer: &Trainer) -> Tensors {
    let mut all = Tensors::new();
    let keep = &mut |name: &str, shape: &[usize], values: Vec<f32>| {
        all.insert(name.into(), (shape.to_vec(), values));
        Ok(())
    };
    tongues_kernel::for_each_value(&trainer.model.net.backbone, "", keep).expect("reading keeps");
    all
}

#[test]
fn a_saved_state_goes_on_bit_for_bit() {
    for optimizer in all() {
        let mut whole = trainer(optimizer, free());
        steps(&mut whole, 6);
        let mut first = trainer(optimizer, free());
        steps(&mut first, 3);
        let saved = first.optimizer_state();
        assert!(saved.keys().any(|k| k.starts_with(&format!("{MATRIX}/{}.", optimizer.method().name()))), "{:?}", saved.keys());
        let mut second = trainer(optimizer, free());
        restore_values(&mut second.model.net.backbone, "", &tensors(&first)).expect("the same model");
        second.set_optimizer_state(&saved).expect("the same optimiser");
        assert_eq!(bits(&second.optimizer_state()), bits(&saved));
        steps(&mut second, 3);
        assert_eq!(bits(&tensors(&second)), bits(&tensors(&whole)), "{optimizer:?}");
        assert_eq!(bits(&second.optimizer_state()), bits(&whole.optimizer_state()), "{optimizer:?}");
        // Without the state the course is another one.
        let mut forgetful = trainer(optimizer, free());
        restore_values(&mut forgetful.model.net.backbone, "", &tensors(&first)).expect("the same model");
        steps(&mut forgetful, 3);
        assert_ne!(bits(&tensors(&forgetful)), bits(&tensors(&whole)), "{optimizer:?}");
    }
}

#[test]
fn a_state_of_something_else_is_refused_and_changes_nothing() {
    let mut saving = trainer(Optimizer::Lion(Lion::default()), free());
    steps(&mut saving, 1);
    let saved = saving.optimizer_state();
    let refused = |optimizer: Optimizer, policies, change: &dyn Fn(&mut Tensors)| {
        let (mut trainer, mut saved) = (trainer(optimizer, policies), saved.clone());
        change(&mut saved);
        let message = trainer.set_optimizer_state(&saved).expect_err("must be refused").to_string();
        assert!(trainer.optimizer_state().is_empty());
        message
    };
    let lion = Optimizer::Lion(Lion::default());
    let (momentum, count) = (format!("{MATRIX}/lion.momentum"), format!("{MATRIX}/lion.steps"));
    assert!(refused(Optimizer::AdamW(AdamW::default()), free(), &|_| ()).contains("lion"));
    assert!(refused(lion, policy(Trains::Everything), &|_| ()).contains("a tensor that trains"));
    assert!(refused(lion, free(), &|saved| drop(saved.remove(&momentum))).contains(&momentum));
    assert!(refused(lion, free(), &|saved| drop(saved.remove(&count))).contains(&momentum));
    assert!(refused(lion, free(), &|saved| drop(saved.insert(momentum.clone(), (vec![2], vec![0.0; 2])))).contains("[2]"));
    assert!(refused(lion, free(), &|saved| drop(saved.insert(count.clone(), (vec![2], vec![0.0, 0.5])))).contains("whole numbers"));
}

#[test]
fn counts_of_steps_are_exact_beyond_what_one_f32_holds() {
    let mut trainer = trainer(Optimizer::Lion(Lion::default()), policy(Trains::Everything));
    steps(&mut trainer, 1);
    let count = format!("{MATRIX}/lion.steps");
    let mut saved = trainer.optimizer_state();
    assert_eq!(saved[&count].1, [0.0, 1.0]);
    // 2²⁶ + 1 is no f32.
    saved.insert(count.clone(), (vec![2], vec![64.0, 1.0]));
    trainer.set_optimizer_state(&saved).expect("a count");
    steps(&mut trainer, 1);
    assert_eq!(trainer.optimizer_state()[&count].1, [64.0, 2.0]);
}

#[test]
fn masked_entries_alone_change_under_every_optimiser() {
    let before = snapshot(&toy_model(Draws::new(1)), "");
    let mask: Vec<f32> = (0..before[MATRIX].len()).map(|i| f32::from(i % 3 == 1)).collect();
    for optimizer in all() {
        let mut trainer = trainer(optimizer, policy(Trains::Masked(mask.clone())));
        steps(&mut trainer, 2);
        for (name, after) in snapshot(&trainer.model, "") {
            for (i, (new, old)) in after.iter().zip(&before[&name]).enumerate() {
                let trains = name == MATRIX && mask[i] == 1.0;
                assert_eq!(new.to_bits() != old.to_bits(), trains, "{optimizer:?}: {name}, entry {i}: {old} became {new}");
            }
        }
    }
}

#[test]
fn rows_alone_change_under_every_optimiser_and_its_state_is_theirs() {
    let before = snapshot(&toy_model(Draws::new(1)), "");
    let width = before[MATRIX].len() / 24;
    for optimizer in all() {
        let mut trainer = trainer(optimizer, policy(Trains::Rows(2..5)));
        steps(&mut trainer, 2);
        let after = snapshot(&trainer.model, "");
        let row = |all: &BTreeMap<String, Vec<f32>>, r: usize| all[MATRIX][r * width..(r + 1) * width].to_vec();
        let changed: Vec<usize> = (0..24).filter(|r| row(&after, *r) != row(&before, *r)).collect();
        assert_eq!(changed, [2, 3, 4], "{optimizer:?}");
        assert!(trainer.optimizer_state().values().all(|(shape, _)| shape[0] <= 3 || *shape == [width]), "{optimizer:?}");
    }
}

#[test]
fn muon_leaves_vectors_and_tables_to_adamw() {
    let mut trainer = trainer(Optimizer::Muon(Muon::default()), free());
    steps(&mut trainer, 1);
    let state = trainer.optimizer_state();
    let has = |key: &str| state.contains_key(key);
    assert!(has(&format!("{MATRIX}/muon.momentum")) && !has(&format!("{MATRIX}/adamw.first")));
    assert!(has("model.embed_tokens.weight/adamw.first") && has("model.norm.weight/adamw.first"), "{:?}", state.keys());
    let counts = trainer.optimizer_counts();
    assert!(counts["muon"] >= 2 && counts["adamw"] >= 3, "{counts:?}");
}

#[test]
fn a_group_has_its_own_optimiser_and_a_factor_multiplies_its_rate() {
    let entry = |factor: f64, rate: Option<f64>| {
        let own = Policy { group: Some("own".into()), learning_rate_factor: factor, learning_rate: rate, ..Policy::free() };
        let mut trainer = begin(BTreeMap::from([(MATRIX.into(), own)]), 0.01);
        let groups = BTreeMap::from([("own".into(), Optimizer::Lion(Lion::default()))]);
        let none = trainer.set_optimizers(Optimizers::adamw(AdamW::default())).expect_err("the group has no optimiser").to_string();
        assert!(none.contains(MATRIX) && none.contains("found own"), "{none}");
        trainer.set_optimizers(Optimizers { groups, ..Optimizers::adamw(AdamW::default()) }).expect("the group");
        steps(&mut trainer, 2);
        assert!(trainer.optimizer_state().contains_key(&format!("{MATRIX}/lion.momentum")));
        snapshot(&trainer.model, "")[MATRIX].clone()
    };
    assert_eq!(entry(4.0, None), entry(1.0, Some(0.04)));
    assert_eq!(entry(4.0, Some(0.005)), entry(1.0, Some(0.02)));
    assert_ne!(entry(4.0, None), entry(1.0, None));
}
