//! An adapter folder that another program wrote, against what that program computes with it.

use crate::backbone::{contents, floats};
use crate::given::Given;
use crate::{BackboneCase, spread};
use serde_json::Value as Json;
use std::path::PathBuf;
use tongues_io::{config, hf, open_file};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Call, Model, OnDisk, language_number, values};

/// Keys that only the writer of a folder knows.
const ABOUT: [&str; 4] = ["base_model_name_or_path", "model_name", "version", "model_class"];

/// A folder of fixtures: checkpoints, and a folder a case with an adapter and `reference.safetensors`.
#[derive(Clone, Debug)]
pub struct HubCase {
    folder: PathBuf,
    base: String,
    case: String,
}

impl HubCase {
    /// The adapter in `folder/case` on the checkpoint in `folder/base`.
    pub fn new(folder: impl Into<PathBuf>, base: &str, case: &str) -> Self {
        Self { folder: folder.into(), base: base.into(), case: case.into() }
    }

    /// The checkpoint without the adapter.
    pub fn base(&self) -> Model {
        BackboneCase::new(self.folder.join(&self.base)).model()
    }

    /// The folder in memory.
    ///
    /// # Panics
    /// It cannot be read.
    pub fn disk(&self) -> OnDisk {
        let dir = self.folder.join(&self.case);
        let config = config::read_object(&dir.join("adapter_config.json")).unwrap_or_else(|e| panic!("{e}"));
        OnDisk { config, tensors: contents(&hf::adapter_tensors(&dir)) }
    }

    /// The checkpoint with the adapter, as parts of these first names.
    ///
    /// # Panics
    /// The folder is refused.
    pub fn adapted(&self, name: &str) -> Model {
        let mut model = self.base();
        hf::load_adapter(&self.folder.join(&self.case), name, &mut model).unwrap_or_else(|e| panic!("{}: {e}", self.case));
        model
    }

    /// Logits with and without the adapter are the reference's at every place that is no pad, within 1e-4 of their standard
    /// deviation; and every tensor and key is written again as it was read.
    ///
    /// # Panics
    /// With the case and the size of the first difference.
    pub fn check(&self) {
        let (base, model) = (self.base(), self.adapted("sw"));
        assert!(self.apart(&base, "logits_base", None) <= 1.0, "{}: the base is another", self.case);
        let worst = self.apart(&model, "logits", None);
        assert!(worst <= 1.0, "{}: logits are {worst} tolerances away", self.case);
        assert!(self.apart(&base, "logits", None) > 100.0, "{}: the adapter does not show", self.case);
        self.check_written(&model);
    }

    /// What the parts write together is what was read.
    fn check_written(&self, model: &Model) {
        let disk_read = self.disk();
        // A prefix is written again under the name of every attention.
        let read: std::collections::BTreeMap<_, _> =
            disk_read.tensors.iter().filter(|(n, _)| !n.contains(".prefix_tuning.pool.")).map(|(n, t)| (n.clone(), t.clone())).collect();
        let mut written = std::collections::BTreeMap::new();
        for attached in model.net.parts.list() {
            let disk = attached.part.save().unwrap_or_else(|e| panic!("{}: {e}", self.case));
            // A part of a folder that made several is named after them; its tensors' names hold its own.
            let own = |name: String| name.replace(&format!(".{}.", attached.name), ".sw.");
            written.extend(disk.tensors.into_iter().map(|(n, t)| (own(n), t)));
            if model.net.parts.list().len() == 1 {
                for (key, value) in disk_read.config.iter().filter(|(k, _)| !ABOUT.contains(&k.as_str())) {
                    assert_eq!(&disk.config[key], value, "{}: {key}", self.case);
                }
            }
        }
        let names = |tensors: &std::collections::BTreeMap<String, (Vec<usize>, Vec<f32>)>| tensors.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&written), names(&read), "{}: names of tensors", self.case);
        assert!(written == read, "{}: tensors written again differ", self.case);
    }

    /// The largest difference of a model's logits to the reference's of that name, in tolerances of 1e-4 standard deviations;
    /// with the language of each row where parts read it.
    ///
    /// # Panics
    /// The model refuses the input.
    pub fn apart(&self, model: &Model, name: &str, languages: Option<&[&str]>) -> f64 {
        let (given, expected) = self.reference(name);
        let logits = self.logits(model, languages);
        assert!(spread(&expected) > 0.1, "{}: the reference says nothing", self.case);
        given.apart(&logits, &expected)
    }

    /// A model's logits on the reference's input, row by row.
    ///
    /// # Panics
    /// The model refuses the input.
    pub fn logits(&self, model: &Model, languages: Option<&[&str]>) -> Vec<f32> {
        let (model, mut input) = (model.inference(), self.given().input(model));
        if let Some(languages) = languages {
            let numbers: Vec<i64> = languages.iter().map(|l| language_number(l)).collect();
            let column = Tensor::<1, Int>::from_data(TensorData::new(numbers, [languages.len()]), &model.plain_device());
            input.columns.insert("language".into(), column);
        }
        values(model.logits(&input, Call::default()).unwrap_or_else(|e| panic!("{}: {e}", self.case)))
    }

    /// What the reader says of the folder after a change.
    ///
    /// # Panics
    /// It is accepted.
    pub fn refused(&self, change: impl Fn(&mut OnDisk)) -> String {
        let (mut disk, mut model) = (self.disk(), self.base());
        change(&mut disk);
        let kind = disk.kind().unwrap_or_else(|| panic!("{}: no kind", self.case));
        let read = tongues_kernel::part_format(&kind).and_then(|format| (format.load)(&disk, "sw", &mut model));
        read.err().unwrap_or_else(|| panic!("{}: the changed folder was accepted", self.case)).to_string()
    }

    /// [`Self::refused`] with one of the method's keys changed; the message must name it.
    ///
    /// # Panics
    /// It is accepted, or refused without the key's name.
    pub fn refuses_key(&self, key: &str, value: &Json) {
        let message = self.refused(|disk| disk.config["config"][key] = value.clone());
        assert!(message.contains(key), "{}: {key} = {value}: {message}", self.case);
    }

    fn given(&self) -> Given {
        BackboneCase::new(self.folder.join(&self.case)).given()
    }

    fn reference(&self, name: &str) -> (Given, Vec<f32>) {
        let file = open_file(&self.folder.join(&self.case).join("reference.safetensors")).unwrap_or_else(|e| panic!("{e}"));
        (self.given(), floats(&file, name))
    }
}
