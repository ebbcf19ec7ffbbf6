//! Which tensors of the inputs stand at one place, and whether they can be merged at all.

use super::{MergeInput, MergeInputs, MergePlan, MergeSlice, MergeSource, Planned, Read, Settings};
use crate::{Context, Result, refuse};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names shown in a message before the rest is counted.
const SHOWN: usize = 3;
const REMEDY: &str = "merge models that came from the same base; where a vocabulary was extended, extend the base in the same way first";

impl MergeInputs {
    /// Every tensor of the result with the tensors of its place in the inputs: those of the same name, with blocks renumbered where
    /// slices say so. Configuration and tokenizer are those of the base, or of the first model.
    ///
    /// # Errors
    /// No inputs, or inputs that differ in names, shapes or sizes.
    pub fn aligned(&self, cx: &mut dyn Context) -> Result<MergePlan> {
        let Some(first) = self.models.first() else {
            return refuse("models", "at least one model", "none", "list the models to merge");
        };
        for other in &self.models[1..] {
            if self.slices.is_empty() {
                check(first, other)?
            } else {
                check_parts(first, other)?
            }
            if let Some(note) = differing(first, other) {
                cx.note(note);
            }
        }
        let leading = self.base.unwrap_or(0);
        let outputs = if self.slices.is_empty() { self.whole() } else { self.sliced()? };
        Ok(MergePlan { outputs, config: self.models[leading].config.clone(), tokenizer: leading, surveys: 0 })
    }

    /// All blocks of all models, one on the other.
    fn whole(&self) -> Vec<Planned> {
        let first = &self.models[0];
        let count = first.depth();
        let sources = self.everyone();
        let slice = MergeSlice { sources, count, settings: Arc::default() };
        first.tensors.keys().map(|name| self.planned(name, first.place(name), &slice, 0)).collect()
    }

    fn everyone(&self) -> Vec<MergeSource> {
        (0..self.models.len()).map(|input| MergeSource { input, first: 0, settings: Arc::default() }).collect()
    }

    fn sliced(&self) -> Result<Vec<Planned>> {
        let mut outputs = vec![];
        let mut offset = 0;
        for (i, slice) in self.slices.iter().enumerate() {
            let lead = self.check_slice(i, slice)?;
            let model = &self.models[lead.input];
            for name in model.tensors.keys() {
                if let Some((block, _)) = model.place(name).filter(|(block, _)| (lead.first..lead.first + slice.count).contains(block)) {
                    outputs.push(self.planned(name, model.place(name).map(|(_, rest)| (block - lead.first, rest)), slice, offset));
                }
            }
            offset += slice.count;
        }
        let ends = [self.slices.first(), self.slices.last()];
        for (slice, above) in ends.into_iter().zip([false, true]) {
            let Some(slice) = slice else { continue };
            let model = &self.models[slice.sources[0].input];
            let names = model.tensors.keys().filter(|name| model.place(name).is_none() && model.is_above(name) == above);
            outputs.extend(names.map(|name| self.planned(name, None, slice, 0)));
        }
        outputs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(outputs)
    }

    fn check_slice<'s>(&self, i: usize, slice: &'s MergeSlice) -> Result<&'s MergeSource> {
        let at = format!("slice {i}");
        let Some(lead) = slice.sources.first() else { return refuse(at, "at least one source", "none", "name a model and its layers") };
        for source in &slice.sources {
            let Some(model) = self.models.get(source.input) else { return refuse(at, "sources that are inputs of the merge", source.input, "") };
            let end = source.first + slice.count;
            if slice.count == 0 || end > model.depth() {
                let expected = format!("layers of `{}`, which has {}", model.name, model.depth());
                return refuse(at, expected, format!("{} to {end}", source.first), "layers are counted from 0; the end of a range is not part of it");
            }
        }
        Ok(lead)
    }

    /// `place`: the number of the block inside the slice, and the name inside the block; `None` outside the blocks.
    fn planned(&self, name: &str, place: Option<(usize, &str)>, slice: &MergeSlice, offset: usize) -> Planned {
        let lead = &self.models[slice.sources[0].input];
        let shape = lead.tensors.get(name).cloned().unwrap_or_default();
        let inner = |input: usize, number: usize, rest: &str| format!("{}{number}.{rest}", self.models[input].blocks);
        let read = |source: &MergeSource| {
            let model = &self.models[source.input];
            let name = place.map_or_else(|| name.to_owned(), |(block, rest)| inner(source.input, source.first + block, rest));
            Read { input: source.input, name, settings: over(&source.settings, &model.settings) }
        };
        let depth = place.map_or(0.0, |(block, _)| if slice.count > 1 { block as f64 / (slice.count - 1) as f64 } else { 1.0 });
        Planned {
            name: place.map_or_else(|| name.to_owned(), |(block, rest)| inner(slice.sources[0].input, offset + block, rest)),
            shape,
            reads: slice.sources.iter().map(read).collect(),
            base: self.base.and_then(|base| slice.sources.iter().position(|s| s.input == base)),
            block: place.map(|(block, _)| offset + block),
            depth,
            settings: slice.settings.clone(),
        }
    }
}

