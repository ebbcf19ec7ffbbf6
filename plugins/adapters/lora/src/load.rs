//! Reads an adapter folder in PEFT's form. The tensors say which places are adapted; the config says what the product is
//! scaled by, and everything in it that would change the model's function and is not built here is refused.

use crate::save::{PREFIX, SUFFIX_A, SUFFIX_B};
use crate::{Lora, Pair, Settings, chosen, lie_across, target_modules};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Error, Model, OnDisk, Result, SiteInfo, Spec, nearest, refuse};

const FILE: &str = "adapter_config.json";
const TENSORS: &str = "adapter_model.safetensors";

/// Keys that are read here, or that say nothing about what the tensors do.
const KNOWN: [&str; 25] = [
    "peft_type",
    "r",
    "lora_alpha",
    "lora_dropout",
    "use_rslora",
    "bias",
    "rank_pattern",
    "alpha_pattern",
    "init_lora_weights",
    "target_modules",
    "layers_to_transform",
    "layers_pattern",
    "exclude_modules",
    "fan_in_fan_out",
    "task_type",
    "base_model_name_or_path",
    "revision",
    "auto_mapping",
    "inference_mode",
    "peft_version",
    "megatron_core",
    "qalora_group_size",
    "eva_config",
    "runtime_config",
    "loftq_config",
];

/// Initialisations that leave the base weights as they are.
const HARMLESS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// Attaches the adapter as a part of that name.
///
/// # Errors
/// A variant that is not built, an incomplete pair, a shape that does not fit, a module that the model lacks.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    check(&disk.config)?;
    let found = pairs(disk)?;
    let sites = places(&found, model.spec())?;
    complete(&disk.config, &sites, model.spec())?;
    let settings = settings(&disk.config, &sites, model.spec())?;
    let device = model.device();
    let mut pairs = vec![];
    for info in &sites {
        let (a, b) = &found[info.path.as_str()];
        let r = by_pattern(&disk.config, "rank_pattern", &info.path)?.unwrap_or(settings.r as f64) as usize;
        fits((&info.path, SUFFIX_A), (&a.0, a.1.len()), [r, info.width[0]])?;
        fits((&info.path, SUFFIX_B), (&b.0, b.1.len()), [info.width[1], r])?;
        pairs.push(Pair::new(tensor(a, [r, info.width[0]], &device), tensor(b, [info.width[1], r], &device)));
    }
    model.attach(name, sites.iter().map(|i| i.site).collect(), Lora::new(&sites, pairs, settings))
}

type Host = (Vec<usize>, Vec<f32>);

fn tensor((_, values): &Host, shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.clone(), shape), device)
}

/// Refuses every key that changes what the tensors mean and is not built here.
fn check(config: &Map<String, Json>) -> Result<()> {
    let wrong: Vec<String> = config.iter().filter(|(k, v)| !KNOWN.contains(&k.as_str()) && !inert(v)).map(|(k, v)| format!("{k} = {v}")).collect();
    if !wrong.is_empty() {
        let expected = "a plain LoRA: keys beyond it null, false or empty";
        return refuse(FILE, expected, wrong.join(", "), "merge the adapter with PEFT and load the merged checkpoint");
    }
    let text = |key: &str| config.get(key).and_then(Json::as_str);
    if text("bias").is_some_and(|b| b != "none") {
        return refuse(format!("{FILE}: bias"), "none", text("bias").unwrap_or_default(), "trained biases are not read; merge the adapter with PEFT");
    }
    match config.get("init_lora_weights") {
        Some(Json::String(way)) if !HARMLESS.contains(&way.as_str()) => {
            let remedy = "it changed the base weights: save the adapter with PEFT's `path_initial_model_for_weight_conversion`, or merge it";
            refuse(format!("{FILE}: init_lora_weights"), format!("true, false, {}", HARMLESS.join(", ")), way, remedy)
        }
        _ if config.get("loftq_config").is_some_and(|v| !inert(v)) => {
            refuse(format!("{FILE}: loftq_config"), "nothing", &config["loftq_config"], "it changed the base weights; merge the adapter with PEFT")
        }
        _ => Ok(()),
    }
}

