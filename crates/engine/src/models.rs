//! Tokenizers and models: read, trained, fresh.

use crate::datasets::texts;
use crate::identity::reading;
use crate::journal::ModelRecord;
use crate::shop::Shop;
use crate::surroundings::Surroundings;
use std::path::Path;
use std::sync::Arc;
use tongues_io::hf::{From, Keep, Reading};
use tongues_io::hub::{self, Located};
use tongues_io::{Algorithm, HfTokenizer, hf};
use tongues_kernel::{Built, Error, Init, Kind, Lineage, Model, Result, Tokenizer, build, find, refuse};
use tongues_recipe::ast::{self, Blocks, LoadRule, ModelDef, Scratch, TokenizerDef};

impl Shop<'_> {
    /// A model under `[models]`, or the result of an earlier stage. Tensors are shared.
    ///
    /// # Errors
    /// It cannot be read or made.
    pub fn model(&self, name: &str) -> Result<Model> {
        if let Some(found) = self.models.borrow().get(name) {
            return Ok(found.clone());
        }
        if let Some(record) = self.finished.borrow().get(name) {
            let model = self.reopened(name, record)?;
            self.put_model(name, model.clone());
            return Ok(model);
        }
        let Some(definition) = self.recipe.models.get(name) else {
            return refuse(format!("model `{name}`"), "a model or an earlier stage", "none of that name", "check [models] and the order of the stages");
        };
        let model = self.making(format!("model {name}"), || self.make_model(name, definition))?;
        self.put_model(name, model.clone());
        Ok(model)
    }

    /// The result of a stage that an earlier process finished, from its files.
    fn reopened(&self, name: &str, record: &ModelRecord) -> Result<Model> {
        let checkpoint = record.path(&self.root);
        let mut model = match &record.origin {
            // Read as the recipe says, with its dtype.
            Some(origin) => self.model(origin)?.without_parts(),
            None => hf::load(&checkpoint, &Reading::default(), &mut Surroundings::new(self, name))?,
        };
        for (part, dir) in &record.parts {
            hf::load_adapter(&self.root.join(dir), part, &mut model)?;
        }
        model.lineage = Lineage { steps: record.steps.clone(), base: Some(checkpoint.display().to_string()), origin: record.origin.clone() };
        Ok(model)
    }

    fn make_model(&self, name: &str, definition: &ModelDef) -> Result<Model> {
        let mut model = match (&definition.checkpoint, &definition.scratch) {
            (Some(dir), _) => self.read_model(name, dir, definition)?,
            (_, Some(scratch)) => self.fresh(name, scratch)?,
            _ => return refuse(format!("model `{name}`"), "`checkpoint` or `scratch`", "neither", ""),
        };
        model.lineage.origin = model.lineage.base.is_some().then(|| name.to_owned());
        for (i, dir) in definition.adapters.iter().enumerate() {
            let part = Path::new(dir).file_name().map_or_else(|| format!("adapter{i}"), |n| n.to_string_lossy().replace(['.', '@'], "-"));
            hf::load_adapter(&hub::locate(dir)?.dir, &part, &mut model)?;
        }
        Ok(model)
    }

    fn read_model(&self, name: &str, reference: &str, definition: &ModelDef) -> Result<Model> {
        let located = hub::locate(reference)?;
        let how = self.reading(definition)?;
        if definition.layers.is_some() && how.layers.is_empty() {
            return refuse(format!("models.{name}.layers"), "at least one block", "none", "write \"0..8\" for the first eight");
        }
        let mut model = hf::load(&located.dir, &how, &mut Surroundings::new(self, name)).map_err(|e| told(e, &located))?;
        model.lineage.base = how.is_whole().then(|| located.name.clone());
        model.lineage.steps.iter().filter(|step| step.contains("left out")).for_each(|step| self.note(format!("Model {name}: {step}")));
        for dir in std::iter::once(&located.dir).chain(how.from.iter().map(|f| &f.dir)) {
            self.note_files(dir)?;
        }
        Ok(model)
    }

    fn reading(&self, definition: &ModelDef) -> Result<Reading> {
        let from = |rule: &LoadRule| Ok(From { dir: hub::locate(&rule.from)?.dir, tensors: rule.tensors.clone(), into: rule.into.clone() });
        Ok(Reading {
            keep: keep(definition.dtype),
            allow_unused: definition.allow_unused,
            layers: definition.layers.as_ref().map(Blocks::numbers).unwrap_or_default(),
            from: definition.load.iter().map(from).collect::<Result<_>>()?,
            fresh: definition.fresh.clone(),
        })
    }

    /// Files of a checkpoint are inputs of the run.
    pub(crate) fn note_files(&self, dir: &Path) -> Result<()> {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "json" || e == "safetensors") {
                let ((), file) = reading(&path, || Ok(()))?;
                self.inputs.borrow_mut().insert(path.display().to_string(), file);
            }
        }
        Ok(())
    }

    fn fresh(&self, name: &str, scratch: &Scratch) -> Result<Model> {
        let tokenizer = self.tokenizer(&scratch.tokenizer)?;
        let mut options = scratch.options.clone();
        options.entry("vocab_size").or_insert(tokenizer.size().into());
        // Families that count positions from the padding token need the tokenizer's own.
        let asked = find(Kind::Backbone, &scratch.plugin).is_some_and(|p| (p.schema)().pointer("/properties/pad_token_id").is_some());
        if let Some(pad) = tokenizer.pad().filter(|_| asked) {
            options.entry("pad_token_id").or_insert(pad.into());
        }
        let mut cx = Surroundings::new(self, name);
        let Built::Backbone(family) = build(Kind::Backbone, &scratch.plugin, serde_json::Value::Object(options), &mut cx)? else {
            return Err(Error::run(&scratch.plugin, "a backbone plugin built something else"));
        };
        let draws = self.draws.stream("model").stream(name);
        let backbone = family.build(&Init { device: self.device.clone(), draws: Some(draws) })?;
        tongues_io::check_rows(tokenizer.as_ref(), backbone.spec().vocabulary)?;
        let mut model = Model::new(backbone, tokenizer);
        model.lineage.steps.push(format!("{} from scratch", scratch.plugin));
        Ok(model)
    }

    /// A tokenizer under `[tokenizers]`, or that of a model or stage.
    ///
    /// # Errors
    /// It cannot be read or trained.
    pub fn tokenizer(&self, name: &str) -> Result<Arc<dyn Tokenizer>> {
        if let Some(found) = self.tokenizers.borrow().get(name) {
            return Ok(found.clone());
        }
        let Some(definition) = self.recipe.tokenizers.get(name) else { return self.model(name)?.tokenizer().cloned() };
        let made = self.making(format!("tokenizer {name}"), || self.make_tokenizer(name, definition))?;
        self.tokenizers.borrow_mut().insert(name.into(), made.clone());
        Ok(made)
    }

    fn make_tokenizer(&self, name: &str, definition: &TokenizerDef) -> Result<Arc<dyn Tokenizer>> {
        match (&definition.file, &definition.train) {
            (Some(file), _) => Ok(Arc::new(HfTokenizer::open(&hub::locate(file)?.dir)?)),
            (_, Some(training)) => {
                let algorithm = match training.algorithm {
                    ast::Algorithm::Bpe => Algorithm::Bpe,
                    ast::Algorithm::Unigram => Algorithm::Unigram,
                };
                let texts = texts(&*self.records(&training.data)?)?;
                Ok(Arc::new(HfTokenizer::train_with(algorithm, training.size, &training.special, &mut texts.into_iter())?))
            }
            _ => refuse(format!("tokenizer `{name}`"), "`file` or `train`", "neither", ""),
        }
    }
}

/// An error of a model of the hub, told by its name: where the cache lies is nobody's business.
pub(crate) fn told(error: Error, located: &Located) -> Error {
    error.renamed(&located.dir.display().to_string(), &located.name)
}

fn keep(dtype: ast::LoadDtype) -> Keep {
    match dtype {
        ast::LoadDtype::Auto => Keep::Auto,
        ast::LoadDtype::Float32 => Keep::Float32,
        ast::LoadDtype::Bfloat16 => Keep::Bfloat16,
        ast::LoadDtype::Float16 => Keep::Float16,
        ast::LoadDtype::Int8 => Keep::Int8,
    }
}
