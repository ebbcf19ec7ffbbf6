//! What every merger promises.

use crate::{Surroundings, assert_near, check_refusals, randomise, snapshot, spread, toy_model};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use tongues_io::hf::merge_input;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Built, Draws, Fault, Kind, MergeInput, MergeInputs, Merger, Model, Planned, Result, Settings, Slice, build};

const SEED: u64 = 19;

/// A merger with options and a number of inputs, on toy models named `a`, `b`, `c`, …
pub struct MergerCase {
    name: String,
    options: Json,
    inputs: Vec<Model>,
    base: Option<usize>,
    settings: Vec<Settings>,
}

impl MergerCase {
    /// A registered merger with its options and so many inputs: the first is a toy model, the others differ a little from it.
    pub fn new(name: &str, options: Json, inputs: usize) -> Self {
        let one = |i: usize| {
            let mut model = toy_model(Draws::new(SEED));
            if i > 0 {
                randomise(&mut model, "model.layers", 0.3, Draws::new(SEED).example(i as u64));
            }
            model
        };
        Self { name: name.into(), options, inputs: (0..inputs).map(one).collect(), base: None, settings: vec![] }
    }

    /// With this input as the base model.
    #[must_use]
    pub fn base(self, base: usize) -> Self {
        Self { base: Some(base), ..self }
    }

    /// With settings of the models, in their order.
    ///
    /// # Panics
    /// They are no settings.
    #[must_use]
    pub fn settings(self, settings: Json) -> Self {
        Self { settings: serde_json::from_value(settings).unwrap_or_else(|e| panic!("settings: {e}")), ..self }
    }

    /// All checks.
    ///
    /// # Panics
    /// A promise is broken.
    pub fn check(&self) {
        self.plan_covers_everything();
        self.merging_one_with_itself_gives_it();
        self.mismatched_inputs_are_refused();
        self.is_deterministic();
        check_refusals(Kind::Merger, &self.name, &self.options);
    }

    fn built(&self, cx: &mut Surroundings) -> Box<dyn Merger> {
        match build(Kind::Merger, &self.name, self.options.clone(), cx) {
            Ok(Built::Merger(merger)) => merger,
            Ok(_) => panic!("{} is no merger", self.name),
            Err(error) => panic!("merger {}: cannot be built: {error}", self.name),
        }
    }

    fn surroundings(&self, inputs: &[Model]) -> Surroundings {
        let models = inputs.iter().enumerate().map(|(i, m)| (letter(i), m.clone())).collect();
        Surroundings { models, ..Surroundings::new(SEED) }
    }

