//! Tensors by their Hugging Face names and in their Hugging Face layout.

use crate::backbone::Backbone;
use crate::erased::Dyn;
use crate::{Error, Result, nearest, refuse};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::prelude::*;
use burn::tensor::DType;
use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Range;

/// Saved tensors: name to (shape, values).
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// What is done with each parameter: name, shape, values.
pub type Visit<'f> = dyn FnMut(&str, &[usize], Vec<f32>) -> Result<()> + 'f;

/// One parameter of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its path, e.g. `model.layers.0.mlp.up_proj.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The identity by which gradients are found.
    pub id: ParamId,
    /// It gets a gradient.
    pub trains: bool,
}

/// All float parameters of a module, in the order of its fields, with `prefix` before their paths.
pub fn entries(module: &impl Module, prefix: &str) -> Vec<Entry> {
    let mut visitor = Listing { path: Path::new(prefix), found: vec![] };
    module.visit(&mut visitor);
    visitor.found
}

/// Calls `f` with name, shape and values of every float parameter.
///
/// # Errors
/// What `f` refuses.
pub fn for_each_value(module: &impl Module, prefix: &str, f: &mut Visit<'_>) -> Result<()> {
    let mut visitor = Values { path: Path::new(prefix), f, result: Ok(()) };
    module.visit(&mut visitor);
    visitor.result
}

/// Values of a tensor as f32, whatever its dtype.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tongues_ops::wide(tensor).into_data().try_to_vec().unwrap_or_default()
}

/// Access to a backbone's tensors by name.
pub struct Weights<'m> {
    backbone: &'m mut Dyn<dyn Backbone>,
}

impl<'m> Weights<'m> {
    /// The tensors of a backbone.
    pub fn new(backbone: &'m mut Dyn<dyn Backbone>) -> Self {
        Self { backbone }
    }

    /// What there is.
    pub fn entries(&self) -> Vec<Entry> {
        entries(&*self.backbone, "")
    }

    /// A tensor in 32-bit floats, also where it is stored in fewer bits; an alias of a tied pair gives its source.
    ///
    /// # Errors
    /// No such tensor, or another rank.
    pub fn get<const D: usize>(&self, name: &str) -> Result<Tensor<D>> {
        let name = self.source(name);
        let mut visitor = Getter::<D> { path: Path::new(""), name: &name, found: None };
        self.backbone.visit(&mut visitor);
        visitor.found.map(tongues_ops::wide).ok_or_else(|| self.unknown(&name, D))
    }

    /// Replaces a tensor; it may change its shape, not its rank. It stays trainable or frozen as it was.
    ///
    /// # Errors
    /// No such tensor, another rank, or a tensor that was rounded to int8 when it was read: changing it would keep the rounding.
    pub fn set<const D: usize>(&mut self, name: &str, value: Tensor<D>) -> Result<()> {
        let name = self.source(name);
        let mut mapper = Setter { path: Path::new(""), name: &name, value: Some(Box::new(value)), rank: D, rounded: false };
        self.backbone.0.map_dyn(&mut crate::erased::Up(&mut mapper));
        if mapper.rounded {
            return refuse(name, "a weight as it was stored", "int8", "read the base model with dtype = \"auto\" where its weights are to change");
        }
        if mapper.value.is_none() { Ok(()) } else { Err(self.unknown(&name, D)) }
    }

    /// Adds to a matrix.
    ///
    /// # Errors
    /// No such tensor, or the shapes differ.
    pub fn add(&mut self, name: &str, delta: Tensor<2>) -> Result<()> {
        let weight = self.get::<2>(name)?.detach();
        if weight.dims() != delta.dims() {
            return refuse(name, format!("a change of shape {:?}", weight.dims()), format!("{:?}", delta.dims()), "");
        }
        self.set(name, weight + delta.without_autodiff())
    }

    /// Appends rows to the embedding matrix and to an untied head, noughts to the head's bias, and raises `vocab_size`. Returns the range of the new rows.
    ///
    /// # Errors
    /// The backbone names no embedding, or the width differs.
    pub fn append_rows(&mut self, rows: Tensor<2>, head_rows: Tensor<2>) -> Result<Range<usize>> {
        let spec = self.backbone.spec();
        let name =
            |role| spec.weight_of(role).ok_or_else(|| Error::input(format!("{role:?}"), "a matrix with a row per token", "none", "this family cannot grow"));
        let (embed, head) = (name(crate::Role::Embeddings)?, name(crate::Role::Head)?);
        let old = self.get::<2>(&embed)?.dims()[0];
        let new = rows.dims()[0];
        self.append_to(&embed, rows)?;
        if head != embed {
            self.append_to(&head, head_rows)?;
        }
        self.append_to_bias(new)?;
        let spec = self.backbone.spec_mut();
        spec.vocabulary = old + new;
        spec.config.insert("vocab_size".into(), (old + new).into());
        Ok(old..old + new)
    }

