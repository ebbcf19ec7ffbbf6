//! A merge from its inputs to a folder: planned, streamed, read back.

use crate::card::{Told, card};
use crate::merged_tokens::Tokens;
use crate::models::told;
use crate::shop::Shop;
use crate::surroundings::Surroundings;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use tongues_io::hf::{self, Opened, Reading, certificate};
use tongues_io::{Dtype, hub, write_atomic};
use tongues_kernel::{
    Built, Context, Error, Fault, Kind, MergeInputs, MergePlan, MergeSlice, MergeSource, Merger, Model, Result, Settings, build, nearest, refuse,
};
use tongues_merge::{Job, Pending, Source, Watch, quick_warnings, stream, survey};
use tongues_recipe::ast::Merge;

/// Bytes of tensors in one file.
const SHARD_BYTES: usize = 5_000_000_000;
/// Bytes written before they are flushed and noted.
const FLUSH_BYTES: usize = 1 << 29;

/// What is merged, into which folder.
pub struct Request<'r> {
    /// Data and models.
    pub shop: &'r Shop<'r>,
    /// The stage's table.
    pub merge: &'r Merge,
    /// The stage's name.
    pub name: &'r str,
    /// The dtype of the result; that of the base, or of the first model, where absent.
    pub dtype: Option<Dtype>,
    /// The folder of the result.
    pub target: &'r Path,
    /// Files that stand beside the model: name and text.
    pub beside: &'r [(&'r str, &'r str)],
}

/// The inputs of a merge with what the merger is told of them.
pub struct Inputs {
    /// Where they are read.
    pub sources: Vec<Source>,
    /// Their names.
    pub names: Vec<String>,
    /// Their headers.
    pub headers: MergeInputs,
}

impl Shop<'_> {
    /// A model as a source of a merge: its folder where nothing was changed since it was read, else the model with its adapters folded.
    ///
    /// # Errors
    /// It cannot be read, or an adapter cannot be folded.
    pub fn source(&self, name: &str) -> Result<Source> {
        if let (None, Some(dir)) = (self.models.borrow().get(name), self.plain(name)) {
            let located = hub::locate(dir)?;
            if self.lists_inputs {
                self.note_files(&located.dir)?;
            }
            let opened = Opened::open(&located.dir, &mut Surroundings::new(self, name)).map_err(|e| told(e, &located))?;
            return Ok(Source::Files(Box::new(opened)));
        }
        let model = self.model(name)?;
        if let (true, Some(base)) = (model.net.parts.list().is_empty(), &model.lineage.base) {
            let mut cx = Surroundings::new(self, name);
            return Ok(Source::Files(Box::new(Opened::open(&hub::locate(base)?.dir, &mut cx)?)));
        }
        let mut model = model.inference();
        crate::stage::fold_all(&mut model, name)?;
        Ok(Source::Live(Box::new(model)))
    }
}

impl Shop<'_> {
    /// The folder of a model that is what its folder holds.
    fn plain(&self, name: &str) -> Option<&str> {
        let def = self.recipe.models.get(name)?;
        let changed = def.layers.is_some() || def.allow_unused || !(def.load.is_empty() && def.fresh.is_empty() && def.adapters.is_empty());
        def.checkpoint.as_deref().filter(|_| !changed)
    }
}

impl Inputs {
    /// The models that a merge names. Whole models are one input an entry, also where one stands twice; slices name each model once.
    ///
    /// # Errors
    /// A model cannot be read, or a slice is of unequal lengths.
    pub fn of(shop: &Shop<'_>, merge: &Merge) -> Result<Self> {
        let (names, settings): (Vec<String>, Vec<Settings>) = if merge.slices.is_empty() {
            let mut all: Vec<(String, Settings)> = merge.models.iter().map(|m| (m.name().to_owned(), m.settings())).collect();
            if let Some(base) = merge.base_model.as_ref().filter(|base| all.iter().all(|(name, _)| name != *base)) {
                all.push((base.clone(), Settings::new()));
            }
            all.into_iter().unzip()
        } else {
            merge.names().into_iter().map(|name| (name.to_owned(), Settings::new())).unzip()
        };
        let sources = names.iter().map(|name| shop.source(name)).collect::<Result<Vec<_>>>()?;
        let mut headers = MergeInputs { base: merge.base_model.as_ref().and_then(|base| names.iter().position(|n| n == base)), ..MergeInputs::default() };
        for ((source, name), settings) in sources.iter().zip(&names).zip(settings) {
            let mut header = source.header(name)?;
            header.settings = Arc::new(settings);
            headers.models.push(header);
        }
        headers.slices = slices(merge, &names)?;
        Ok(Self { sources, names, headers })
    }
}

