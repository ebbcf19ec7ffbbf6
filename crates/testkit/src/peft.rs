//! An adapter against PEFT, on folders that PEFT wrote.

use crate::gradient::values_of;
use crate::{BackboneCase, assert_near, spread};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tongues_io::{Checkpoint, hf, open_file};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::log_softmax;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Call, Folded, Input, Model, OnDisk, Session, Stack, Stream, part_format, values};

/// Allowed difference of logits, in standard deviations of the reference.
const TOLERANCE: f64 = 1e-4;

/// A folder with `adapter_config.json`, `adapter_model.safetensors`, `base.txt` (the base, beside the folder's parent) and what
/// PEFT computes: `reference.safetensors` with `input_ids`, `attention_mask`, `logits`, and where PEFT has them
/// `logits_merged`, `loss` and `grad.<name>`.
pub struct PeftCase {
    folder: PathBuf,
}

impl PeftCase {
    /// The case in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The case of that name among the fixtures above a crate.
    ///
    /// # Panics
    /// There is none.
    pub fn fixture(manifest: &str, name: &str) -> Self {
        let pack = Path::new("tests/fixtures/peft-pack").join(name);
        let found = Path::new(manifest).ancestors().map(|at| at.join(&pack)).find(|at| at.is_dir());
        Self::new(found.unwrap_or_else(|| panic!("{name}: no such fixture above {manifest}")))
    }

    /// Logits of the adapter, of what is saved again, of a session where the base is a decoder, and of the folded weights are PEFT's.
    ///
    /// # Panics
    /// They are not.
    pub fn check(&self) {
        let model = self.model();
        self.near("live", &self.run(&model), "logits");
        self.check_saved(&model);
        if model.spec().main() == Stack::Decoder {
            self.check_session(&model);
        }
        let mut folded = model;
        let outcome = folded.fold().unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        if outcome.iter().all(|(_, o)| *o == Folded::Exact) {
            self.near("folded", &self.run(&folded), "logits");
            self.near("folded", &self.run(&folded), "logits_merged");
        }
    }

    /// The base without the adapter.
    ///
    /// # Panics
    /// It is refused.
    pub fn base(&self) -> Model {
        let base = std::fs::read_to_string(self.folder.join("base.txt")).expect("base.txt");
        BackboneCase::new(self.folder.join("../..").join(base.trim())).model()
    }

    /// The base with the adapter.
    ///
    /// # Panics
    /// One of them is refused.
    pub fn model(&self) -> Model {
        let mut model = self.base();
        hf::load_adapter(&self.folder, "part", &mut model).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        model
    }

    /// What the part writes; read again it is the same. With `TONGUES_PEFT_OUT` it is left there, for PEFT to read.
    fn check_saved(&self, model: &Model) {
        let saved: OnDisk = model.net.parts.list()[0].part.save().unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let format = part_format(saved.config["peft_type"].as_str().expect("a type")).expect("a reader");
        let mut again = self.base();
        (format.load)(&saved, "part", &mut again).unwrap_or_else(|e| panic!("{}: what was saved is refused: {e}", self.name()));
        self.near("saved and read again", &self.run(&again), "logits");
        if let Some(out) = std::env::var_os("TONGUES_PEFT_OUT") {
            let folder = Path::new(&out).join(self.name());
            std::fs::create_dir_all(&folder).expect("a folder");
            hf::save_adapter(saved, "base", model.spec(), &folder).expect("written");
        }
    }

    /// The first row, three tokens first and then one by one.
    fn check_session(&self, model: &Model) {
        let (ids, _, [_, time]) = self.given();
        let row: Vec<u32> = ids[..time].iter().map(|i| *i as u32).collect();
        let expected = self.floats("logits");
        let width = expected.len() / ids.len();
        let at = |t: usize| {
            let row = Tensor::<2>::from_data(TensorData::new(expected[t * width..(t + 1) * width].to_vec(), [1, width]), &crate::device());
            values(log_softmax(row, 1))
        };
        let (mut session, mut next) = Session::open(model, &[&row[..3]]).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        for t in 3..time {
            assert_near(&format!("{}: a session at token {t}", self.name()), &values(next), &at(t - 1), TOLERANCE * spread(&expected));
            next = session.push(&row[t..=t]).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        }
    }