/// The settings of both; those of the first count.
fn over(first: &Arc<Settings>, second: &Arc<Settings>) -> Arc<Settings> {
    if first.is_empty() {
        return second.clone();
    }
    let mut both = (**second).clone();
    both.extend(first.iter().map(|(k, v)| (k.clone(), v.clone())));
    Arc::new(both)
}

impl MergeInput {
    /// The number of a tensor's block and its name inside it; `None` outside the blocks.
    pub fn place<'n>(&self, name: &'n str) -> Option<(usize, &'n str)> {
        if self.blocks.is_empty() {
            return None;
        }
        let (number, rest) = name.strip_prefix(&self.blocks)?.split_once('.')?;
        Some((number.parse().ok()?, rest))
    }

    /// How many blocks it has.
    pub fn depth(&self) -> usize {
        self.tensors.keys().filter_map(|name| self.place(name)).map(|(block, _)| block + 1).max().unwrap_or(0)
    }

    /// Whether a tensor outside the blocks stands above them.
    pub fn is_above(&self, name: &str) -> bool {
        self.above.iter().any(|path| name.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }
}

/// The same tensors with the same shapes, and the same sizes in the configuration.
fn check(first: &MergeInput, other: &MergeInput) -> Result<()> {
    let at = format!("merging `{}` with `{}`", first.name, other.name);
    for (has, lacks) in [(first, other), (other, first)] {
        let missing: Vec<String> = has.tensors.keys().filter(|name| !lacks.tensors.contains_key(*name)).cloned().collect();
        if !missing.is_empty() {
            return refuse(at, "the same tensors in both", format!("{}, which `{}` lacks", listed(&missing), lacks.name), REMEDY);
        }
    }
    let shapes = first.tensors.iter().filter_map(|(name, shape)| Some((name, shape, other.tensors.get(name)?)));
    let unequal: Vec<String> = shapes.filter(|(_, a, b)| a != b).map(|(name, a, b)| format!("{name} {a:?} and {b:?}")).collect();
    if !unequal.is_empty() {
        return refuse(at, "the same shapes in both", listed(&unequal), REMEDY);
    }
    check_sizes(first, other, |_| true)
}

/// The same for models of unequal depth: blocks are compared without their numbers.
fn check_parts(first: &MergeInput, other: &MergeInput) -> Result<()> {
    let at = format!("merging `{}` with `{}`", first.name, other.name);
    let parts = |model: &MergeInput| -> BTreeSet<(String, Vec<usize>)> {
        let name = |name: &String| model.place(name).map_or_else(|| name.clone(), |(_, rest)| format!("{}*.{rest}", model.blocks));
        model.tensors.iter().map(|(n, shape)| (name(n), shape.clone())).collect()
    };
    let (a, b) = (parts(first), parts(other));
    let apart: Vec<String> = a.symmetric_difference(&b).map(|(name, shape)| format!("{name} {shape:?}")).collect();
    if !apart.is_empty() {
        return refuse(at, "the same tensors in a block, with the same shapes", format!("{} in one of them only", listed(&apart)), REMEDY);
    }
    check_sizes(first, other, |key| !key.ends_with("_layers") && key != "n_layer")
}

fn check_sizes(first: &MergeInput, other: &MergeInput, among: impl Fn(&str) -> bool) -> Result<()> {
    let at = format!("merging `{}` with `{}`", first.name, other.name);
    let sizes: Vec<String> =
        differences(first, other).filter(|(key, _, _)| is_size(key) && among(key)).map(|(key, a, b)| format!("{key} {a} and {b}")).collect();
    if sizes.is_empty() { Ok(()) } else { refuse(at, "the same sizes in both configurations", listed(&sizes), REMEDY) }
}

/// A sentence on other keys of the configuration that differ.
fn differing(first: &MergeInput, other: &MergeInput) -> Option<String> {
    let keys: Vec<String> = differences(first, other).filter(|(key, _, _)| !is_size(key)).map(|(key, _, _)| key.clone()).collect();
    let (a, b) = (&first.name, &other.name);
    (!keys.is_empty())
        .then(|| format!("The configurations of {a} and {b} differ in {}; the merged model has those of the base, or of the first.", keys.join(", ")))
}

