//! Two modules under names that no field of a struct can have, such as `self`.

use tongues_kernel::burn::module::{Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor};
use tongues_kernel::burn::prelude::*;

/// Two modules; their names stand in those of their tensors.
#[derive(Clone, Debug)]
pub struct Pair<A, B> {
    names: [&'static str; 2],
    /// The one of the first name.
    pub first: A,
    /// The one of the second name.
    pub second: B,
}

impl<A, B> Pair<A, B> {
    /// From both, with their names.
    pub fn new(names: [&'static str; 2], first: A, second: B) -> Self {
        Self { names, first, second }
    }
}

impl<A: Module, B: Module> Module for Pair<A, B> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.second.collect_devices(self.first.collect_devices(devices))
    }
    fn fork(self, device: &Device) -> Self {
        Self { first: self.first.fork(device), second: self.second.fork(device), ..self }
    }
    fn to_device(self, device: &Device) -> Self {
        Self { first: self.first.to_device(device), second: self.second.to_device(device), ..self }
    }
    fn train(self) -> Self {
        Self { first: self.first.train(), second: self.second.train(), ..self }
    }
    fn valid(&self) -> Self {
        Self::new(self.names, self.first.valid(), self.second.valid())
    }
    fn materialize(self) -> Self {
        Self { first: self.first.materialize(), second: self.second.materialize(), ..self }
    }
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        let [first, second] = self.names;
        visitor.enter_module(first, "Pair");
        self.first.visit(visitor);
        visitor.exit_module(first, "Pair");
        visitor.enter_module(second, "Pair");
        self.second.visit(visitor);
        visitor.exit_module(second, "Pair");
    }
    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let [one, two] = self.names;
        mapper.enter_module(one, "Pair");
        let first = self.first.map(mapper);
        mapper.exit_module(one, "Pair");
        mapper.enter_module(two, "Pair");
        let second = self.second.map(mapper);
        mapper.exit_module(two, "Pair");
        Self::new(self.names, first, second)
    }
}

impl<A: Module, B: Module> ModuleDisplayDefault for Pair<A, B> {
    fn content(&self, content: Content) -> Option<Content> {
        content.set_top_level_type("Pair").optional()
    }
}
impl<A: Module, B: Module> ModuleDisplay for Pair<A, B> {}
