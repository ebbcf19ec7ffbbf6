//! A stage's model on disk: an ordinary checkpoint, and an adapter folder for each part.

use super::Work;
use crate::journal::adapter_folder;
use std::path::{Path, PathBuf};
use tongues_io::{AtomicDir, Dtype, hf, write_atomic};
use tongues_kernel::{Error, Model, Result};
use tongues_recipe::ast::SaveDtype;

/// Writes the backbone as `checkpoint/` where it is not on disk yet, and every part as `adapter/` (or `adapter-<name>/`).
/// The model then knows where its backbone lies.
///
/// # Errors
/// The folder cannot be written, or a part has no form on disk.
pub fn write(work: &Work<'_, '_>, model: &mut Model, backbone_changed: bool) -> Result<()> {
    let dir = work.folder.stage(&work.stage.name);
    if backbone_changed || model.lineage.base.is_none() {
        let target = dir.join("checkpoint");
        let partial = AtomicDir::create(&target)?;
        let dtype = work.stage.save_dtype.map_or_else(|| hf::written_dtype(&model.spec().config), stored);
        hf::save(model, Some(dtype), partial.path())?;
        write_atomic(&partial.path().join("README.md"), card(work, model).as_bytes())?;
        partial.commit()?;
        model.lineage.base = Some(target.display().to_string());
        hf::as_written(model, dtype);
        hf::set_dtype(&mut model.net.backbone.spec_mut().config, dtype);
    }
    for attached in model.net.parts.list() {
        let target = dir.join(adapter_folder(&attached.name, model.net.parts.list().len()));
        let partial = AtomicDir::create(&target)?;
        let base = model.lineage.base.as_deref().map(|b| relative(Path::new(b), &target)).unwrap_or_default();
        hf::save_adapter(attached.part.save()?, &base, partial.path())?;
        write_atomic(&partial.path().join("README.md"), adapter_card(work, model, &base).as_bytes())?;
        partial.commit()?;
    }
    Ok(())
}

fn stored(dtype: SaveDtype) -> Dtype {
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

fn languages(work: &Work<'_, '_>) -> String {
    let language = work.shop.recipe.language.as_ref();
    let tags: Vec<String> = language.into_iter().flat_map(|l| [&l.source, &l.target]).flatten().map(|t| format!("- {t}\n")).collect();
    if tags.is_empty() { String::new() } else { format!("language:\n{}", tags.concat()) }
}

fn card(work: &Work<'_, '_>, model: &Model) -> String {
    let (name, stage, steps) = (&work.shop.recipe.name, &work.stage.name, model.lineage.steps.join("; "));
    let languages = languages(work);
    format!(
        "---\nlibrary_name: transformers\npipeline_tag: text-generation\n{languages}tags:\n- tongues\n---\n\n# {name}: {stage}\n\n\
         Made by stage `{stage}` of the recipe in `recipe.toml`, seed {}.\n\n- Family: {}\n- History: {steps}\n- Scores: `report.html` of the run\n",
        work.shop.recipe.seed,
        model.spec().family,
    )
}

fn adapter_card(work: &Work<'_, '_>, model: &Model, base: &str) -> String {
    let (name, stage, steps) = (&work.shop.recipe.name, &work.stage.name, model.lineage.steps.join("; "));
    let languages = languages(work);
    format!(
        "---\nlibrary_name: peft\nbase_model: {base}\n{languages}tags:\n- tongues\n---\n\n# {name}: adapter of {stage}\n\nBelongs to the checkpoint `{base}` (seen from this folder). History: {steps}\n"
    )
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
