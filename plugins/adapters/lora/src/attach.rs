//! What a recipe's options make of a model.

use crate::embedding::{embedding_factor, table};
use crate::init::fresh;
use crate::places::{across, chosen, lie_across, own_alphas, target_modules, tied_head, to_save};
use crate::{Lora, LoraOptions, Pieces, Rows, Settings, TokenIndices, Tokens, save};
use serde_json::{Value as Json, json};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Adapter, Context, Draws, Linear, Model, Policy, Result, Role, SiteInfo, refuse};
use tongues_nn::peft::by_pattern;

impl Adapter for LoraOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        self.check()?;
        let layers = self.layers_to_transform.as_deref();
        let copies = to_save(self.modules_to_save.as_deref(), model.spec())?;
        let mut sites = chosen(&self.target_modules, self.exclude_modules.as_ref(), layers, model.spec())?;
        sites.retain(|i| !copies.contains(i));
        let mut settings = self.settings(&sites, model)?;
        settings.across = across(&copies, model.spec());
        let mut pieces = Pieces { tied: tied_head(model.spec()), factor: 1.0, fresh: true, ..Pieces::default() };
        let draws = cx.draws().stream(&self.name);
        for info in &sites {
            self.beside(info, &settings, draws.stream(&info.path), model, &mut pieces)?;
        }
        for info in copies {
            pieces.saved.push((info.clone(), copy(&info, model)?));
        }
        if let Some(indices) = &self.trainable_token_indices {
            pieces.tokens = Some(trained_rows(&indices.told(), model)?);
        }
        if pieces.sites().iter().any(|s| s.role == Role::Embeddings) {
            let rows = table(model)?.1;
            pieces.factor = embedding_factor(model, &rows)?;
        }
        model.attach(&self.name, pieces.sites(), Lora::new(pieces, settings))?;
        if let Some(ratio) = self.loraplus_lr_ratio {
            learn_faster(model, &self.name, ratio);
        }
        Ok(())
    }
}

impl LoraOptions {
    fn check(&self) -> Result<()> {
        if self.name.is_empty() {
            return refuse("lora: name", "a name for the part", "an empty text", "leave the key out for `lora`");
        }
        if self.use_dora && (self.lora_bias || self.init_lora_weights.takes_out()) {
            let remedy = "take one of them out; DoRA's norms are those of the whole weight";
            return refuse("lora: use_dora", "neither lora_bias nor a start out of the weight", "both", remedy);
        }
        Ok(())
    }

    fn settings(&self, sites: &[SiteInfo], model: &Model) -> Result<Settings> {
        for (key, patterns) in [("rank_pattern", self.rank_pattern.keys().collect::<Vec<_>>()), ("alpha_pattern", self.alpha_pattern.keys().collect())] {
            for pattern in patterns {
                let mut hits = sites.iter().map(|i| by_pattern([(pattern, ())], &i.path)).collect::<Result<Vec<_>>>()?.into_iter().flatten();
                if hits.next().is_none() {
                    return refuse(
                        format!("lora: {key}.{pattern}"),
                        "a pattern that matches one of the adapted places",
                        "none",
                        "it must match a path or its end",
                    );
                }
            }
        }
        let plain = Settings {
            r: self.r,
            lora_alpha: self.lora_alpha,
            lora_dropout: self.lora_dropout,
            use_rslora: self.use_rslora,
            target_modules: target_modules(sites, self.layers_to_transform.as_deref(), model.spec()),
            layers_to_transform: self.layers_to_transform.clone(),
            fan_in_fan_out: lie_across(sites, model.spec()),
            modules_to_save: self.modules_to_save.clone(),
            trainable_token_indices: self.trainable_token_indices.as_ref().map_or(Json::Null, |t| json!(t)),
            lora_bias: self.lora_bias,
            use_dora: self.use_dora,
            ..Settings::default()
        };
        let alphas = own_alphas(sites, &plain, |path| by_pattern(self.alpha_pattern.iter().map(|(k, a)| (k, *a)), path))?;
        Ok(Settings { alphas, ..plain })
    }