/// A value that says "not this".
fn inert(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// The tensors as pairs by module path.
fn pairs(disk: &OnDisk) -> Result<BTreeMap<&str, (&Host, &Host)>> {
    let path = |name: &'_ String, suffix: &str| name.strip_prefix(PREFIX).and_then(|n| n.strip_suffix(suffix)).map(str::len);
    let mut found = BTreeMap::new();
    for (name, a) in &disk.tensors {
        let (length, own, other) = match (path(name, SUFFIX_A), path(name, SUFFIX_B)) {
            (Some(length), _) => (length, SUFFIX_A, SUFFIX_B),
            (_, Some(length)) => (length, SUFFIX_B, SUFFIX_A),
            _ => {
                return refuse(
                    format!("{TENSORS}: {name}"),
                    format!("{PREFIX}….lora_A.weight or lora_B.weight"),
                    "another tensor",
                    "only plain LoRA on projections is read",
                );
            }
        };
        let module = &name[PREFIX.len()..PREFIX.len() + length];
        let Some(b) = disk.tensors.get(&format!("{PREFIX}{module}{other}")) else {
            return refuse(
                format!("{TENSORS}: {PREFIX}{module}{other}"),
                "the other matrix of the pair",
                format!("only {PREFIX}{module}{own}"),
                "the file is incomplete",
            );
        };
        if own == SUFFIX_A {
            found.insert(module, (a, b));
        }
    }
    if found.is_empty() { refuse(TENSORS, "at least one pair of lora_A and lora_B", "none", "the file is empty") } else { Ok(found) }
}

/// The places of the pairs, in the model's order.
fn places(found: &BTreeMap<&str, (&Host, &Host)>, spec: &Spec) -> Result<Vec<SiteInfo>> {
    let is = |path: &str| spec.sites.iter().any(|i| i.weight && i.path == path);
    if let Some(lost) = found.keys().find(|path| !is(path)) {
        let known = spec.sites.iter().filter(|i| i.weight).map(|i| i.path.as_str());
        let remedy = nearest(lost, known)
            .map_or_else(|| "the adapter belongs to another model".into(), |n| format!("the nearest is {n}; the adapter may belong to another model"));
        return refuse(format!("{TENSORS}: {PREFIX}{lost}{SUFFIX_A}"), format!("a projection of this {} model", spec.family), lost, remedy);
    }
    Ok(spec.sites.iter().filter(|i| i.weight && found.contains_key(i.path.as_str())).cloned().collect())
}

/// Every projection that a list of target modules names must have come; a regular expression is not checked.
fn complete(config: &Map<String, Json>, sites: &[SiteInfo], spec: &Spec) -> Result<()> {
    let (Some(names), true) = (list(config, "target_modules"), config.get("exclude_modules").is_none_or(inert)) else { return Ok(()) };
    let layers = layers(config)?;
    // A name that this model lacks is no matter here: PEFT ignores it as long as another one matches.
    let named = |name: &String| chosen(std::slice::from_ref(name), layers.as_deref(), spec).unwrap_or_default();
    let lost = names.iter().flat_map(named).find(|i| !sites.contains(i));
    match lost {
        Some(lost) => refuse(
            format!("{TENSORS}: {PREFIX}{}{SUFFIX_A}", lost.path),
            format!("a tensor, as target_modules = {names:?} says"),
            "none",
            "the file is incomplete",
        ),
        None => Ok(()),
    }
}

fn settings(config: &Map<String, Json>, sites: &[SiteInfo], spec: &Spec) -> Result<Settings> {
    let number = |key: &str| match config.get(key).map(Json::as_f64) {
        Some(Some(x)) => Ok(x),
        _ => refuse(format!("{FILE}: {key}"), "a number", config.get(key).unwrap_or(&Json::Null), "the file is incomplete"),
    };
    let r = number("r")?;
    if r < 1.0 || r.fract() != 0.0 {
        return refuse(format!("{FILE}: r"), "a whole number of at least 1", r, "correct the file");
    }
    let lora_alpha = number("lora_alpha")?;
    let alpha = |info: &SiteInfo| Ok(by_pattern(config, "alpha_pattern", &info.path)?.unwrap_or(lora_alpha));
    let layers = layers(config)?;
    Ok(Settings {
        r: r as usize,
        lora_alpha,
        lora_dropout: config.get("lora_dropout").and_then(Json::as_f64).unwrap_or(0.0),
        use_rslora: config.get("use_rslora").and_then(Json::as_bool).unwrap_or(false),
        alphas: sites.iter().map(alpha).collect::<Result<_>>()?,
        target_modules: target_modules(sites, layers.as_deref(), spec),
        layers_to_transform: layers,
        fan_in_fan_out: lie_across(sites, spec),
    })
}

fn list(config: &Map<String, Json>, key: &str) -> Option<Vec<String>> {
    config.get(key)?.as_array()?.iter().map(|v| v.as_str().map(String::from)).collect()
}

/// One layer or a list of layers.
fn layers(config: &Map<String, Json>) -> Result<Option<Vec<usize>>> {
    let whole = |v: &Json| v.as_u64().map(|l| l as usize);
    let found = match config.get("layers_to_transform") {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Array(items)) => items.iter().map(whole).collect(),
        Some(one) => whole(one).map(|l| vec![l]),
    };
    found
        .map(Some)
        .ok_or_else(|| Error::input(format!("{FILE}: layers_to_transform"), "layers, counted from 0", &config["layers_to_transform"], "correct the file"))
}

/// The value of the first pattern that a path ends in (equals, after `^`). PEFT's patterns are regular expressions; those
/// that use more than plain names are refused.
fn by_pattern(config: &Map<String, Json>, key: &str, path: &str) -> Result<Option<f64>> {
    let Some(patterns) = config.get(key).and_then(Json::as_object) else { return Ok(None) };
    for (pattern, value) in patterns {
        let plain = pattern.trim_start_matches('^');
        if plain.contains(|c: char| !(c.is_alphanumeric() || "._-".contains(c))) {
            return refuse(format!("{FILE}: {key}"), "plain module names or paths", pattern, "write the paths out instead of a regular expression");
        }
        let ends = path.strip_suffix(plain).is_some_and(|rest| rest.is_empty() || (rest.ends_with('.') && plain == pattern));
        if ends {
            let number = value.as_f64().filter(|x| *x > 0.0);
            return number.map(Some).ok_or_else(|| Error::input(format!("{FILE}: {key}.{pattern}"), "a number above 0", value, "correct the file"));
        }
    }
    Ok(None)
}

fn fits((path, suffix): (&str, &str), (found, values): (&[usize], usize), expected: [usize; 2]) -> Result<()> {
    if found == expected && values == expected[0] * expected[1] {
        return Ok(());
    }
    let remedy = "the adapter belongs to another model, or `r` and `rank_pattern` are not those of the tensors";
    refuse(format!("{TENSORS}: {PREFIX}{path}{suffix}"), format!("shape {expected:?}"), format!("{found:?}"), remedy)
}
