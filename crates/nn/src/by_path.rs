//! Modules whose names are paths of another network, so that a part's tensors are called after the places they sit on.

use tongues_kernel::burn::module::{Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor};
use tongues_kernel::burn::prelude::*;

/// A list of modules with a path each; the path stands in the names of their tensors.
#[derive(Clone, Debug)]
pub struct ByPath<M> {
    list: Vec<(String, M)>,
}

impl<M> ByPath<M> {
    /// From pairs of path and module.
    pub fn new(list: Vec<(String, M)>) -> Self {
        Self { list }
    }

    /// The pairs, to be changed and put back with [`Self::new`].
    pub fn into_list(self) -> Vec<(String, M)> {
        self.list
    }

    /// Paths and modules, in order.
    pub fn iter(&self) -> impl Iterator<Item = &(String, M)> {
        self.list.iter()
    }

    /// The module at an index.
    pub fn get(&self, index: usize) -> Option<&M> {
        self.list.get(index).map(|(_, module)| module)
    }
}

impl<M: Module> ByPath<M> {
    fn each(self, f: impl Fn(M) -> M) -> Self {
        Self { list: self.list.into_iter().map(|(path, m)| (path, f(m))).collect() }
    }
}

impl<M: Module> Module for ByPath<M> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.list.iter().fold(devices, |devices, (_, m)| m.collect_devices(devices))
    }
    fn fork(self, device: &Device) -> Self {
        self.each(|m| m.fork(device))
    }
    fn to_device(self, device: &Device) -> Self {
        self.each(|m| m.to_device(device))
    }
    fn train(self) -> Self {
        self.each(Module::train)
    }
    fn valid(&self) -> Self {
        Self { list: self.list.iter().map(|(path, m)| (path.clone(), m.valid())).collect() }
    }
    fn materialize(self) -> Self {
        self.each(Module::materialize)
    }
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        for (path, module) in &self.list {
            visitor.enter_module(path, "ByPath");
            module.visit(visitor);
            visitor.exit_module(path, "ByPath");
        }
    }
    fn map<V: ModuleMapper>(self, mapper: &mut V) -> Self {
        let mut one = |(path, module): (String, M)| {
            mapper.enter_module(&path, "ByPath");
            let module = module.map(mapper);
            mapper.exit_module(&path, "ByPath");
            (path, module)
        };
        Self { list: self.list.into_iter().map(&mut one).collect() }
    }
}

impl<M: Module> ModuleDisplayDefault for ByPath<M> {
    fn content(&self, content: Content) -> Option<Content> {
        content.set_top_level_type("ByPath").optional()
    }
}
impl<M: Module> ModuleDisplay for ByPath<M> {}
