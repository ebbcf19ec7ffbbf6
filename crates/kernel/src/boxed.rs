//! The box itself, and the macro that makes it a burn module for one trait.

use crate::erased::ErasedModule;
use std::any::Any;

/// An owned trait object that is a burn module.
#[derive(Debug)]
pub struct Dyn<T: ?Sized>(pub Box<T>);

impl<T: ?Sized> std::ops::Deref for Dyn<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized + ErasedModule> Dyn<T> {
    /// The concrete module in the box. (The box is a module too: the trait's `as_any` on it would give the box.)
    pub fn as_any(&self) -> &dyn Any {
        (*self.0).as_any()
    }

    /// The concrete module in the box.
    pub fn as_any_mut(&mut self) -> &mut dyn Any {
        (*self.0).as_any_mut()
    }

    /// The concrete module in the box, if it is an `M`.
    pub fn downcast_ref<M: 'static>(&self) -> Option<&M> {
        self.as_any().downcast_ref()
    }

    /// The concrete module in the box, if it is an `M`.
    pub fn downcast_mut<M: 'static>(&mut self) -> Option<&mut M> {
        self.as_any_mut().downcast_mut()
    }
}

impl<T: ?Sized> std::ops::DerefMut for Dyn<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// `erased_module!(Trait, CloneTrait)` makes `Dyn<dyn Trait>` a module; `Trait` must extend `ErasedModule + CloneTrait`.
#[macro_export]
macro_rules! erased_module {
    ($object:ident, $clone:ident) => {
        /// Clones into a box; implemented for every module that implements the trait.
        pub trait $clone {
            /// A boxed clone; tensors are shared.
            fn clone_boxed(&self) -> Box<dyn $object>;
        }
        impl<T: $object + Clone + 'static> $clone for T {
            fn clone_boxed(&self) -> Box<dyn $object> {
                Box::new(self.clone())
            }
        }
        const _: () = {
            use $crate::burn::{module::*, tensor::Device};
            use $crate::erased::{Dyn, Up};
            impl Clone for Dyn<dyn $object> {
                fn clone(&self) -> Self {
                    Dyn((*self.0).clone_boxed())
                }
            }
            impl Module for Dyn<dyn $object> {
                fn collect_devices(&self, devices: Devices) -> Devices {
                    self.0.devices_dyn(devices)
                }
                fn fork(mut self, device: &Device) -> Self {
                    self.0.fork_dyn(device);
                    self
                }
                fn to_device(mut self, device: &Device) -> Self {
                    self.0.to_device_dyn(device);
                    self
                }
                fn train(mut self) -> Self {
                    self.0.train_dyn();
                    self
                }
                fn valid(&self) -> Self {
                    let mut copy = self.clone();
                    copy.0.valid_dyn();
                    copy
                }
                fn materialize(mut self) -> Self {
                    self.0.materialize_dyn();
                    self
                }
                fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
                    self.0.visit_dyn(&mut Up(visitor));
                }
                fn map<M: ModuleMapper>(mut self, mapper: &mut M) -> Self {
                    self.0.map_dyn(&mut Up(mapper));
                    self
                }
            }
            impl ModuleDisplayDefault for Dyn<dyn $object> {
                fn content(&self, content: Content) -> Option<Content> {
                    content.set_top_level_type(stringify!($object)).optional()
                }
            }
            impl ModuleDisplay for Dyn<dyn $object> {}
        };
    };
}
