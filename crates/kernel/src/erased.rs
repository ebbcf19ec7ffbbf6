//! Boxes that are burn modules: `Dyn<dyn Part>` can be optimised, frozen, saved and be a field of a derived module.
//!
//! burn's `Module` is not object safe (its visitors are generic in the rank). [`ErasedModule`] is an object-safe mirror
//! that is implemented for every module; plugin authors write ordinary `#[derive(Module)]` structs and never see it.

use burn::module::{Devices, Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::prelude::*;
use burn::tensor::{Bool, Int};
use std::any::Any;

pub use crate::boxed::Dyn;

/// A visitor without generics: the rank is a value, the parameter is `Any`.
pub trait DynVisitor {
    /// Visits a float parameter of rank `rank`.
    fn float(&mut self, rank: usize, param: &dyn Any);
    /// Visits an integer parameter.
    fn int(&mut self, rank: usize, param: &dyn Any);
    /// Visits a boolean parameter.
    fn bool(&mut self, rank: usize, param: &dyn Any);
    /// Visits a flag.
    fn flag(&mut self, flag: &Param<Flag>);
    /// Goes into a named submodule.
    fn enter(&mut self, name: &str, container: &str);
    /// Leaves it.
    fn exit(&mut self, name: &str, container: &str);
    /// Visits a float tensor under a path.
    fn float_path(&mut self, path: &[String], id: ParamId, rank: usize, tensor: &dyn Any);
    /// Visits an integer tensor under a path.
    fn int_path(&mut self, path: &[String], id: ParamId, rank: usize, tensor: &dyn Any);
    /// Visits a boolean tensor under a path.
    fn bool_path(&mut self, path: &[String], id: ParamId, rank: usize, tensor: &dyn Any);
}

/// A mapper without generics.
pub trait DynMapper {
    /// Maps a float parameter of rank `rank`.
    fn float(&mut self, rank: usize, param: Box<dyn Any>) -> Box<dyn Any>;
    /// Maps an integer parameter.
    fn int(&mut self, rank: usize, param: Box<dyn Any>) -> Box<dyn Any>;
    /// Maps a boolean parameter.
    fn bool(&mut self, rank: usize, param: Box<dyn Any>) -> Box<dyn Any>;
    /// Maps a flag.
    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag>;
    /// Goes into a named submodule.
    fn enter(&mut self, name: &str, container: &str);
    /// Leaves it.
    fn exit(&mut self, name: &str, container: &str);
}

/// Object-safe mirror of burn's `Module`, in place of `self` by value.
pub trait ErasedModule: Any + Send + std::fmt::Debug {
    /// `Module::visit`.
    fn visit_dyn(&self, visitor: &mut dyn DynVisitor);
    /// `Module::map`.
    fn map_dyn(&mut self, mapper: &mut dyn DynMapper);
    /// `Module::fork`.
    fn fork_dyn(&mut self, device: &Device);
    /// `Module::to_device`.
    fn to_device_dyn(&mut self, device: &Device);
    /// `Module::train`.
    fn train_dyn(&mut self);
    /// `Module::valid`.
    fn valid_dyn(&mut self);
    /// `Module::materialize`.
    fn materialize_dyn(&mut self);
    /// `Module::collect_devices`.
    fn devices_dyn(&self, devices: Devices) -> Devices;
    /// For downcasts to the concrete module.
    fn as_any(&self) -> &dyn Any;
    /// For downcasts to the concrete module.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

fn in_place<T>(slot: &mut T, f: impl FnOnce(T) -> T) {
    replace_with::replace_with_or_abort(slot, f);
}

impl<T: Module + 'static> ErasedModule for T {
    fn visit_dyn(&self, visitor: &mut dyn DynVisitor) {
        self.visit(&mut Down(visitor));
    }
    fn map_dyn(&mut self, mapper: &mut dyn DynMapper) {
        in_place(self, |module| module.map(&mut DownMapper(mapper)));
    }
    fn fork_dyn(&mut self, device: &Device) {
        in_place(self, |module| module.fork(device));
    }
    fn to_device_dyn(&mut self, device: &Device) {
        in_place(self, |module| module.to_device(device));
    }
    fn train_dyn(&mut self) {
        in_place(self, Module::train);
    }
    fn valid_dyn(&mut self) {
        in_place(self, |module| module.valid());
    }
    fn materialize_dyn(&mut self) {
        in_place(self, Module::materialize);
    }
    fn devices_dyn(&self, devices: Devices) -> Devices {
        self.collect_devices(devices)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// From a module's generic visit to the object-safe visitor.
struct Down<'a>(&'a mut dyn DynVisitor);

impl ModuleVisitor for Down<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.float(D, param);
    }
    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.int(D, param);
    }
    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.bool(D, param);
    }
    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.flag(flag);
    }
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }
    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }
    fn visit_float_with_path<const D: usize>(&mut self, path: &[String], id: ParamId, tensor: &Tensor<D>) {
        self.0.float_path(path, id, D, tensor);
    }
    fn visit_int_with_path<const D: usize>(&mut self, path: &[String], id: ParamId, tensor: &Tensor<D, Int>) {
        self.0.int_path(path, id, D, tensor);
    }
    fn visit_bool_with_path<const D: usize>(&mut self, path: &[String], id: ParamId, tensor: &Tensor<D, Bool>) {
        self.0.bool_path(path, id, D, tensor);
    }
}

