//! What every adapter promises.

use crate::{Surroundings, assert_near, causal_loss, check_gradients, check_refusals, gradients, logits, random_batch, randomise, snapshot, spread, toy_model};
use serde_json::Value as Json;
use tongues_kernel::{Adapter, Batch, Built, Draws, Folded, Kind, Model, OnDisk, build, part_format};

const SEED: u64 = 11;

/// An adapter with options, on the toy model or one of the test's own.
pub struct AdapterCase {
    name: String,
    options: Json,
    model: Box<dyn Fn(Draws) -> Model>,
    texts: Vec<String>,
    random: bool,
}

impl AdapterCase {
    /// A registered adapter with its options, on [`toy_model`].
    pub fn new(name: &str, options: Json) -> Self {
        Self { name: name.into(), options, model: Box::new(toy_model), texts: vec![], random: true }
    }

    /// On another model; equal draws must give equal models.
    #[must_use]
    pub fn with_model(self, model: impl Fn(Draws) -> Model + 'static) -> Self {
        Self { model: Box::new(model), ..self }
    }

    /// With texts as the stage's data.
    #[must_use]
    pub fn with_texts<'t>(self, texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self { texts: texts.into_iter().map(String::from).collect(), ..self }
    }

    /// The adapter draws nothing: other seeds need not give other parameters.
    #[must_use]
    pub fn without_draws(self) -> Self {
        Self { random: false, ..self }
    }

    /// All checks of an adapter whose parts train, fold and are saved.
    ///
    /// # Panics
    /// A promise is broken.
    pub fn check(&self) {
        self.starts_as_promised();
        self.gradients();
        self.recomputation();
        self.folds();
        self.round_trip();
        self.is_deterministic();
        check_refusals(Kind::Adapter, &self.name, &self.options);
    }

    /// The model before the adapter.
    pub fn bare(&self) -> Model {
        (self.model)(Draws::new(SEED))
    }

    /// The model with the adapter, and what the adapter noted.
    ///
    /// # Panics
    /// The adapter cannot be built or attached.
    pub fn attached(&self, seed: u64) -> (Model, Vec<String>) {
        let mut cx = Surroundings::new(seed).with_texts(self.texts.iter().map(String::as_str));
        let mut model = self.bare();
        let adapter = self.built(&mut cx);
        adapter.attach(&mut model, &mut cx).unwrap_or_else(|e| panic!("adapter {}: cannot be attached: {e}", self.name));
        (model, cx.notes)
    }

    fn built(&self, cx: &mut Surroundings) -> Box<dyn Adapter> {
        match build(Kind::Adapter, &self.name, self.options.clone(), cx) {
            Ok(Built::Adapter(adapter)) => adapter,
            Ok(_) => panic!("{} is no adapter", self.name),
            Err(error) => panic!("adapter {}: cannot be built: {error}", self.name),
        }
    }

    /// The model with the adapter, its parts' parameters random, so that nothing is zero.
    pub fn trained(&self) -> Model {
        let (mut model, _) = self.attached(SEED);
        randomise(&mut model, "parts.", 0.2, Draws::new(SEED));
        model
    }

    fn batch(&self) -> Batch {
        random_batch(Draws::new(SEED), 3, 12, self.bare().spec().vocabulary)
    }

    /// Where all parts promise to start as the identity: the logits of the old tokens are unchanged, to the last bit. Every
    /// tensor of the old model keeps its values; a grown one keeps its old rows.
    ///
    /// # Panics
    /// They do not.
    pub fn starts_as_promised(&self) {
        let (bare, (model, _)) = (self.bare(), self.attached(SEED));
        let new = snapshot(&model, "");
        for (name, old) in snapshot(&bare, "") {
            let kept = new.get(&name).is_some_and(|values| values.len() >= old.len() && values[..old.len()] == old[..]);
            assert!(kept, "adapter {}: tensor {name} of the old model changed", self.name);
        }
        if model.net.parts.list().iter().all(|attached| attached.part.starts_as_identity()) {
            let batch = self.batch();
            let ((old, [_, _, width]), (new, [_, _, grown])) = (logits(&bare, &batch), logits(&model, &batch));
            let new: Vec<f32> = new.chunks(grown).flat_map(|row| row[..width].to_vec()).collect();
            assert_near(&format!("adapter {}: logits after attaching, of old tokens", self.name), &new, &old, 0.0);
        }
    }

    /// Gradients of the causal loss for every tensor of the parts equal finite differences.
    ///
    /// # Panics
    /// They do not.
    pub fn gradients(&self) {
        let (model, batch, draws) = (self.trained(), self.batch(), Draws::new(SEED));
        let found = gradients(&model, &batch, draws, false);
        check_gradients(&model, "parts.", &found, &|model| causal_loss(model, &batch, draws));
    }

    /// Blocks that run without a graph and again on the way back give the same gradients.
    ///
    /// # Panics
    /// They do not.
    pub fn recomputation(&self) {
        let (model, batch, draws) = (self.trained(), self.batch(), Draws::new(SEED));
        let (plain, again) = (gradients(&model, &batch, draws, false), gradients(&model, &batch, draws, true));
        for (name, plain) in plain {
            let again = again.get(&name).unwrap_or_else(|| panic!("adapter {}: {name} gets no gradient under recomputation", self.name));
            let largest = plain.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())));
            assert_near(&format!("adapter {}: gradient of {name} under recomputation", self.name), again, &plain, 1e-4 * largest + 1e-6);
        }
    }

    /// Parts that fold give the same logits from the weights alone, within 1e-5 of their standard deviation.
    ///
    /// # Panics
    /// They do not, or a part that folded is still in the model.
    pub fn folds(&self) {
        let (model, batch) = (self.trained(), self.batch());
        let (before, _) = logits(&model, &batch);
        let mut folded = model.clone();
        let outcome = folded.fold().unwrap_or_else(|e| panic!("adapter {}: cannot fold: {e}", self.name));
        for (part, outcome) in outcome {
            let still = folded.net.parts.list().iter().any(|a| a.name == part);
            assert_eq!(still, outcome != Folded::Exact, "adapter {}: part {part} after folding ({outcome:?})", self.name);
        }
        let (after, _) = logits(&folded, &batch);
        assert_near(&format!("adapter {}: logits after folding", self.name), &after, &before, 1e-5 * spread(&before).max(1.0));
    }

    /// Every part, saved and read back through the registry into a fresh model, gives the same logits and the same files.
    ///
    /// # Panics
    /// It does not, or the adapter has no part.
    pub fn round_trip(&self) {
        let (model, mut fresh) = (self.trained(), self.bare());
        assert!(!model.net.parts.is_empty(), "adapter {}: no part to save", self.name);
        for attached in model.net.parts.list() {
            let saved = self.saved(&model, &attached.name);
            let kind = saved.kind().unwrap_or_else(|| panic!("adapter {}: no peft_type, nor AdapterHub's config", self.name));
            let format = part_format(&kind).unwrap_or_else(|e| panic!("adapter {}: {e}", self.name));
            (format.load)(&saved, &attached.name, &mut fresh).unwrap_or_else(|e| panic!("adapter {}: cannot read what it saved: {e}", self.name));
            let again = self.saved(&fresh, &attached.name);
            assert_eq!(Json::Object(again.config), Json::Object(saved.config), "adapter {}: config of a second save", self.name);
            assert!(bits(&again.tensors) == bits(&saved.tensors), "adapter {}: tensors of a second save", self.name);
        }
        let batch = self.batch();
        let ((old, _), (new, _)) = (logits(&model, &batch), logits(&fresh, &batch));
        assert_near(&format!("adapter {}: logits after saving and loading", self.name), &new, &old, 0.0);
    }

    fn saved(&self, model: &Model, part: &str) -> OnDisk {
        let attached = model.net.parts.list().iter().find(|a| a.name == part);
        let attached = attached.unwrap_or_else(|| panic!("adapter {}: no part {part} after loading", self.name));
        attached.part.save().unwrap_or_else(|e| panic!("adapter {}: part {part} cannot be saved: {e}", self.name))
    }

    /// Equal draws give equal models, bit for bit; another seed gives another, where the adapter draws at all.
    ///
    /// # Panics
    /// They do not.
    pub fn is_deterministic(&self) {
        let [a, b, c] = [SEED, SEED, SEED + 1].map(|seed| snapshot(&self.attached(seed).0, ""));
        assert!(bits_of(&a) == bits_of(&b), "adapter {}: equal draws gave different parameters", self.name);
        assert!(!self.random || bits_of(&a) != bits_of(&c), "adapter {}: another seed gave the same parameters", self.name);
    }
}

type Tensors<V> = std::collections::BTreeMap<String, V>;

fn bits(tensors: &Tensors<(Vec<usize>, Vec<f32>)>) -> Vec<(&String, &Vec<usize>, Vec<u32>)> {
    tensors.iter().map(|(name, (shape, values))| (name, shape, values.iter().map(|v| v.to_bits()).collect())).collect()
}

fn bits_of(tensors: &Tensors<Vec<f32>>) -> Vec<(&String, Vec<u32>)> {
    tensors.iter().map(|(name, values)| (name, values.iter().map(|v| v.to_bits()).collect())).collect()
}
