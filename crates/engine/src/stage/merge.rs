//! A merge as a stage.

use super::Work;
use super::write::stored;
use crate::merging::{self, Request};
use crate::surroundings::Surroundings;
use tongues_kernel::Result;
use tongues_merge::{Merging, Watch};
use tongues_recipe::ast::Merge;

impl Watch for Work<'_, '_> {
    fn tick(&self, at: Merging<'_>) -> Result<()> {
        self.pause()?;
        self.progress.tick(at.tensors.0, at.tensors.1, at.name);
        Ok(())
    }
}

/// Merges into the stage's folder, and hands the model to later stages.
pub fn run(work: &Work<'_, '_>, merge: &Merge) -> Result<()> {
    let built = merging::merger(merge, &mut Surroundings::new(work.shop, &work.stage.name))?;
    if built.of_adapters() {
        return super::combine::run(work, merge, built);
    }
    let target = work.folder.stage(&work.stage.name).join("checkpoint");
    let dtype = work.stage.save_dtype.map(stored);
    let model = merging::merge(&Request { shop: work.shop, merge, name: &work.stage.name, dtype, target: &target, beside: &[] }, work)?;
    work.shop.put_model(&work.stage.name, model);
    Ok(())
}
