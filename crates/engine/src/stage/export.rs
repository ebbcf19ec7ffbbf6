//! A model as one checkpoint.

use super::{Work, write};
use tongues_kernel::{Folded, Model, Result, refuse};
use tongues_recipe::ast::Export;

/// Folds (where asked), saves, and hands the model to later stages.
pub fn run(work: &Work<'_, '_>, export: &Export) -> Result<()> {
    let mut model = work.shop.model(&export.model)?;
    if export.fold {
        fold_all(&mut model, &export.model)?;
    }
    model.lineage.steps.push(format!("stage {}: exported{}", work.stage.name, if export.fold { ", adapters folded" } else { "" }));
    write::write(work, &mut model, true)?;
    work.shop.put_model(&work.stage.name, model);
    Ok(())
}

/// Folds every part; one that cannot be folded exactly is an error.
///
/// # Errors
/// As said.
pub fn fold_all(model: &mut Model, name: &str) -> Result<()> {
    for (part, folded) in model.fold()? {
        if let Folded::No(why) = folded {
            return refuse(
                format!("model `{name}`, part `{part}`"),
                "a part that folds into the weights",
                format!("one that does not: {why}"),
                "use the model with its adapter instead",
            );
        }
    }
    Ok(())
}
