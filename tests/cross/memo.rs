//! The same request to the same checkpoint is computed once in a run, and another checkpoint is another request.

use serde_json::json;
use std::path::PathBuf;
use tongues_engine::{Shop, Surroundings, Writing, continued};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Context, Draws, Linear, Model, score};
use tongues_recipe::{Linked, Loaded, ast::PluginUse};
use tongues_testkit::toy_model;

fn recipe() -> Loaded {
    let text = "recipe = 1\nname = \"m\"\n[models.m]\ncheckpoint = \"none\"\n[[stage]]\nname = \"s\"\nexport = { model = \"m\" }\n[[stage]]\nname = \"t\"\nexport = { model = \"s\" }\n";
    tongues_recipe::parse(text, "test", &[], &Linked).expect("a recipe")
}

fn shop(loaded: &Loaded) -> Shop<'_> {
    Shop::new(&loaded.recipe, tongues_testkit::device().autodiff(), PathBuf::new())
}

fn rows() -> Vec<Vec<u32>> {
    vec![vec![256, 1, 2, 3], vec![256, 9], vec![256, 4, 4]]
}

#[test]
fn the_same_rows_are_scored_once_and_another_checkpoint_is_asked_itself() {
    let loaded = recipe();
    let shop = shop(&loaded);
    let (one, other) = (toy_model(Draws::new(1)), toy_model(Draws::new(2)));
    let ask = |model: &Model, batch| Surroundings::new(&shop, "evaluate").log_probabilities(model, &rows(), &score::Columns::new(), batch).expect("scores");
    assert_eq!(ask(&one, 64), score::log_probabilities(&one, &rows(), 64).expect("scores"));
    assert_eq!(shop.remembered(), 0);
    assert_eq!((ask(&one, 64), shop.remembered()), (score::log_probabilities(&one, &rows(), 64).expect("scores"), 1));
    // A copy of the same content is the same checkpoint.
    ask(&toy_model(Draws::new(1)).inference(), 64);
    assert_eq!(shop.remembered(), 2);
    assert_eq!((ask(&other, 64), shop.remembered()), (score::log_probabilities(&other, &rows(), 64).expect("scores"), 2));
    ask(&one, 8);
    assert_eq!(shop.remembered(), 2, "another batch may give another last place");
}

#[test]
fn a_model_that_trained_on_is_another_checkpoint() {
    let loaded = recipe();
    let shop = shop(&loaded);
    let mut model = toy_model(Draws::new(1));
    let mut cx = Surroundings::new(&shop, "validate");
    let before = cx.log_probabilities(&model, &rows(), &score::Columns::new(), 64).expect("scores");
    let head = model.weights().get::<2>("lm_head.weight").expect("a head");
    model.weights().set("lm_head.weight", head * 1.5).expect("set");
    let after = cx.log_probabilities(&model, &rows(), &score::Columns::new(), 64).expect("scores");
    assert_ne!(before, after);
    assert_eq!(shop.remembered(), 0);
}

#[test]
fn a_part_that_cannot_say_what_it_is_is_never_remembered() {
    #[derive(tongues_kernel::burn::module::Module, Debug)]
    struct Silent {
        linear: Linear,
    }
    impl tongues_kernel::Part for Silent {}
    use tongues_kernel::burn;
    let loaded = recipe();
    let shop = shop(&loaded);
    let mut model = toy_model(Draws::new(1));
    let linear = Linear::new(Tensor::<2>::zeros([2, 2], &model.plain_device()), None);
    model.attach("silent", vec![], Silent { linear }).expect("attached");
    let mut cx = Surroundings::new(&shop, "evaluate");
    (0..2).for_each(|_| drop(cx.log_probabilities(&model, &rows(), &score::Columns::new(), 64).expect("scores")));
    assert_eq!(shop.remembered(), 0);
}

#[test]
fn texts_are_written_once_for_the_same_model_options_and_limits() {
    let loaded = recipe();
    let shop = shop(&loaded);
    let (one, other) = (toy_model(Draws::new(1)), toy_model(Draws::new(2)));
    let write = |model: &Model, temperature: f64, max_new_tokens: usize| {
        let options = json!({ "temperature": temperature }).as_object().expect("options").clone();
        let decode = PluginUse { plugin: "sampling".into(), options };
        let how = Writing { decode: &decode, max_new_tokens, stop_strings: &[], stop_token_ids: &[] };
        continued(&shop, model, &["ab".to_owned(), "c".to_owned()], None, how).expect("texts").into_iter().map(|w| w.generation).collect::<Vec<_>>()
    };
    let first = write(&one, 1.0, 6);
    assert_eq!((write(&one, 1.0, 6), shop.remembered()), (first.clone(), 1));
    for (model, temperature, tokens) in [(&other, 1.0, 6), (&one, 0.0, 6), (&one, 1.0, 5)] {
        assert_ne!(write(model, temperature, tokens), first);
    }
    assert_eq!(shop.remembered(), 1);
}
