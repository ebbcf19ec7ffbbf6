//! Reads an adapter folder in PEFT's form. The tensors say which places are adapted; the config says what the product is
//! scaled by, and everything in it that would change the model's function and is not built here is refused.

mod sorted;

use crate::attach::{copy, trained_rows};
use crate::embedding::{embedding_factor, table};
use crate::init::start;
use crate::places::{across, chosen, lie_across, own_alphas, target_modules, tied_head, to_save};
use crate::save::{SUFFIX_A, SUFFIX_B, SUFFIX_BIAS, SUFFIX_EMBEDDING, SUFFIX_MAGNITUDE, SUFFIX_TOKENS};
use crate::{Lora, Pair, Pieces, Rows, Settings, TokenIndices, Way};
use serde_json::{Map, Value as Json};
use sorted::Sorted;
use tongues_kernel::burn::module::Param;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Error, Model, OnDisk, Result, Role, SiteInfo, Spec, refuse};
use tongues_nn::peft::{CONFIG, Names, PREFIX, TENSORS, by_pattern, flag, inert, number, refuse_unknown, tensor, text, whole};

/// Keys that are read here, or that say nothing about what the tensors do.
const KNOWN: [&str; 23] = [
    "r",
    "lora_alpha",
    "lora_dropout",
    "use_rslora",
    "use_dora",
    "lora_bias",
    "bias",
    "rank_pattern",
    "alpha_pattern",
    "init_lora_weights",
    "target_modules",
    "layers_to_transform",
    "layers_pattern",
    "exclude_modules",
    "fan_in_fan_out",
    "modules_to_save",
    "trainable_token_indices",
    "megatron_core",
    "qalora_group_size",
    "eva_config",
    "runtime_config",
    "loftq_config",
    "ensure_weight_tying",
];

/// Initialisations that leave the base weights as they are.
const HARMLESS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// Attaches the adapter as a part of that name.
///
/// # Errors
/// A variant that is not built, an incomplete pair, a shape that does not fit, a value that is not finite, a module that the
/// model lacks.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let way = check(&disk.config)?;
    let copies = to_save(names(&disk.config, "modules_to_save")?.as_deref(), model.spec())?;
    let found = Sorted::of(disk, &copies, model.spec())?;
    let sites = found.places(model.spec())?;
    complete(&disk.config, &sites, &copies, model.spec())?;
    let mut settings = settings(&disk.config, &sites, model.spec())?;
    settings.across = across(&copies, model.spec());
    let mut pieces = Pieces { tied: tied_head(model.spec()), factor: 1.0, ..Pieces::default() };
    for info in &sites {
        read_place(disk, info, &settings, way, model, &mut pieces)?;
    }
    for info in copies {
        let shape = copy(&info, model)?;
        let read = read_copy(disk, &info, shape, settings.across.contains(&info.path), &model.device())?;
        pieces.saved.push((info, read));
    }
    read_tokens(disk, &settings, model, &mut pieces)?;
    if pieces.sites().iter().any(|s| s.role == Role::Embeddings) {
        let rows = table(model)?.1;
        pieces.factor = embedding_factor(model, &rows)?;
    }
    model.attach(name, pieces.sites(), Lora::new(pieces, settings))
}

/// Refuses every key that changes what the tensors mean and is not built here. The way to start that must be made again.
fn check(config: &Map<String, Json>) -> Result<Option<Way>> {
    refuse_unknown(config, &KNOWN)?;
    let inert_or = |key: &str| config.get(key).is_none_or(inert);
    if let Some(bias) = text(config, "bias").filter(|b| *b != "none") {
        return refuse(format!("{CONFIG}: bias"), "none", bias, "trained biases are not read; merge the adapter with PEFT");
    }
    if !inert_or("loftq_config") {
        return refuse(format!("{CONFIG}: loftq_config"), "nothing", &config["loftq_config"], "it changed the base weights; merge the adapter with PEFT");
    }
    if flag(config, "ensure_weight_tying")? && (!inert_or("modules_to_save") || !inert_or("trainable_token_indices")) {
        return refuse(format!("{CONFIG}: ensure_weight_tying"), "false beside modules_to_save", true, "merge the adapter with PEFT");
    }
    let way = match text(config, "init_lora_weights") {
        Some("pissa") => Some(Way::Pissa),
        Some("olora") => Some(Way::Olora),
        Some(way) if !HARMLESS.contains(&way) => {
            let remedy = "it changed the base weights: save the adapter with PEFT's `path_initial_model_for_weight_conversion`, or merge it";
            return refuse(format!("{CONFIG}: init_lora_weights"), format!("true, false, pissa, olora, {}", HARMLESS.join(", ")), way, remedy);
        }
        _ => None,
    };
    if flag(config, "use_dora")? && (way.is_some() || flag(config, "lora_bias")?) {
        return refuse(format!("{CONFIG}: use_dora"), "neither lora_bias nor a start out of the weight", "both", "merge the adapter with PEFT");
    }
    Ok(way)
}