fn slices(merge: &Merge, names: &[String]) -> Result<Vec<MergeSlice>> {
    let slice = |(i, slice): (usize, &tongues_recipe::ast::MergeSlice)| {
        let ranges: Vec<[usize; 2]> = slice.sources.iter().map(|s| s.layer_range).collect();
        let counts: Vec<usize> = ranges.iter().map(|[from, to]| to.saturating_sub(*from)).collect();
        if counts.iter().any(|c| *c != counts[0] || *c == 0) {
            return refuse(
                format!("merge: slices[{i}]"),
                "equally many layers of every source, at least one",
                format!("{ranges:?}"),
                "layer_range = [first, behind the last]",
            );
        }
        let input = |name: &String| names.iter().position(|n| n == name).ok_or_else(|| Error::run(name, "a source that is no input"));
        let source = |s: &tongues_recipe::ast::MergeSource| {
            Ok(MergeSource { input: input(&s.model)?, first: s.layer_range[0], settings: Arc::new(s.parameters.clone()) })
        };
        let sources = slice.sources.iter().map(source).collect::<Result<Vec<_>>>()?;
        Ok(MergeSlice { sources, count: counts[0], settings: Arc::new(slice.parameters.clone()) })
    };
    merge.slices.iter().enumerate().map(slice).collect()
}

/// Merges into the request's folder, which appears when it is whole; a merge that was killed goes on.
///
/// # Errors
/// The inputs do not fit together, a number is not finite, the disk fails, or someone asked to stop.
pub fn merge(request: &Request<'_>, watch: &dyn Watch) -> Result<Model> {
    let (merge, shop) = (request.merge, request.shop);
    if let Some(text) = merge.memory.as_ref().filter(|_| merge.memory_bytes().is_none()) {
        return refuse("memory", "a size such as 4GB or 500 MB", format!("\"{text}\""), "write a number and KB, MB, GB or TB");
    }
    let mut inputs = Inputs::of(shop, merge)?;
    let tokens = Tokens::of(merge, &mut inputs)?;
    let mut cx = Surroundings::new(shop, request.name);
    tokens.joined.iter().flat_map(|joined| &joined.notes).for_each(|note| cx.note(note.clone()));
    let mut merger = merger(merge, &mut cx)?;
    check_settings(merge, merger.as_ref(), &inputs.headers)?;
    let mut plan = merger.plan(&inputs.headers, &mut cx)?;
    set_depth(&mut plan, &inputs)?;
    for warning in quick_warnings(&plan.outputs, &inputs.headers.models, &inputs.sources, inputs.headers.base.unwrap_or(0))? {
        cx.note(warning);
    }
    survey(merger.as_mut(), &plan, &inputs.sources, watch)?;
    let dtype = request.dtype.unwrap_or_else(|| inputs.dtype(plan.tokenizer));
    let names: Vec<&str> = inputs.names.iter().map(String::as_str).collect();
    let job = Job {
        merger: merger.as_ref(),
        plan: &plan,
        sources: &inputs.sources,
        names: &names,
        dtype,
        shard_bytes: SHARD_BYTES,
        flush_bytes: FLUSH_BYTES,
        memory: merge.memory_bytes(),
        rows: tokens.joined.as_ref().map(|joined| (joined, &tokens.tables)),
    };
    let mut folder = Pending::open(request.target, &identity(merge, &inputs, &plan, dtype))?;
    if !folder.done.is_empty() {
        cx.note(format!("The merge went on from {} of {} tensors that an earlier process had written.", folder.done.len(), plan.outputs.len()));
    }
    let streamed = stream(&job, &mut folder, watch, &mut cx).and_then(|()| finish(request, &inputs, &tokens, &plan, dtype, folder.path()));
    match streamed {
        Ok(mut model) => {
            let target = folder.commit()?;
            model.lineage.base = Some(target.display().to_string());
            model.lineage.origin = None;
            Ok(model)
        }
        Err(error) => {
            // Wrong inputs stay wrong; anything else may go on.
            if error.fault() == Fault::Input {
                folder.discard()?;
            }
            Err(error)
        }
    }
}

/// The merger of a stage.
///
/// # Errors
/// There is no such plugin, or its options are wrong.
pub fn merger(merge: &Merge, cx: &mut Surroundings<'_, '_>) -> Result<Box<dyn Merger>> {
    match build(Kind::Merger, &merge.plugin, Json::Object(merge.options.clone()), cx)? {
        Built::Merger(merger) => Ok(merger),
        _ => Err(Error::run(&merge.plugin, "a merger plugin built something else")),
    }
}