    fn append_to(&mut self, name: &str, rows: Tensor<2>) -> Result<()> {
        let old = self.get::<2>(name)?.detach();
        if old.dims()[1] != rows.dims()[1] {
            return refuse(name, format!("rows of width {}", old.dims()[1]), rows.dims()[1], "");
        }
        self.set(name, Tensor::cat(vec![old.without_autodiff(), rows.without_autodiff()], 0))
    }

    /// Noughts behind the bias of a head that has one.
    fn append_to_bias(&mut self, new: usize) -> Result<()> {
        let Some(head) = self.backbone.spec().sites.iter().find(|i| i.site.role == crate::Role::Head) else { return Ok(()) };
        let bias = format!("{}.bias", head.path);
        let source = self.source(&bias);
        if !self.entries().iter().any(|e| e.name == source) {
            return Ok(());
        }
        let old = self.get::<1>(&bias)?.detach().without_autodiff();
        let more = Tensor::zeros([new], &old.device());
        self.set(&bias, Tensor::cat(vec![old, more], 0))
    }

    fn source(&self, name: &str) -> String {
        let ties = &self.backbone.spec().ties;
        ties.iter().find(|(alias, _)| alias == name).map_or_else(|| name.to_owned(), |(_, source)| source.clone())
    }

    fn unknown(&self, name: &str, rank: usize) -> Error {
        let names: Vec<String> = self.entries().into_iter().map(|e| e.name).collect();
        let near = nearest(name, names.iter().map(String::as_str)).map_or(String::new(), |n| format!("did you mean {n}?"));
        Error::input(format!("tensor {name}"), format!("a tensor of rank {rank} of this model"), "none of that name and rank", near)
    }
}

/// The path of the module that is being visited.
pub(crate) struct Path {
    prefix: String,
    pub(crate) names: Vec<String>,
}

impl Path {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into(), names: vec![] }
    }
    pub(crate) fn joined(&self) -> String {
        let path = self.names.join(".");
        if self.prefix.is_empty() { path } else { format!("{}.{path}", self.prefix) }
    }
    fn is(&self, name: &str) -> bool {
        self.joined() == name
    }
}

macro_rules! track_path {
    () => {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.names.push(name.into());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.names.pop();
        }
    };
}
pub(crate) use track_path;

struct Listing {
    path: Path,
    found: Vec<Entry>,
}

impl ModuleVisitor for Listing {
    track_path!();
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let entry = Entry { name: self.path.joined(), shape: param.lazy_shape().to_vec(), id: param.id, trains: param.val().is_require_grad() };
        self.found.push(entry);
    }
}

struct Values<'f> {
    path: Path,
    f: &'f mut Visit<'f>,
    result: Result<()>,
}

impl ModuleVisitor for Values<'_> {
    track_path!();
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.result.is_ok() {
            let tensor = param.val();
            let shape = tensor.dims();
            self.result = (self.f)(&self.path.joined(), &shape, values(tensor));
        }
    }
}

struct Getter<'n, const R: usize> {
    path: Path,
    name: &'n str,
    found: Option<Tensor<R>>,
}

impl<const R: usize> ModuleVisitor for Getter<'_, R> {
    track_path!();
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.path.is(self.name) {
            let value: Box<dyn Any> = Box::new(param.val());
            self.found = value.downcast::<Tensor<R>>().ok().map(|t| *t);
        }
    }
}

struct Setter<'n> {
    path: Path,
    name: &'n str,
    value: Option<Box<dyn Any>>,
    rank: usize,
    rounded: bool,
}

impl ModuleMapper for Setter<'_> {
    track_path!();
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.rank != D || !self.path.is(self.name) {
            return param;
        }
        self.rounded = tongues_ops::is_int8(&param.val());
        if self.rounded {
            return param;
        }
        match self.value.take().map(Box::<dyn Any>::downcast::<Tensor<D>>) {
            Some(Ok(value)) => put(param, *value),
            _ => param,
        }
    }
}

/// The parameter with another value, on its device, with its identity, trainable or frozen as before. A value that is not in 32-bit
/// floats is frozen.
pub fn put<const D: usize>(param: Param<Tensor<D>>, value: Tensor<D>) -> Param<Tensor<D>> {
    let old = param.val();
    let (trains, autodiff) = (old.is_require_grad() && value.dtype() == DType::F32, old.device().is_autodiff());
    let value = value.without_autodiff();
    let value = if autodiff { Tensor::from_inner(value) } else { value };
    Param::initialized(param.id, value.set_require_grad(trains))
}
