//! Deep supervision with an early exit (DFT, arXiv 2503.01275): stop after some blocks, read out with a head that holds still.

use super::lora::Lora;
use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::toy;
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::*;

/// Cross-entropy from the state after `depth` blocks.
#[derive(Module, Debug)]
struct EarlyExit {
    depth: usize,
}

impl Objective for EarlyExit {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        Ok(vec![Example::of_text(record.id.clone(), Sequence::of("text", cx.tokenizer.encode(record.text("text")?)?, 1.0))])
    }
    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        let out = step.run("text", &Run { depth: Some(self.depth), ..Run::default() })?;
        Ok(vec![Term { name: "early".into(), sum: cross_entropy(step.model, &out, true), over: step.batch.loss_tokens(), weight: 1.0 }])
    }
}

fn examples(objective: &EarlyExit, text: &str) -> Batch {
    let model = toy(1);
    let cx = ExampleContext { tokenizer: &**model.tokenizer().unwrap(), max_length: 32, draws: Draws::new(0), format: None };
    Batch { examples: objective.examples(&Record::of_text("r", text), &cx).unwrap() }
}

#[test]
fn the_loss_is_read_early_and_the_head_gets_no_gradient() {
    let objective = EarlyExit { depth: 1 };
    let mut model = toy(1);
    Lora::on(&["lm_head"], 0.3).attach(&mut model, &mut Models::of(&[])).unwrap();
    model.fold().unwrap();
    Lora::on(&["lm_head"], 0.0).attach(&mut model, &mut Models::of(&[])).unwrap();
    train_only(&mut model, &["*"]);
    let (others, batch) = (BTreeMap::new(), examples(&objective, "dabkc"));
    for recompute in [false, true] {
        let mut step = Step::new(&model, &others, &batch, Draws::new(0));
        step.recompute = recompute;
        let terms = objective.loss(&mut step).unwrap();
        let early = Tweaks { depth: Some(1), ..Tweaks::default() };
        let expected = reference::loss(&reference_values(&model.net.backbone), &[3, 0, 1, 10, 2], &early);
        close(&values(terms[0].sum.clone()), &[expected], 1e-5);
        assert_eq!(terms[0].over, 4.0);
        let tapes = step.into_tapes();
        let found = gradients(&model, &recompute::backward(terms[0].sum.clone(), tapes, &model.net).unwrap());
        assert!(found.keys().all(|n| n.starts_with("model.embed_") || n.starts_with("model.layers.0.")), "{:?}", found.keys());
        assert_eq!(found.len(), 2 + 6);
    }
}

#[test]
fn the_early_state_is_the_state_at_that_block() {
    let model = toy(1);
    let (others, batch) = (BTreeMap::new(), batch(&[&[1, 2, 3], &[4, 5, 6]]));
    let mut step = Step::new(&model, &others, &batch, Draws::new(0));
    let early = step.run("text", &Run { depth: Some(1), ..Run::default() }).unwrap();
    let site = Site::new(Stack::Decoder, 0, Role::Block);
    let full = step.run("text", &Run { reading: vec![site], ..Run::default() }).unwrap();
    assert_eq!(values(early.hidden.x), values(full.notes.read[&site].clone()));
    assert!(step.run("text", &Run { depth: Some(3), ..Run::default() }).is_err());
}