fn read_place(disk: &OnDisk, info: &SiteInfo, settings: &Settings, way: Option<Way>, model: &mut Model, pieces: &mut Pieces) -> Result<()> {
    let (device, path) = (model.device(), &info.path);
    let named = |suffix: &str| format!("{PREFIX}{path}{suffix}");
    let own = pattern(&disk.config, "rank_pattern", path)?;
    let r = own.map_or(settings.r, |r| r as usize);
    let [width, out] = info.width;
    if info.site.role == Role::Embeddings {
        let rows = table(model)?.1.dims()[0];
        let a = tensor(disk, &named(SUFFIX_EMBEDDING[0]), [r, rows], &device)?;
        let b = tensor(disk, &named(SUFFIX_EMBEDDING[1]), [out, r], &device)?;
        pieces.rows = Some((info.clone(), Rows::new(a, b)));
        return same_table(disk, &named(".base_layer.weight"), model);
    }
    let pair = Pair::new(tensor(disk, &named(SUFFIX_A), [r, width], &device)?, tensor(disk, &named(SUFFIX_B), [out, r], &device)?);
    let bias = if settings.lora_bias { Some(tensor(disk, &named(SUFFIX_BIAS), [out], &device)?) } else { None };
    let old = named(&format!("{SUFFIX_MAGNITUDE}.weight"));
    let magnitude = if disk.tensors.contains_key(&old) { old } else { named(SUFFIX_MAGNITUDE) };
    let magnitude = if settings.use_dora { Some(tensor(disk, &magnitude, [out], &device)?) } else { None };
    let start = match way {
        None => None,
        Some(way) => {
            let weight = model.weights().get::<2>(&format!("{path}.weight"))?.without_autodiff();
            Some(start(way, info, (r, settings.scale(path, r)), &weight, &device)?)
        }
    };
    pieces.pairs.push((info.clone(), pair.with_bias(bias).with_magnitude(magnitude).with_start(start)));
    Ok(())
}

/// PEFT writes the table beside matrices on the embeddings. It must be this model's.
fn same_table(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let Some((shape, values)) = disk.tensors.get(name) else { return Ok(()) };
    let (info, own) = table(model)?;
    let near = |(a, b): (&f32, f32)| (a - b).abs() <= 1e-2 * b.abs().max(1e-3);
    if shape[..] == own.dims() && values.iter().zip(tongues_kernel::values(own.clone())).all(near) {
        return Ok(());
    }
    let expected = format!("the table of {}, {:?}", info.path, own.dims());
    refuse(format!("{TENSORS}: {name}"), expected, format!("another, {shape:?}"), "the adapter belongs to another base, or to one whose vocabulary has grown")
}

fn read_copy(disk: &OnDisk, info: &SiteInfo, mut shape: tongues_kernel::Linear, lies: bool, device: &Device) -> Result<tongues_kernel::Linear> {
    let named = |suffix: &str| format!("{PREFIX}{}{suffix}", info.path);
    let [out, width] = shape.weight.val().dims();
    let weight = tensor(disk, &named(".weight"), if lies { [width, out] } else { [out, width] }, device)?;
    shape.weight = Param::from_tensor(if lies { weight.transpose() } else { weight });
    if let Some(bias) = shape.bias.take() {
        shape.bias = Some(Param::from_tensor(tensor(disk, &named(".bias"), bias.val().dims(), device)?));
    }
    Ok(shape)
}