    /// The merged tensors of these models.
    ///
    /// # Errors
    /// What the merger refuses.
    pub fn merged(&self, inputs: &[Model]) -> Result<BTreeMap<String, Vec<f32>>> {
        let mut cx = self.surroundings(inputs);
        let mut merger = self.built(&mut cx);
        let held: Vec<_> = inputs.iter().map(|m| snapshot(m, "")).collect();
        let plan = merger.plan(&self.headers(inputs), &mut cx)?;
        let slices = |reads: &[tongues_kernel::Read]| -> Vec<Slice<'_>> {
            let read = |r: &tongues_kernel::Read| {
                held[r.input].get(&r.name).unwrap_or_else(|| panic!("merger {}: the plan reads {}, which input {} lacks", self.name, r.name, r.input))
            };
            reads.iter().map(|r| Slice::of(read(r))).collect()
        };
        for pass in 0..plan.surveys {
            for out in &plan.outputs {
                merger.survey(pass, out, &slices(&out.reads))?;
            }
        }
        let mut merged = BTreeMap::new();
        for out in &plan.outputs {
            let slices = slices(&out.reads);
            let values = merger.merge(out, &slices, &mut cx)?.values(out.shape.iter().product(), &slices);
            assert_eq!(values.len(), out.shape.iter().product::<usize>(), "merger {}: values of {} against its shape {:?}", self.name, out.name, out.shape);
            merged.insert(out.name.clone(), values);
        }
        Ok(merged)
    }

    fn headers(&self, models: &[Model]) -> MergeInputs {
        let one = |(i, model): (usize, &Model)| {
            let tensors = tensor_names(model).into_iter().map(|e| (e.name, e.shape)).collect();
            let mut input = merge_input(&letter(i), model.spec(), tensors);
            input.settings = self.settings.get(i).cloned().unwrap_or_default().into();
            input
        };
        MergeInputs { models: models.iter().enumerate().map(one).collect(), base: self.base, slices: vec![] }
    }

    /// The plan names every tensor of the first input, once, and nothing that an input lacks.
    ///
    /// # Panics
    /// It does not.
    pub fn plan_covers_everything(&self) {
        let mut cx = self.surroundings(&self.inputs);
        let headers = self.headers(&self.inputs);
        let plan = self.built(&mut cx).plan(&headers, &mut cx).unwrap_or_else(|e| panic!("merger {}: {e}", self.name));
        let mut names: Vec<&String> = plan.outputs.iter().map(|o| &o.name).collect();
        names.sort();
        assert!(names.windows(2).all(|w| w[0] != w[1]), "merger {}: a tensor is planned twice", self.name);
        for name in headers.models[0].tensors.keys() {
            assert!(names.binary_search(&name).is_ok(), "merger {}: tensor {name} is not planned", self.name);
        }
        for read in plan.outputs.iter().flat_map(|o| &o.reads) {
            let known = headers.models.get(read.input).is_some_and(|h| h.tensors.contains_key(&read.name));
            assert!(known, "merger {}: the plan reads {} of input {}, which is not there", self.name, read.name, read.input);
        }
        let inputs = headers.models.len();
        assert!(plan.tokenizer < inputs, "merger {}: the tokenizer of input {} of {inputs}", self.name, plan.tokenizer);
        assert!(!plan.config.is_empty(), "merger {}: an empty config", self.name);
    }

    /// Several times the same model gives that model, within 1e-6 of each tensor's standard deviation.
    ///
    /// # Panics
    /// It does not.
    pub fn merging_one_with_itself_gives_it(&self) {
        let same: Vec<Model> = self.inputs.iter().map(|_| self.inputs[0].clone()).collect();
        let merged = self.merged(&same).unwrap_or_else(|e| panic!("merger {}: {e}", self.name));
        for (name, expected) in snapshot(&self.inputs[0], "") {
            let tolerance = 1e-6 * (1.0 + spread(&expected));
            assert_near(&format!("merger {}: {name} of a model merged with itself", self.name), &merged[&name], &expected, tolerance);
        }
    }

    /// An input that lacks a tensor, and one whose tensor has another shape, are refused as the user's fault, by name.
    ///
    /// # Panics
    /// They are accepted.
    pub fn mismatched_inputs_are_refused(&self) {
        const NAME: &str = "model.layers.0.mlp.up_proj.weight";
        let last = self.inputs.len() - 1;
        let (mut lacking, mut other) = (self.headers(&self.inputs), self.headers(&self.inputs));
        lacking.models[last].tensors.remove(NAME);
        other.models[last].tensors.insert(NAME.into(), vec![3, 5]);
        for (what, headers) in [("an input without", lacking), ("an input with another shape of", other)] {
            let mut cx = self.surroundings(&self.inputs);
            let error = self.built(&mut cx).plan(&headers, &mut cx).err();
            let error = error.unwrap_or_else(|| panic!("merger {}: {what} {NAME} was accepted", self.name));
            assert!(error.fault() == Fault::Input && error.to_string().contains(NAME), "merger {}: {what} {NAME} is refused so: {error}", self.name);
        }
    }

    /// The same inputs give the same values, bit for bit.
    ///
    /// # Panics
    /// They do not.
    pub fn is_deterministic(&self) {
        let run = || self.merged(&self.inputs).unwrap_or_else(|e| panic!("merger {}: {e}", self.name));
        let (a, b) = (run(), run());
        let bits = |m: &BTreeMap<String, Vec<f32>>| m.values().flatten().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert!(bits(&a) == bits(&b), "merger {}: the same inputs gave other values", self.name);
    }
}

/// What a registered merger makes of one tensor `w`, given by its values in every model.
///
/// # Errors
/// What the merger refuses.
///
/// # Panics
/// There is no such merger.
pub fn merged_values(name: &str, options: Json, base: Option<usize>, settings: Json, tensors: &[&[f32]]) -> Result<Vec<f32>> {
    let mut cx = Surroundings::new(SEED);
    let Built::Merger(mut merger) = build(Kind::Merger, name, options, &mut cx)? else { panic!("{name} is no merger") };
    let settings: Vec<Settings> = serde_json::from_value(settings).unwrap_or_else(|e| panic!("settings: {e}"));
    let one = |(i, x): (usize, &&[f32])| MergeInput {
        name: letter(i),
        tensors: BTreeMap::from([("w".into(), vec![x.len()])]),
        settings: settings.get(i).cloned().unwrap_or_default().into(),
        ..MergeInput::default()
    };
    let plan = merger.plan(&MergeInputs { models: tensors.iter().enumerate().map(one).collect(), base, slices: vec![] }, &mut cx)?;
    let slices = |out: &Planned| -> Vec<Slice<'_>> { out.reads.iter().map(|r| Slice::of(tensors[r.input])).collect() };
    for pass in 0..plan.surveys {
        merger.survey(pass, &plan.outputs[0], &slices(&plan.outputs[0]))?;
    }
    let (out, slices) = (&plan.outputs[0], slices(&plan.outputs[0]));
    Ok(merger.merge(out, &slices, &mut cx)?.values(tensors[0].len(), &slices))
}

/// `a`, `b`, `c`, …
fn letter(i: usize) -> String {
    char::from(b'a' + i as u8).to_string()
}