fn differences<'a>(first: &'a MergeInput, other: &'a MergeInput) -> impl Iterator<Item = (&'a String, &'a Json, &'a Json)> {
    let both = first.config.iter().filter_map(|(key, a)| Some((key, a, other.config.get(key)?)));
    both.filter(|(_, a, b)| a != b)
}

/// Keys that say how a network is built, in the naming of the Hugging Face files: heads, for one, leave no trace in shapes.
fn is_size(key: &str) -> bool {
    key == "model_type" || key.starts_with("num_") || ["_size", "_dim", "_heads", "_layers", "n_layer", "n_head"].iter().any(|end| key.ends_with(end))
}

fn listed(all: &[String]) -> String {
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN { format!("{shown} and {} more", all.len() - SHOWN) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bare;
    use std::collections::BTreeMap;

    fn bare() -> Bare {
        Bare { device: burn::prelude::Device::flex(), draws: crate::Draws::new(0) }
    }

    fn input(name: &str, layers: usize) -> MergeInput {
        let inner = (0..layers).map(|i| (format!("model.layers.{i}.w"), vec![2]));
        let outer = ["model.embed.weight", "model.norm.weight", "lm_head.weight"].map(|n| (n.to_owned(), vec![2]));
        let tensors: BTreeMap<_, _> = inner.chain(outer).collect();
        let config = serde_json::json!({ "num_hidden_layers": layers }).as_object().unwrap().clone();
        MergeInput {
            name: name.into(),
            tensors,
            config,
            blocks: "model.layers.".into(),
            above: vec!["model.norm".into(), "lm_head".into()],
            ..MergeInput::default()
        }
    }

    fn slice(count: usize, sources: &[(usize, usize)]) -> MergeSlice {
        let sources = sources.iter().map(|(input, first)| MergeSource { input: *input, first: *first, settings: Arc::default() }).collect();
        MergeSlice { sources, count, settings: Arc::default() }
    }

    #[test]
    fn slices_renumber_blocks_and_the_ends_come_from_the_outer_slices() {
        let inputs = MergeInputs { models: vec![input("a", 4), input("b", 3)], base: None, slices: vec![slice(2, &[(0, 0)]), slice(3, &[(1, 0), (0, 1)])] };
        let plan = inputs.aligned(&mut bare()).unwrap();
        let of = |name: &str| plan.outputs.iter().find(|o| o.name == name).unwrap();
        let reads = |name: &str| of(name).reads.iter().map(|r| (r.input, r.name.clone())).collect::<Vec<_>>();
        assert_eq!(plan.outputs.iter().filter(|o| o.block.is_some()).count(), 5);
        assert_eq!(reads("model.layers.1.w"), [(0, "model.layers.1.w".into())]);
        assert_eq!(reads("model.layers.3.w"), [(1, "model.layers.1.w".into()), (0, "model.layers.2.w".into())]);
        assert_eq!((of("model.layers.3.w").depth, of("model.layers.1.w").depth), (0.5, 1.0));
        assert_eq!(reads("model.embed.weight"), [(0, "model.embed.weight".into())]);
        assert_eq!(reads("lm_head.weight"), [(1, "lm_head.weight".into()), (0, "lm_head.weight".into())]);
        assert_eq!((of("lm_head.weight").depth, of("model.embed.weight").depth), (0.0, 0.0));
    }

    #[test]
    fn ranges_beyond_the_model_and_models_of_other_sizes_are_refused() {
        let refused =
            |models: Vec<MergeInput>, slices: Vec<MergeSlice>| MergeInputs { models, base: None, slices }.aligned(&mut bare()).unwrap_err().to_string();
        assert!(refused(vec![input("a", 4)], vec![slice(5, &[(0, 0)])]).contains("layers of `a`, which has 4"));
        assert!(refused(vec![input("a", 4), input("b", 3)], vec![]).contains("model.layers.3.w, which `b` lacks"));
        let mut wide = input("b", 4);
        wide.tensors.insert("model.layers.1.w".into(), vec![3]);
        assert!(refused(vec![input("a", 4), wide.clone()], vec![]).contains("model.layers.1.w [2] and [3]"));
        assert!(refused(vec![input("a", 4), wide], vec![slice(2, &[(0, 0)])]).contains("model.layers.*.w [3] in one of them only"));
        assert!(refused(vec![], vec![]).contains("at least one model"));
    }
}
