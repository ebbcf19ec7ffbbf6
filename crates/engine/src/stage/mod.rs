//! One stage of a recipe.

mod evaluate;
mod export;
mod generate;
mod merge;
mod optimizers;
mod policies;
mod train;
mod validate;
mod write;

use crate::folder::Folder;
use crate::progress::Progress;
use crate::shop::Shop;
use tongues_kernel::{Result, refuse};
use tongues_recipe::ast::Stage;
use tongues_report::Score;

pub use evaluate::scores;
pub use generate::continued;

/// A stage with its surroundings.
pub struct Work<'w, 'r> {
    /// Data and models.
    pub shop: &'w Shop<'r>,
    /// Where results go.
    pub folder: &'w Folder,
    /// Who watches.
    pub progress: &'w dyn Progress,
    /// The stage.
    pub stage: &'w Stage,
}

/// Does the work; returns the scores it found.
///
/// # Errors
/// Its inputs do not fit, or something failed while running.
pub fn run(work: &Work<'_, '_>) -> Result<Vec<Score>> {
    let stage = work.stage;
    if let Some(train) = &stage.train {
        train::run(work, train)?;
    } else if let Some(merge) = &stage.merge {
        merge::run(work, merge)?;
    } else if let Some(evaluate) = &stage.evaluate {
        return evaluate::run(work, evaluate);
    } else if let Some(generate) = &stage.generate {
        generate::run(work, generate)?;
    } else if let Some(export) = &stage.export {
        export::run(work, export)?;
    } else {
        return refuse(format!("stage `{}`", stage.name), "one of train, merge, evaluate, generate, export", "none", "");
    }
    Ok(vec![])
}
