//! `tongues verify`.

use crate::args::VerifyArgs;
use crate::{device, say};
use std::path::{Path, PathBuf};
use tongues_io::hf::{self, certificate};
use tongues_io::{config, hub, private};
use tongues_kernel::{Bare, Draws, Model, refuse};

/// Checks every file of a saved folder, reads it, and compares what the model says with the certificate.
pub fn run(args: &VerifyArgs) -> anyhow::Result<()> {
    let folders = folders(&args.folder)?;
    for folder in &folders {
        one(folder, args)?;
    }
    if folders.len() > 1 {
        say(&format!("{} folders verified", folders.len()))?;
    }
    Ok(())
}

/// The folder itself, or all certified folders of a run.
fn folders(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_model = |dir: &Path| dir.join("config.json").exists() || dir.join("adapter_config.json").exists() || dir.join(certificate::CERTIFICATE).exists();
    if !root.is_dir() || is_model(root) || !root.join("stages").is_dir() {
        return Ok(vec![root.to_owned()]);
    }
    let mut found = vec![];
    for stage in std::fs::read_dir(root.join("stages"))?.flatten() {
        let inside = std::fs::read_dir(stage.path()).into_iter().flatten().flatten().map(|e| e.path());
        found.extend(inside.filter(|dir| is_model(dir)));
    }
    found.sort();
    if found.is_empty() {
        return Ok(refuse(root.display(), "a run with checkpoints or adapters", "none", "name a checkpoint folder")?);
    }
    Ok(found)
}

fn one(dir: &Path, args: &VerifyArgs) -> anyhow::Result<()> {
    let told = certificate::check_files(dir)?;
    let bytes: u64 = told.files.values().map(|m| m.bytes).sum();
    let mut cx = Bare { device: device::parse(&args.device)?, draws: Draws::new(0) };
    let model =
        if dir.join("adapter_config.json").exists() { adapted(dir, &told.adapters, args, &mut cx)? } else { hf::load(dir, &hf::Reading::default(), &mut cx)? };
    let difference = certificate::check_model(&model, &told, dir)?;
    let (at, files) = (private(&dir.display().to_string()), told.files.len());
    say(&format!(
        "{at}: verified: {files} files, {bytes} bytes, stored as {}; logits within {difference:.1e} standard deviations of the certificate{}",
        told.dtype,
        told.difference.map_or_else(String::new, |of| format!(", {of:.1e} of the model that was saved"))
    ))
}

/// The base of an adapter with all adapters that its certificate names.
fn adapted(dir: &Path, names: &[String], args: &VerifyArgs, cx: &mut Bare) -> anyhow::Result<Model> {
    let written = config::read_object(&dir.join("adapter_config.json"))?;
    let base = match &args.base {
        Some(base) => base.clone(),
        None => base_of(dir, &written)?,
    };
    let base = hub::locate(&base.display().to_string())?.dir;
    let mut model = hf::load(&base, &hf::Reading::default(), cx)?;
    let parent = dir.canonicalize()?.parent().map(Path::to_owned).unwrap_or_default();
    let siblings = names.iter().map(|name| parent.join(name)).collect::<Vec<_>>();
    // An adapter that was moved or renamed stands for itself.
    let folders = if siblings.len() > 1 { siblings } else { vec![dir.to_owned()] };
    for (i, folder) in folders.iter().enumerate() {
        hf::load_adapter(folder, &format!("adapter{i}"), &mut model)?;
    }
    Ok(model)
}

fn base_of(dir: &Path, written: &serde_json::Map<String, serde_json::Value>) -> anyhow::Result<PathBuf> {
    let named = written.get("base_model_name_or_path").and_then(serde_json::Value::as_str).unwrap_or_default();
    let found = [dir.join(named), PathBuf::from(named)].into_iter().find(|p| !named.is_empty() && p.join("config.json").exists());
    let revision = written.get("revision").and_then(serde_json::Value::as_str).map(|r| format!("@{r}")).unwrap_or_default();
    let is_name = !named.is_empty() && !named.starts_with('.') && named.matches('/').count() <= 1;
    match found {
        Some(base) => Ok(base),
        None if is_name => Ok(hub::locate(&format!("hf:{named}{revision}"))?.dir),
        None => Ok(refuse(dir.display(), "the base model of the adapter", format!("none at `{named}`"), "name its folder with --base")?),
    }
}