/// Settings of models and slices must be settings of the method.
pub(crate) fn check_settings(merge: &Merge, merger: &dyn Merger, inputs: &MergeInputs) -> Result<()> {
    let own = merger.own_settings();
    let schema = tongues_kernel::find(Kind::Merger, &merge.plugin).map(|p| (p.schema)()).unwrap_or_default();
    let options: Vec<String> = schema.get("properties").and_then(Json::as_object).map(|p| p.keys().cloned().collect()).unwrap_or_default();
    let of_models = inputs.models.iter().map(|m| &m.settings).chain(inputs.slices.iter().flat_map(|s| s.sources.iter().map(|s| &s.settings)));
    for key in of_models.flat_map(|settings| settings.keys()) {
        if !own.contains(&key.as_str()) {
            return unknown(merge, key, own.iter().copied());
        }
    }
    for key in inputs.slices.iter().flat_map(|s| s.settings.keys()) {
        if !options.contains(key) {
            return unknown(merge, key, options.iter().map(String::as_str));
        }
    }
    Ok(())
}

fn unknown<'k>(merge: &Merge, key: &str, known: impl Iterator<Item = &'k str>) -> Result<()> {
    let known: Vec<&str> = known.collect();
    let expected = if known.is_empty() { "no settings here".into() } else { known.join(", ") };
    let remedy = nearest(key, known).map_or_else(|| format!("`tongues plugins {}` documents them", merge.plugin), |near| format!("did you mean `{near}`?"));
    refuse(format!("merge: parameters of {}", merge.plugin), expected, format!("`{key}`"), remedy)
}

/// Where slices changed the depth, the configuration says so.
fn set_depth(plan: &mut MergePlan, inputs: &Inputs) -> Result<()> {
    if inputs.headers.slices.is_empty() {
        return Ok(());
    }
    // Lists with an entry a block follow the first source of every slice.
    let leads = inputs.headers.slices.iter().flat_map(|s| s.sources.first().map(|lead| lead.first..lead.first + s.count)).flatten();
    let lead = inputs.headers.slices[0].sources.first().map_or(0, |s| s.input);
    plan.config = hf::with_blocks(&inputs.headers.models[lead].config, &leads.collect::<Vec<_>>(), Path::new("the merged configuration"))?;
    Ok(())
}

impl Inputs {
    fn dtype(&self, leading: usize) -> Dtype {
        match &self.sources[leading] {
            Source::Files(opened) => opened.dtype,
            Source::Live(model) => hf::written_dtype(&model.spec().config),
        }
    }
}

/// What a merge is made of: a folder of an unfinished one belongs to the same.
fn identity(merge: &Merge, inputs: &Inputs, plan: &MergePlan, dtype: Dtype) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {:?} {:?} {dtype:?} {}", merge.plugin, merge.options, plan.outputs, env!("CARGO_PKG_VERSION")));
    for source in &inputs.sources {
        let files: Vec<String> = match source {
            Source::Files(opened) => std::fs::read_dir(&opened.dir).into_iter().flatten().flatten().map(|entry| stamp(&entry)).collect(),
            Source::Live(model) => model.lineage.steps.clone(),
        };
        let mut files = files;
        files.sort();
        hash.update(format!("{files:?}"));
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn stamp(entry: &std::fs::DirEntry) -> String {
    let meta = entry.metadata().ok();
    format!("{:?} {:?} {:?}", entry.file_name(), meta.as_ref().map(std::fs::Metadata::len), meta.and_then(|m| m.modified().ok()))
}

/// Everything beside the weights, and the model as the ordinary loader reads it.
fn finish(request: &Request<'_>, inputs: &Inputs, tokens: &Tokens, plan: &MergePlan, dtype: Dtype, dir: &Path) -> Result<Model> {
    let mut cx = Surroundings::new(request.shop, request.name);
    let tokenizer = tokens.result(request.merge, plan.tokenizer)?;
    hf::save_sides(&plan.config, tokenizer.as_ref(), dtype, dir)?;
    for (name, text) in request.beside {
        write_atomic(&dir.join(name), text.as_bytes())?;
    }
    let mut model = hf::load(dir, &Reading::default(), &mut cx)?;
    model.lineage.steps = vec![format!("stage {}: {} of {}", request.name, request.merge.plugin, inputs.names.join(", "))];
    let (stage, family, steps) = (request.name, model.spec().family.as_str(), model.lineage.steps.as_slice());
    let told = Told { recipe: request.shop.recipe, stage, family, steps, base: None, dtype: hf::dtype_name(dtype) };
    write_atomic(&dir.join("README.md"), card(&told)?.as_bytes())?;
    certificate::certify_merged(&model, dtype, dir)?;
    Ok(model)
}
