//! Reads a prefix, and a folder that holds a prefix and a bottleneck.

use crate::prefix::{Prefix, PrefixSettings};
use serde_json::{Map, Value as Json};
use tongues_kernel::{Draws, Model, OnDisk, Result, part_format, refuse};
use tongues_nn::insert::hub::{self, Folder, Host};

/// The package holds the one prefix at every attention too, and writes it again under each of these names.
const COPY: &str = ".prefix_tuning.pool.";

/// Reads an AdapterHub folder of a prefix.
///
/// # Errors
/// A key that is not built, a tensor that lacks, is left over or has another shape, or a model of another width.
pub fn load_prefix(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let mut folder = Folder::open(disk, model.spec())?;
    folder.drop_copies(COPY);
    let settings = PrefixSettings::read(hub::settings_of(&disk.config)?)?;
    let mut prefix = Prefix::fresh(hub::PLACE, name, settings, Draws::new(0), model)?;
    let place = Prefix::place(&folder.root, &folder.name);
    folder.fill(&mut prefix, |own| format!("{place}.{}", Prefix::on_disk(own)))?;
    folder.finish()?;
    prefix.put(name, model)
}

/// Reads an AdapterHub folder whose `config` lists a prefix and a bottleneck, as the parts `<name>-prefix` and `<name>-ffn`.
///
/// # Errors
/// Other methods than these two, or what the readers of the two refuse.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let configs = disk.config.get("config").and_then(|c| c.get("configs")).and_then(Json::as_array).cloned().unwrap_or_default();
    let architecture = |c: &Json| c.get("architecture").and_then(Json::as_str).unwrap_or("bottleneck").to_owned();
    let mut kinds: Vec<String> = configs.iter().map(architecture).collect();
    kinds.sort_unstable();
    if kinds != ["bottleneck", "prefix_tuning"] {
        let remedy = "save the adapters one by one";
        return refuse(format!("{}.configs", hub::PLACE), "a prefix_tuning and a bottleneck", format!("{kinds:?}"), remedy);
    }
    let prefixes = format!("{}prefix_tuning.", Host::of(model.spec()).root);
    let is_prefix = |name: &str| name.starts_with(&prefixes) || name.contains(COPY);
    for config in configs {
        let prefix = architecture(&config) == "prefix_tuning";
        let mut alone = OnDisk { config: disk.config.clone(), ..OnDisk::default() };
        alone.config.insert("config".into(), without_word(config));
        alone.tensors = disk.tensors.iter().filter(|(n, _)| is_prefix(n) == prefix).map(|(n, t)| (n.clone(), t.clone())).collect();
        let part = format!("{name}-{}", if prefix { "prefix" } else { "ffn" });
        let reader = part_format(&alone.kind().unwrap_or_default())?;
        (reader.load)(&alone, &part, model)?;
    }
    Ok(())
}

/// A bottleneck's `architecture` is null in a folder of its own.
fn without_word(config: Json) -> Json {
    let keys: Map<String, Json> =
        config.as_object().cloned().unwrap_or_default().into_iter().filter(|(k, v)| k != "architecture" || v != "bottleneck").collect();
    Json::Object(keys)
}
