//! A family of networks against its reference, on checkpoints that the reference wrote.

use crate::given::Given;
use crate::gradient::values_of;
use crate::{assert_near, spread};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tongues_io::{Checkpoint, hf, open_file};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::burn::tensor::activation::log_softmax;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Bare, Call, Draws, Model, Role, Session, Site, Stack, values};

/// Allowed difference of logits and states, in standard deviations of the reference.
pub(crate) const TOLERANCE: f64 = 1e-4;
/// A wrong reading must be so many tolerances away.
const SHOWS: f64 = 100.0;
/// Allowed difference of a gradient, relative to its largest entry.
const GRADIENT: f64 = 1e-3;
/// Allowed difference of a gradient, relative to the largest entry of all gradients.
const ROUNDING: f64 = 1e-6;

/// A folder with a checkpoint (`config.json`, `model.safetensors`) and what the reference computes with it:
/// `reference.safetensors` with `input_ids`, `attention_mask`, `logits`, `hidden.0` (before the first block) to `hidden.L`,
/// `hidden.final`, `loss` and `grad.<name>`; `flags.safetensors` with logits of wrong readings.
#[derive(Clone, Debug)]
pub struct BackboneCase {
    folder: PathBuf,
    /// Sessions read rows up to this length.
    length: usize,
}