    /// The loss and its gradient at every tensor of the adapter.
    ///
    /// # Panics
    /// The loss is further away than 1e-4 of itself, or a gradient than 1e-3 of its largest entry.
    pub fn check_gradients(&self) {
        let (model, (ids, mask, [_, time])) = (self.model(), self.given());
        let logits = model.logits(&self.input(&model), Call::default()).expect("logits");
        let [batch, _, width] = logits.dims();
        let place = |i: usize| i % time + 1 < time && mask[i + 1] == 1;
        let labels: Vec<i64> = (0..ids.len()).map(|i| if place(i) { ids[i + 1] } else { 0 }).collect();
        let weights: Vec<f32> = (0..ids.len()).map(|i| f32::from(place(i))).collect();
        let (n, device) = (ids.len(), crate::device());
        let count: f32 = weights.iter().sum();
        let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [n]), &device);
        let weights = Tensor::<1>::from_data(TensorData::new(weights, [n]), &device);
        let loss = tongues_ops::cross_entropy_sum(logits.reshape([batch * time, width]), labels, weights) / f64::from(count);
        let theirs = f64::from(self.floats("loss")[0]);
        let ours = f64::from(values(loss.clone())[0]);
        assert!((ours - theirs).abs() <= TOLERANCE * theirs, "{}: loss {ours}, expected {theirs}", self.name());
        let gradients = GradientsParams::from_grads(loss.backward(), &model.net);
        let parts: Vec<_> = tensor_names(&model).into_iter().filter(|e| e.name.starts_with("parts.")).collect();
        assert!(!parts.is_empty(), "{}: no tensor trains", self.name());
        for entry in parts {
            let name = format!("grad.base_model.model.{}", entry.name.trim_start_matches("parts.part.at."));
            let (ours, theirs) = (values_of(&gradients, &entry).unwrap_or_else(|| panic!("{}: no {name}", self.name())), self.floats(&name));
            let largest = theirs.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())));
            assert_near(&format!("{}: {name}", self.name()), &ours, &theirs, 1e-3 * largest);
        }
    }

    /// Logits `[rows · time · vocabulary]` of the tokens' places.
    ///
    /// # Panics
    /// The model refuses the input.
    pub fn run(&self, model: &Model) -> Vec<f32> {
        let logits = model.logits(&self.input(model), Call::default()).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let ([_, walked, _], (_, _, [_, time])) = (logits.dims(), self.given());
        values(logits.narrow(1, walked - time, time))
    }

    fn near(&self, what: &str, ours: &[f32], reference: &str) {
        let (mask, theirs) = (self.given().1, self.floats(reference));
        let width = theirs.len() / mask.len();
        let real = |all: &[f32]| -> Vec<f32> { all.chunks(width).zip(&mask).filter(|(_, m)| **m == 1).flat_map(|(row, _)| row.to_vec()).collect() };
        let theirs = real(&theirs);
        assert_near(&format!("{}: {what}, against {reference}", self.name()), &real(ours), &theirs, TOLERANCE * spread(&theirs));
    }

    fn input(&self, model: &Model) -> Input {
        let (ids, mask, shape) = self.given();
        let ints = |v: Vec<i64>| Tensor::<2, Int>::from_data(TensorData::new(v, shape), &crate::device());
        let positions: Vec<i64> = (0..ids.len()).map(|i| (i % shape[1]) as i64).collect();
        let stream = Stream { ids: ints(ids), rows: None, valid: Some(ints(mask).equal_elem(1)), positions: ints(positions), segments: None };
        Input { streams: BTreeMap::from([(model.spec().main(), stream)]), ..Input::default() }
    }

    fn given(&self) -> (Vec<i64>, Vec<i64>, [usize; 2]) {
        let file = self.file();
        let shape = file.info("input_ids").expect("ids").shape.clone().try_into().expect("a rectangle");
        (file.i64("input_ids").expect("ids"), file.i64("attention_mask").expect("a mask"), shape)
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.file().f32(name).unwrap_or_else(|e| panic!("{}: {e}", self.name()))
    }

    fn file(&self) -> Checkpoint {
        open_file(&self.folder.join("reference.safetensors")).unwrap_or_else(|e| panic!("{}: {e}", self.name()))
    }

    fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}
