//! Two vocabularies in one model: a part brings a second embedding table and head; a column says which a row uses.

use super::tools::*;
use super::toy::{VOCABULARY, WIDTH, toy};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::*;

/// Entries of the second vocabulary.
const SECOND: usize = 7;

#[derive(Module, Debug)]
struct Second {
    table: Param<Tensor<2>>,
    head: Linear,
}

impl Second {
    /// True for rows of the second vocabulary `[batch, 1, 1]`.
    fn here(pass: &Pass<'_>) -> Result<Tensor<3, Bool>> {
        let column = pass.column("vocabulary")?;
        let rows = column.dims()[0];
        Ok(column.equal_elem(1).reshape([rows, 1, 1]))
    }

    fn embedded(&self, at: At<'_>, first: Tensor<3>, pass: &Pass<'_>) -> Result<Tensor<3>> {
        let [batch, time, width] = first.dims();
        let here = Self::here(pass)?;
        let ids = pass.ids(at.site.stack)? * here.clone().int().reshape([batch, 1]);
        let second = self.table.val().select(0, ids.reshape([batch * time])).reshape([batch, time, width]);
        Ok(first.mask_where(here.expand([batch, time, width]), second))
    }
}

impl Part for Second {
    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = inner(x.clone(), pass)?;
        if at.site.role == Role::Embeddings {
            return self.embedded(at, y, pass);
        }
        let [batch, time, width] = y.dims();
        let second = self.head.forward(x);
        pass.emit("head.b", second.clone());
        let rest = Tensor::full([batch, time, width - SECOND], -1e30, &second.device());
        Ok(y.mask_where(Self::here(pass)?.expand([batch, time, width]), Tensor::cat(vec![second, rest], 2)))
    }
}

/// The model with both vocabularies, and one whose only vocabulary is the second.
fn models() -> (Model, Model) {
    let (mut both, mut alone) = (toy(1), toy(1));
    let matrix = |name: &str| Draws::new(6).stream(name).normal_tensor::<2>([SECOND, WIDTH], 0.6, &Device::flex().autodiff());
    let sites = [Role::Embeddings, Role::Head].map(|r| Site::new(Stack::Decoder, 0, r)).to_vec();
    both.attach("second", sites, Second { table: Param::from_tensor(matrix("table")), head: Linear::new(matrix("head"), None) }).unwrap();
    alone.weights().set("model.embed_tokens.weight", matrix("table")).unwrap();
    alone.weights().set("lm_head.weight", matrix("head")).unwrap();
    (both, alone)
}

const ROWS: [&[u32]; 3] = [&[10, 9, 8, 1], &[6, 5, 4], &[0, 3, 2, 1, 6]];
const COLUMN: [i64; 3] = [0, 1, 1];

fn expected(alone: &Model) -> Vec<Vec<f32>> {
    let plain = toy(1);
    let one = |(row, c): (&&[u32], i64)| score::log_probabilities(if c == 1 { alone } else { &plain }, &[row.to_vec()], 100).unwrap().remove(0);
    ROWS.iter().zip(COLUMN).map(one).collect()
}

#[test]
fn every_row_is_scored_in_its_vocabulary() {
    let (both, alone) = models();
    assert_eq!(alone.net.backbone.spec().vocabulary, VOCABULARY, "the specification is the caller's to change");
    let columns = BTreeMap::from([(Name::from("vocabulary"), COLUMN.to_vec())]);
    let rows = ROWS.map(<[u32]>::to_vec);
    let found = score::log_probabilities_with(&both, &rows, &columns, 1000).unwrap();
    close(&found.concat(), &expected(&alone).concat(), 1e-5);
    let missing = score::log_probabilities(&both, &rows, 1000).unwrap_err();
    assert!(missing.to_string().contains("column `vocabulary`"), "{missing}");
}

#[test]
fn a_session_keeps_the_columns_of_its_rows() {
    let (both, alone) = models();
    let columns = BTreeMap::from([(Name::from("vocabulary"), vec![0, 1])]);
    let prompts: [&[u32]; 2] = [&[10, 9, 8], &[6]];
    let (mut session, _) = Session::open_with(&both, &prompts, columns).unwrap();
    session.reorder(&[1, 0]);
    let found = values(session.push(&[5, 1]).unwrap());
    let first = values(Session::open(&alone, &[&[6, 5]]).unwrap().1);
    let second = values(Session::open(&toy(1), &[&[10, 9, 8, 1]]).unwrap().1);
    close(&found[..SECOND], &first, 1e-5);
    close(&found[VOCABULARY..], &second, 1e-5);
}

#[test]
fn a_step_takes_the_column_from_the_examples_numbers() {
    let (both, alone) = models();
    let mut batch = batch(&ROWS);
    for (example, c) in batch.examples.iter_mut().zip(COLUMN) {
        example.numbers.insert("vocabulary".into(), vec![c as f32]);
        example.numbers.insert("scores".into(), vec![0.5, 2.0]);
    }
    let others = BTreeMap::new();
    for recompute in [false, true] {
        let mut step = Step::new(&both, &others, &batch, Draws::new(0));
        step.recompute = recompute;
        let out = step.run("text", &Run::default()).unwrap();
        let sum = -expected(&alone).concat().iter().sum::<f32>();
        let loss = cross_entropy(&both, &out, false);
        close(&values(loss.clone()), &[sum], 1e-5);
        let found = gradients(&both, &recompute::backward(loss, step.into_tapes(), &both.net).unwrap());
        assert!(found["parts.second.table"].iter().any(|g| *g != 0.0));
        // Id 10 of the first vocabulary is used, ids 6 and 5 only in rows of the second.
        let rows: Vec<bool> = found["model.embed_tokens.weight"].chunks(WIDTH).map(|r| r.iter().any(|g| *g != 0.0)).collect();
        assert_eq!((rows[10], rows[6], rows[5]), (true, false, false));
    }
}