impl BackboneCase {
    /// The case in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), length: usize::MAX }
    }

    /// Sessions read rows up to this length only: where the length of a text changes how it is read, keys that are kept are
    /// those of a shorter text.
    #[must_use]
    pub fn with_sessions_up_to(self, length: usize) -> Self {
        Self { length, ..self }
    }

    /// Everything that a case can show.
    ///
    /// # Panics
    /// With the case, the place and the size of the first difference.
    pub fn check(&self) {
        self.check_states();
        self.check_gradients();
        self.check_flags();
        self.check_sessions();
        self.check_saved();
    }

    /// The network on a device with gradients.
    ///
    /// # Panics
    /// The checkpoint is refused.
    pub fn model(&self) -> Model {
        let mut cx = Bare { device: crate::device().autodiff(), draws: Draws::new(0) };
        let backbone =
            hf::load_backbone(&self.folder, &hf::Reading::default(), &mut cx).unwrap_or_else(|e| panic!("{}: the checkpoint is refused: {e}", self.name()));
        Model::without_tokenizer(backbone)
    }

    /// Logits and the states before the first block, after each, and after the last norm, at every place that is no pad.
    ///
    /// # Panics
    /// One is further away than 1e-4 of the standard deviation of the reference.
    pub fn check_states(&self) {
        let (model, given, reference) = (self.model().inference(), self.given(), self.file("reference"));
        let main = model.spec().main();
        let layers = model.spec().layers(main);
        let block = |layer| Site::new(main, layer, Role::Block);
        let mut sites: Vec<Site> = (0..layers).map(block).collect();
        sites.push(Site::new(main, 0, Role::Final));
        let mut pass = model.pass(Call::default()).reading(&sites);
        let input = given.input(&model);
        let hidden = model.walk(&input, None, &mut pass).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let logits = model.read_out_with(hidden.x, false, &mut pass).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let entered = model.walk(&input, Some(0), &mut model.pass(Call::default())).expect("a walk through no block").x;
        let mut found = vec![("logits".to_owned(), values(logits)), ("hidden.0".to_owned(), values(entered))];
        for (i, site) in sites.iter().enumerate() {
            let name = if i == layers { "hidden.final".to_owned() } else { format!("hidden.{}", i + 1) };
            found.push((name, values(pass.read(*site).expect("a tapped place"))));
        }
        for (name, ours) in found {
            let theirs = floats(&reference, &name);
            let worst = given.apart(&ours, &theirs);
            assert!(worst <= 1.0, "{}: {name} is {worst} tolerances away", self.name());
        }
    }

    /// The loss and its gradient at every parameter.
    ///
    /// # Panics
    /// The loss is further away than 1e-4 of itself, or a gradient than 1e-3 of its largest entry.
    pub fn check_gradients(&self) {
        let (model, given, reference) = (self.model(), self.given(), self.file("reference"));
        let logits = model.logits(&given.input(&model), Call::default()).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let [batch, time, vocabulary] = logits.dims();
        let (labels, weights) = given.next();
        let count: f32 = weights.iter().sum();
        let device = crate::device();
        let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [batch * time]), &device);
        let weights = Tensor::<1>::from_data(TensorData::new(weights, [batch * time]), &device);
        let loss = tongues_ops::cross_entropy_sum(logits.reshape([batch * time, vocabulary]), labels, weights) / f64::from(count);
        let theirs = f64::from(floats(&reference, "loss")[0]);
        let ours = f64::from(values(loss.clone())[0]);
        assert!((ours - theirs).abs() <= TOLERANCE * theirs, "{}: loss {ours}, expected {theirs}", self.name());
        let mut gradients = loss.backward();
        let gradients = GradientsParams::from_module(&mut gradients, &model.net);
        let names: Vec<String> = reference.names().filter(|n| n.starts_with("grad.")).map(str::to_owned).collect();
        let mut expected = names.len();
        // What is nought but for rounding, such as the gradient of a bias of keys alone, has no digits to compare.
        let rounding = ROUNDING * names.iter().map(|n| largest(&floats(&reference, n))).fold(0.0, f64::max);
        for entry in tensor_names(&model) {
            let ours = values_of(&gradients, &entry).unwrap_or_else(|| panic!("{}: {} gets no gradient", self.name(), entry.name));
            let theirs = self.in_memory(&model, &entry.name, &entry.shape, floats(&reference, &format!("grad.{}", entry.name)));
            let allowed = (GRADIENT * largest(&theirs)).max(rounding);
            assert_near(&format!("{}: gradient of {}", self.name(), entry.name), &ours, &theirs, allowed);
            expected -= 1;
        }
        assert_eq!(expected, 0, "{}: the reference has gradients of other parameters", self.name());
    }

    /// A matrix of the files in the layout of memory.
    fn in_memory(&self, model: &Model, name: &str, shape: &[usize], values: Vec<f32>) -> Vec<f32> {
        match shape {
            [rows, columns] if model.spec().is_transposed(name) => {
                (0..*rows).flat_map(|r| (0..*columns).map(move |c| (r, c))).map(|(r, c)| values[c * rows + r]).collect()
            }
            _ => values,
        }
    }

    /// Every wrong reading is far away from what the network computes.
    ///
    /// # Panics
    /// One is nearer than 100 tolerances.
    pub fn check_flags(&self) {
        let (model, given, flags) = (self.model().inference(), self.given(), self.file("flags"));
        let ours = values(model.logits(&given.input(&model), Call::default()).unwrap_or_else(|e| panic!("{}: {e}", self.name())));
        let names: Vec<String> = flags.names().map(str::to_owned).collect();
        assert!(!names.is_empty(), "{}: no flags", self.name());
        for flag in names {
            let worst = given.apart(&ours, &floats(&flags, &flag));
            assert!(worst >= SHOWS, "{}: with {flag} misread the output is only {worst} tolerances away", self.name());
        }
    }

    /// Rows of unequal length, read token by token with their keys and values kept, give the log-probabilities of whole rows.
    /// Encoders refuse to be read so.
    ///
    /// # Panics
    /// They do not.
    pub fn check_sessions(&self) {
        let (model, given) = (self.model().inference(), self.given());
        if model.spec().main() != Stack::Decoder {
            let refused = Session::open(&model, &[&[3, 4]]).err().unwrap_or_else(|| panic!("{}: an encoder writes", self.name()));
            assert!(refused.to_string().contains("an encoder"), "{}: {refused}", self.name());
            return;
        }
        let rows: Vec<Vec<u32>> = given.rows().into_iter().map(|row| row.into_iter().take(self.length).collect()).collect();
        let whole: Vec<Vec<f32>> = rows.iter().map(|row| all_scores(&model, row)).collect();
        let size = model.spec().vocabulary;
        let starts: Vec<usize> = (0..rows.len()).map(|r| 2 + 2 * r).collect();
        let prompts: Vec<&[u32]> = rows.iter().zip(&starts).map(|(row, n)| &row[..*n]).collect();
        let (mut session, mut scores) = Session::open(&model, &prompts).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let steps = rows.iter().zip(&starts).map(|(row, n)| row.len() - n).min().unwrap_or(0);
        for step in 0..=steps {
            let found = values(scores);
            for (r, start) in starts.iter().enumerate() {
                let theirs = &whole[r][(start + step - 1) * size..(start + step) * size];
                let what = format!("{}: row {r} at token {}", self.name(), start + step - 1);
                assert_near(&what, &found[r * size..(r + 1) * size], theirs, TOLERANCE * spread(theirs));
            }
            if step == steps {
                return;
            }
            let next: Vec<u32> = rows.iter().zip(&starts).map(|(row, n)| row[n + step]).collect();
            scores = session.push(&next).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        }
    }

    /// A saved model has the names, shapes and values of the checkpoint, and is read back with the same logits.
    ///
    /// # Panics
    /// It does not.
    pub fn check_saved(&self) {
        let model = self.model();
        let folder = std::env::temp_dir().join(format!("tongues-case-{}-{}", std::process::id(), self.name().replace(['/', '\\'], "-")));
        std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        hf::save(&model, None, &folder).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let (here, there) = (contents(&self.folder.join("model.safetensors")), contents(&folder.join("model.safetensors")));
        let prefix = &model.spec().stored.prefix;
        // Old files lack the prefix and hold buffers; nothing may be written that they lack.
        for (name, (shape, values)) in &there {
            let (old_shape, old) =
                here.get(name).or_else(|| here.get(name.strip_prefix(prefix.as_str())?)).unwrap_or_else(|| panic!("{}: {name} is new", self.name()));
            assert!(shape == old_shape && values == old, "{}: {name} changed", self.name());
        }
        assert_eq!(there.len(), tensor_names(&model).len(), "{}: tensors were left out", self.name());
        let again = Self::new(&folder).model().inference();
        let logits = |model: &Model| values(model.logits(&self.given().input(model), Call::default()).unwrap_or_else(|e| panic!("{}: {e}", self.name())));
        assert!(logits(&again) == logits(&model.inference()), "{}: the saved model is another one", self.name());
        let _ = std::fs::remove_dir_all(&folder);
    }

    fn name(&self) -> String {
        let parts: Vec<String> = self.folder.components().rev().take(2).map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        parts.into_iter().rev().collect::<Vec<_>>().join("/")
    }

    fn file(&self, name: &str) -> Checkpoint {
        open_file(&self.folder.join(format!("{name}.safetensors"))).unwrap_or_else(|e| panic!("{}: {e}", self.name()))
    }

    pub(crate) fn given(&self) -> Given {
        let file = self.file("reference");
        let ints = |name| file.i64(name).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let shape = file.info("input_ids").map(|i| i.shape.clone()).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        Given { ids: ints("input_ids"), mask: ints("attention_mask"), shape: shape.try_into().expect("a matrix of ids") }
    }
}

/// Log-probabilities of the next token at every place of a row, in one pass.
fn all_scores(model: &Model, row: &[u32]) -> Vec<f32> {
    let ids: Vec<i64> = row.iter().map(|i| i64::from(*i)).collect();
    let given = Given { mask: vec![1; ids.len()], shape: [1, ids.len()], ids };
    let logits = model.logits(&given.input(model), Call::default()).unwrap_or_else(|e| panic!("a row of {} tokens: {e}", row.len()));
    let [_, time, vocabulary] = logits.dims();
    values(log_softmax(logits.reshape([time, vocabulary]), 1))
}

fn largest(values: &[f32]) -> f64 {
    values.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())))
}

pub(crate) fn floats(file: &Checkpoint, name: &str) -> Vec<f32> {
    file.f32(name).unwrap_or_else(|e| panic!("{e}"))
}

pub(crate) fn contents(path: &std::path::Path) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let file = open_file(path).unwrap_or_else(|e| panic!("{e}"));
    let one = |name: &str| (name.to_owned(), (file.info(name).expect("a listed tensor").shape.clone(), floats(&file, name)));
    // Buffers of whole numbers are nobody's parameters.
    file.names().filter(|name| file.i64(name).is_err()).map(one).collect()
}
