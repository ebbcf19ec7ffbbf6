//! One stage of a recipe.

mod combine;
mod evaluate;
mod export;
mod generate;
mod merge;
mod optimizers;
mod paired;
mod policies;
pub(crate) mod save;
mod steps;
mod train;
mod validate;
mod write;
mod writing;

use crate::folder::Folder;
use crate::journal::Journal;
use crate::progress::Progress;
use crate::shop::Shop;
use std::sync::atomic::{AtomicBool, Ordering};
use tongues_io::disk;
use tongues_kernel::{Error, Result, refuse};
use tongues_recipe::ast::Stage;

pub use evaluate::Scores;
pub(crate) use export::fold_all;
pub use generate::continued;
pub(crate) use writing::plain;
pub use writing::{Asked, Writing, Written};

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
    /// Someone asked to stop.
    pub stop: &'w AtomicBool,
    /// Bytes of `metrics.jsonl` that earlier stages wrote.
    pub metrics_bytes: u64,
}

impl Work<'_, '_> {
    /// Between two pieces of work that leave nothing behind: ends the run where someone asked to.
    ///
    /// # Errors
    /// Someone asked to stop.
    pub fn pause(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            let what = "stopped as asked; the stages before this one are saved";
            return Err(Error::interrupted(format!("stage `{}`", self.stage.name), what, "--resume goes on with this stage"));
        }
        Ok(())
    }

    /// What a process that was killed in this stage left under final names goes, so that the stage can write it again.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn clear(&self) -> Result<()> {
        let dir = self.folder.stage(&self.stage.name);
        let left: Vec<_> = std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
        // A merge goes on where it stopped.
        let stays = self.stage.merge.is_some() && left.iter().any(|path| tongues_merge::is_pending(path));
        let going: Vec<_> = if stays { left.into_iter().filter(|path| !tongues_merge::is_pending(path)).collect() } else { vec![dir] };
        going.iter().try_for_each(|path| disk::remove(path).map_err(|e| tongues_io::failed(path, &e)))
    }
}

/// Builds the decoders and evaluators of all stages before the first begins: what the schema cannot say of their options is told then.
///
/// # Errors
/// The options of one are wrong.
pub fn check_plugins(shop: &Shop<'_>) -> Result<()> {
    let decoder = |stage: &Stage| stage.generate.as_ref().map_or(Ok(()), |g| Writing::of(g).check(shop));
    let evaluators = |stage: &Stage| stage.evaluate.as_ref().map_or(Ok(()), |e| e.on.iter().try_for_each(|entry| evaluate::check(shop, entry)));
    let check = |stage: &Stage| decoder(stage).and_then(|()| evaluators(stage)).map_err(|e| e.within(format!("stage `{}`", stage.name)));
    shop.recipe.stage.iter().try_for_each(check)
}

/// Does the work; returns what it found.
///
/// # Errors
/// Its inputs do not fit, or something failed while running.
pub fn run(work: &Work<'_, '_>, journal: &Journal) -> Result<Scores> {
    let stage = work.stage;
    if let Some(train) = &stage.train {
        train::run(work, journal, train)?;
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
    Ok(Scores::default())
}