/// From a module's generic map to the object-safe mapper.
struct DownMapper<'a>(&'a mut dyn DynMapper);

/// A mapper returns what it was given, with the same rank: the two ends of this bridge are in this file.
fn unbox<T: 'static>(value: Box<dyn Any>) -> T {
    *value.downcast().expect("a mapper keeps the rank")
}

impl ModuleMapper for DownMapper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        unbox(self.0.float(D, Box::new(param)))
    }
    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        unbox(self.0.int(D, Box::new(param)))
    }
    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        unbox(self.0.bool(D, Box::new(param)))
    }
    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.flag(flag)
    }
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }
    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }
}

/// Calls `$body` with the constant `$D` equal to the run-time rank.
macro_rules! by_rank {
    ($rank:expr, $D:ident => $body:expr) => {
        match $rank {
            1 => {
                const $D: usize = 1;
                $body
            }
            2 => {
                const $D: usize = 2;
                $body
            }
            3 => {
                const $D: usize = 3;
                $body
            }
            4 => {
                const $D: usize = 4;
                $body
            }
            5 => {
                const $D: usize = 5;
                $body
            }
            6 => {
                const $D: usize = 6;
                $body
            }
            rank => unreachable!("burn has no parameters of rank {rank}"),
        }
    };
}

/// From the object-safe visitor back to a generic one.
pub struct Up<'a, V>(pub &'a mut V);

fn cast<T: 'static>(value: &dyn Any) -> &T {
    value.downcast_ref().expect("the rank travels with the parameter")
}

impl<V: ModuleVisitor> DynVisitor for Up<'_, V> {
    fn float(&mut self, rank: usize, param: &dyn Any) {
        by_rank!(rank, D => self.0.visit_float::<D>(cast(param)));
    }
    fn int(&mut self, rank: usize, param: &dyn Any) {
        by_rank!(rank, D => self.0.visit_int::<D>(cast(param)));
    }
    fn bool(&mut self, rank: usize, param: &dyn Any) {
        by_rank!(rank, D => self.0.visit_bool::<D>(cast(param)));
    }
    fn flag(&mut self, flag: &Param<Flag>) {
        self.0.visit_flag(flag);
    }
    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }
    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }
    fn float_path(&mut self, path: &[String], id: ParamId, rank: usize, tensor: &dyn Any) {
        by_rank!(rank, D => self.0.visit_float_with_path::<D>(path, id, cast(tensor)));
    }
    fn int_path(&mut self, path: &[String], id: ParamId, rank: usize, tensor: &dyn Any) {
        by_rank!(rank, D => self.0.visit_int_with_path::<D>(path, id, cast(tensor)));
    }
    fn bool_path(&mut self, path: &[String], id: ParamId, rank: usize, tensor: &dyn Any) {
        by_rank!(rank, D => self.0.visit_bool_with_path::<D>(path, id, cast(tensor)));
    }
}

impl<M: ModuleMapper> DynMapper for Up<'_, M> {
    fn float(&mut self, rank: usize, param: Box<dyn Any>) -> Box<dyn Any> {
        by_rank!(rank, D => Box::new(self.0.map_float::<D>(unbox(param))))
    }
    fn int(&mut self, rank: usize, param: Box<dyn Any>) -> Box<dyn Any> {
        by_rank!(rank, D => Box::new(self.0.map_int::<D>(unbox(param))))
    }
    fn bool(&mut self, rank: usize, param: Box<dyn Any>) -> Box<dyn Any> {
        by_rank!(rank, D => Box::new(self.0.map_bool::<D>(unbox(param))))
    }
    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.map_flag(flag)
    }
    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }
    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }
}
