//! A curator that embeds with a model: records whose pooled states are too near to one already kept are dropped.

use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::toy;
use tongues_kernel::*;

struct NearDuplicates {
    model: ModelRef,
    layer: usize,
    threshold: f64,
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

impl NearDuplicates {
    /// Mean state of a text after the block.
    fn embed(&self, model: &Model, text: &str) -> Result<Vec<f64>> {
        let ids = model.tokenizer()?.encode(text)?;
        let input = laid(&[&ids]).input(model.spec().main(), &model.plain_device());
        let site = Site::new(model.spec().main(), self.layer, Role::Block);
        let mut pass = model.pass(Call::default()).reading(&[site]);
        model.walk(&input, Some(self.layer + 1), &mut pass)?;
        let mean = pass.read(site)?.mean_dim(1);
        Ok(values(mean).into_iter().map(f64::from).collect())
    }
}

impl Curator for NearDuplicates {
    fn curate(&self, input: &dyn Records, out: &mut Sink, cx: &mut dyn Context) -> Result<()> {
        let model = cx.model(&self.model)?.inference();
        let mut kept: Vec<Vec<f64>> = vec![];
        for record in input.open()? {
            let record = record?;
            let state = self.embed(&model, record.text("text")?)?;
            if kept.iter().any(|k| cosine(k, &state) >= self.threshold) {
                out.drop("near-duplicate");
            } else {
                kept.push(state);
                out.keep(record);
            }
        }
        Ok(())
    }
}

#[test]
fn near_duplicates_are_dropped_under_their_rules_name() {
    let texts = ["abcdefgh", "kjihg", "abcdefgg", "ccc", "kjihg", "ak"];
    let model = toy(4);
    let reference_state = |text: &str| {
        let ids = model.tokenizer().unwrap().encode(text).unwrap();
        let rows = reference::hidden(&reference_values(&model.net.backbone), &ids, &Tweaks { depth: Some(1), ..Tweaks::default() });
        (0..8).map(|i| rows.iter().map(|r| r[i]).sum::<f64>() / rows.len() as f64).collect::<Vec<f64>>()
    };
    let states = texts.map(reference_state);
    let threshold = 0.97;
    let mut expected: Vec<usize> = vec![];
    for i in 0..texts.len() {
        if !expected.iter().any(|k| cosine(&states[*k], &states[i]) >= threshold) {
            expected.push(i);
        }
    }
    assert!(!expected.contains(&2) && !expected.contains(&4) && expected.len() == 4, "the reference tells them apart: {expected:?}");

    let curator = NearDuplicates { model: ModelRef("m".into()), layer: 0, threshold };
    let data = InMemory { name: "d".into(), records: texts.iter().enumerate().map(|(i, t)| Record::of_text(i.to_string(), *t)).collect() };
    let mut sink = Sink::default();
    curator.curate(&data, &mut sink, &mut Models::of(&[("m", &model)])).unwrap();
    let kept: Vec<usize> = sink.kept.iter().map(|r| r.id.parse().unwrap()).collect();
    assert_eq!((kept, sink.dropped["near-duplicate"]), (expected, 2));
    close(&curator.embed(&model.inference(), texts[0]).unwrap(), &states[0], 1e-5);
}
