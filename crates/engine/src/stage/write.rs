//! A stage's model on disk: an ordinary checkpoint, and an adapter folder for each part.

use super::Work;
use crate::card::{Told, card};
use crate::journal::adapter_folder;
use crate::surroundings::Surroundings;
use std::path::{Path, PathBuf};
use tongues_io::hf::{Reading, certificate};
use tongues_io::{AtomicDir, Dtype, hf, write_atomic};
use tongues_kernel::{Error, Model, Result};
use tongues_recipe::ast::SaveDtype;

/// Writes the backbone as `checkpoint/` where it is not on disk yet, and every part as `adapter/` (or `adapter-<name>/`). Everything
/// is read back and compared with the model before it gets its name. The model then knows where its backbone lies, and is what
/// its files hold.
///
/// # Errors
/// The folder cannot be written, a part has no form on disk, or what was read back is another model.
pub fn write(work: &Work<'_, '_>, model: &mut Model, backbone_changed: bool) -> Result<()> {
    if backbone_changed || model.lineage.base.is_none() {
        write_backbone(work, model)?;
    }
    if model.net.parts.list().is_empty() { Ok(()) } else { write_parts(work, model) }
}

fn write_backbone(work: &Work<'_, '_>, model: &mut Model) -> Result<()> {
    let target = work.folder.stage(&work.stage.name).join("checkpoint");
    let partial = AtomicDir::create(&target)?;
    let dtype = work.stage.save_dtype.map_or_else(|| hf::written_dtype(&model.spec().config), stored);
    hf::save(model, Some(dtype), partial.path())?;
    write_atomic(&partial.path().join("README.md"), told(work, model, None, dtype)?.as_bytes())?;
    let mut cx = Surroundings::new(work.shop, &work.stage.name);
    let read_back = hf::load(partial.path(), &Reading::default(), &mut cx)?;
    certificate::certify(&model.without_parts(), &read_back, dtype, &[], partial.path())?;
    partial.commit()?;
    model.lineage.base = Some(target.display().to_string());
    model.lineage.origin = None;
    hf::as_written(model, dtype);
    hf::set_dtype(&mut model.net.backbone.spec_mut().config, dtype);
    Ok(())
}

fn write_parts(work: &Work<'_, '_>, model: &Model) -> Result<()> {
    let dir = work.folder.stage(&work.stage.name);
    let list = model.net.parts.list();
    let names: Vec<String> = list.iter().map(|a| adapter_folder(&a.name, list.len())).collect();
    let mut read_back = model.without_parts();
    let mut partials = vec![];
    for (attached, name) in list.iter().zip(&names) {
        let target = dir.join(name);
        let partial = AtomicDir::create(&target)?;
        let base = model.lineage.base.as_deref().map(|b| relative(Path::new(b), &target)).unwrap_or_default();
        hf::save_adapter(attached.part.save()?, &base, model.spec(), partial.path())?;
        write_atomic(&partial.path().join("README.md"), told(work, model, Some(&base), Dtype::F32)?.as_bytes())?;
        hf::load_adapter(partial.path(), &attached.name, &mut read_back)?;
        partials.push(partial);
    }
    for partial in partials {
        certificate::certify(model, &read_back, Dtype::F32, &names, partial.path())?;
        partial.commit()?;
    }
    Ok(())
}

/// The dtype of a key of the recipe.
pub(super) fn stored(dtype: SaveDtype) -> Dtype {
    match dtype {
        SaveDtype::Float32 => Dtype::F32,
        SaveDtype::Bfloat16 => Dtype::BF16,
        SaveDtype::Float16 => Dtype::F16,
    }
}

/// `to` as seen from the folder `from`, where both lie in one tree; `to` itself otherwise.
fn relative(to: &Path, from: &Path) -> String {
    let (to_all, from_all): (Vec<_>, Vec<_>) = (to.components().collect(), from.components().collect());
    let common = to_all.iter().zip(&from_all).take_while(|(a, b)| a == b).count();
    if common == 0 || to.is_absolute() != from.is_absolute() {
        return to.display().to_string();
    }
    let up = std::iter::repeat_n("..".into(), from_all.len() - common);
    let down = to_all[common..].iter().map(|c| PathBuf::from(c.as_os_str()));
    up.chain(down).collect::<PathBuf>().display().to_string()
}

fn told(work: &Work<'_, '_>, model: &Model, base: Option<&str>, dtype: Dtype) -> Result<String> {
    let (stage, family, steps) = (work.stage.name.as_str(), model.spec().family.as_str(), model.lineage.steps.as_slice());
    card(&Told { recipe: work.shop.recipe, stage, family, steps, base, dtype: hf::dtype_name(dtype) })
}

/// A file of the stage cannot be written.
pub fn save_text(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(|e| Error::run(parent.display(), e))?;
    write_atomic(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::relative;
    use std::path::Path;

    #[test]
    fn paths_are_seen_from_the_adapter() {
        let see = |to: &str, from: &str| relative(Path::new(to), Path::new(from));
        assert_eq!(see("runs/x/stages/a/checkpoint", "runs/x/stages/a/adapter"), "../checkpoint");
        assert_eq!(see("runs/x/stages/a/checkpoint", "runs/x/stages/b/adapter"), "../../a/checkpoint");
        assert_eq!(see("/models/base", "runs/x/stages/b/adapter"), "/models/base");
    }
}