fn read_tokens(disk: &OnDisk, settings: &Settings, model: &mut Model, pieces: &mut Pieces) -> Result<()> {
    if inert(&settings.trainable_token_indices) {
        return Ok(());
    }
    let wrong = |e| Error::input(format!("{CONFIG}: trainable_token_indices"), "ids, or ids by module", e, "correct the file");
    let indices: TokenIndices = serde_json::from_value(settings.trainable_token_indices.clone()).map_err(wrong)?;
    let (info, mut tokens) = trained_rows(&indices.told(), model)?;
    let shape = tokens.trainable_tokens_delta.val().dims();
    let rows = tensor(disk, &format!("{PREFIX}{}{SUFFIX_TOKENS}", info.path), shape, &model.device())?;
    tokens.trainable_tokens_delta = Param::from_tensor(rows);
    pieces.tokens = Some((info, tokens));
    Ok(())
}

/// Every module that target modules name must have come.
fn complete(config: &Map<String, Json>, sites: &[SiteInfo], copies: &[SiteInfo], spec: &Spec) -> Result<()> {
    let read = |key: &str| config.get(key).filter(|v| !inert(v)).and_then(|v| serde_json::from_value::<Names>(v.clone()).ok());
    let (layers, exclude) = (layers(config)?, read("exclude_modules"));
    let of = |names: &Names| chosen(names, exclude.as_ref(), layers.as_deref(), spec).unwrap_or_default();
    // A name that this model lacks is no matter here: PEFT ignores it as long as another one matches.
    let named: Vec<SiteInfo> = match read("target_modules") {
        Some(Names::List(names)) => names.into_iter().flat_map(|n| of(&Names::List(vec![n]))).collect(),
        Some(text) => of(&text),
        None => vec![],
    };
    match named.iter().find(|i| !sites.contains(i) && !copies.contains(i)) {
        Some(lost) => {
            let suffix = if lost.site.role == Role::Embeddings { SUFFIX_EMBEDDING[0] } else { SUFFIX_A };
            let expected = format!("a tensor, as target_modules = {} says", config["target_modules"]);
            refuse(format!("{TENSORS}: {PREFIX}{}{suffix}", lost.path), expected, "none", "the file is incomplete")
        }
        None => Ok(()),
    }
}

fn settings(config: &Map<String, Json>, sites: &[SiteInfo], spec: &Spec) -> Result<Settings> {
    let layers = layers(config)?;
    let plain = Settings {
        r: whole(config, "r")?,
        lora_alpha: number(config, "lora_alpha")?,
        lora_dropout: config.get("lora_dropout").and_then(Json::as_f64).unwrap_or(0.0),
        use_rslora: flag(config, "use_rslora")?,
        target_modules: target_modules(sites, layers.as_deref(), spec),
        layers_to_transform: layers,
        fan_in_fan_out: lie_across(sites, spec),
        modules_to_save: names(config, "modules_to_save")?,
        trainable_token_indices: config.get("trainable_token_indices").cloned().unwrap_or(Json::Null),
        lora_bias: flag(config, "lora_bias")?,
        use_dora: flag(config, "use_dora")?,
        ..Settings::default()
    };
    let alphas = own_alphas(sites, &plain, |path| pattern(config, "alpha_pattern", path))?;
    Ok(Settings { alphas, ..plain })
}

fn names(config: &Map<String, Json>, key: &str) -> Result<Option<Vec<String>>> {
    let Some(value) = config.get(key).filter(|v| !inert(v)) else { return Ok(None) };
    serde_json::from_value(value.clone()).map(Some).map_err(|_| Error::input(format!("{CONFIG}: {key}"), "a list of names", value, "correct the file"))
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
        .ok_or_else(|| Error::input(format!("{CONFIG}: layers_to_transform"), "layers, counted from 0", &config["layers_to_transform"], "correct the file"))
}

/// The number of the first pattern in the file that matches a path.
fn pattern(config: &Map<String, Json>, key: &str, path: &str) -> Result<Option<f64>> {
    let Some(patterns) = config.get(key).and_then(Json::as_object) else { return Ok(None) };
    let Some(value) = by_pattern(patterns, path).map_err(|e| e.within(format!("{CONFIG}: {key}")))? else { return Ok(None) };
    let number = value.as_f64().filter(|x| *x > 0.0 && (key != "rank_pattern" || x.fract() == 0.0));
    number.map(Some).ok_or_else(|| Error::input(format!("{CONFIG}: {key}"), "numbers above 0", value, "correct the file"))
}