    /// The matrices of one place.
    fn beside(&self, info: &SiteInfo, settings: &Settings, draws: Draws, model: &mut Model, pieces: &mut Pieces) -> Result<()> {
        let r = by_pattern(self.rank_pattern.iter().map(|(k, r)| (k, *r)), &info.path)?.unwrap_or(self.r);
        if r == 0 {
            return refuse("lora: rank_pattern", "ranks of at least 1", r, "correct the pattern's value");
        }
        let device = model.device();
        if info.site.role == Role::Embeddings {
            if self.use_dora || self.lora_bias {
                return refuse(
                    "lora: target_modules",
                    "projections only, under use_dora and lora_bias",
                    &info.path,
                    "give the embeddings an adapter of their own",
                );
            }
            let [rows, width] = table(model)?.1.dims();
            let b = draws.normal_tensor([width, r], 1.0, &device);
            pieces.rows = Some((info.clone(), Rows::new(Tensor::zeros([r, rows], &device), b)));
            return Ok(());
        }
        let looks = self.use_dora || self.init_lora_weights.takes_out();
        let weight = if looks { Some(model.weights().get::<2>(&format!("{}.weight", info.path))?.without_autodiff()) } else { None };
        let pair = fresh(self, info, (r, settings.scale(&info.path, r)), weight.as_ref(), &device, draws)?;
        pieces.pairs.push((info.clone(), pair));
        Ok(())
    }
}

/// A copy of a module's parameters, as it stands.
pub fn copy(info: &SiteInfo, model: &mut Model) -> Result<Linear> {
    let device = model.device();
    let held = model.weights().entries().iter().any(|e| e.name == format!("{}.bias", info.path));
    let weight = onto(model.weights().get::<2>(&format!("{}.weight", info.path))?, &device);
    let bias = if held { Some(onto(model.weights().get::<1>(&format!("{}.bias", info.path))?, &device)) } else { None };
    Ok(Linear::new(weight, bias))
}

/// A tensor without a graph, on a device that may keep one.
pub fn onto<const D: usize>(tensor: Tensor<D>, device: &Device) -> Tensor<D> {
    let plain = tensor.without_autodiff();
    if device.is_autodiff() { Tensor::from_inner(plain) } else { plain }
}

/// Rows of the embedding table that train, as they stand.
///
/// # Errors
/// An id beyond the table, twice the same, or a module that is not the embeddings.
pub fn trained_rows(told: &[(Option<String>, Vec<usize>)], model: &mut Model) -> Result<(SiteInfo, Tokens)> {
    let place = "lora: trainable_token_indices";
    let (info, table) = table(model)?;
    let is = |name: &String| info.path == *name || info.path.ends_with(&format!(".{name}"));
    let [(module, indices)] = told else {
        return refuse(place, "ids of one module, the token embeddings", format!("{} modules", told.len()), format!("name {} only", info.path));
    };
    if let Some(other) = module.as_ref().filter(|m| !is(m)) {
        return refuse(place, format!("the token embeddings, {}", info.path), other, "other modules have no rows that can train by themselves");
    }
    let rows = table.dims()[0];
    if let Some(beyond) = indices.iter().find(|i| **i >= rows) {
        return refuse(place, format!("ids below the table's {rows} rows"), beyond, "extend the vocabulary first, or correct the ids");
    }
    let mut once = indices.clone();
    once.sort_unstable();
    once.dedup();
    if indices.is_empty() || once.len() != indices.len() {
        return refuse(place, "one or more ids, each once", format!("{indices:?}"), "correct the list");
    }
    let at: Vec<i64> = indices.iter().map(|i| *i as i64).collect();
    let at = Tensor::<1, Int>::from_data(TensorData::new(at, [indices.len()]), &table.device());
    let device = model.device();
    Ok((info, Tokens::new(onto(table.select(0, at), &device), indices.clone())))
}

impl TokenIndices {
    /// Modules and their ids; no module means the embeddings.
    pub fn told(&self) -> Vec<(Option<String>, Vec<usize>)> {
        match self {
            Self::Embeddings(ids) => vec![(None, ids.clone())],
            Self::Modules(map) => map.iter().map(|(name, ids)| (Some(name.clone()), ids.clone())).collect(),
        }
    }
}

/// Policies of a part's tensors: B's rate is `ratio` times that of A.
fn learn_faster(model: &mut Model, part: &str, ratio: f64) {
    for name in tensor_names(model).into_iter().map(|e| e.name).filter(|n| n.starts_with(&format!("parts.{part}."))) {
        let faster = name.ends_with(save::SUFFIX_B) || name.ends_with(save::SUFFIX_EMBEDDING[1]);
        let learning_rate_factor = if faster { ratio } else { 1.0 };
        model.policies.insert(name, Policy { learning_rate_factor, ..Policy::free() });
    }
}
