//! What an inserted network is like, by the keys of `adapter_config.json`.

use crate::Activation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value as Json, json};
use tongues_kernel::{Error, Result, Spec, Stack, refuse};

/// The keys under `config` of an AdapterHub folder; defaults are those of its class `BnConfig`.
#[allow(non_snake_case, reason = "the keys of the files")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Behind the self-attention.
    pub mh_adapter: bool,
    /// Behind the feed-forward layer.
    pub output_adapter: bool,
    /// Width of the model over width of the inserted network: a number, or layer to number with `default`.
    pub reduction_factor: Json,
    /// Activation between down and up.
    pub non_linearity: String,
    /// The network reads the sub-layer's output plus the residual stream.
    pub original_ln_before: bool,
    /// The residual stream is added behind the network.
    pub original_ln_after: bool,
    /// A layer norm of its own in front.
    pub ln_before: bool,
    /// A layer norm of its own behind.
    pub ln_after: bool,
    /// How the first values were drawn.
    pub init_weights: String,
    /// The seed of that; says nothing about what was learned.
    pub init_weights_seed: Option<u64>,
    /// The network reads the residual stream in front of the sub-layer and its norm.
    pub is_parallel: bool,
    /// Factor of what the network gives.
    pub scaling: Scaling,
    /// The network's own residual is the sub-layer's output alone (`true`) or what it reads (`false`).
    pub residual_before_ln: Json,
    /// That residual is added in front of the norm behind.
    pub adapter_residual_before_ln: bool,
    /// `nice` or `glow`: the folder also holds an invertible network at the embeddings.
    pub inv_adapter: Option<String>,
    /// Width of that network's halves over its inner width.
    pub inv_adapter_reduction_factor: Option<Number>,
    /// Layers without, counted from 0.
    pub leave_out: Vec<usize>,
    /// Share of dropped outputs while training.
    pub dropout: f64,
    /// Projections are sums of Kronecker products.
    pub phm_layer: bool,
    /// Terms of these sums.
    pub phm_dim: usize,
    /// Their large factors are products of two thin ones.
    pub factorized_phm_W: bool,
    /// Their small factors are the same everywhere.
    pub shared_phm_rule: bool,
    /// Their small factors are products of a column and a row.
    pub factorized_phm_rule: bool,
    /// Inner width of the thin large factors.
    pub phm_rank: usize,
    /// These projections have biases.
    pub phm_bias: bool,
    /// Small factors train.
    pub learn_phm: bool,
    /// How small factors were drawn.
    pub phm_c_init: String,
    /// Standard deviation of the small factors' first values.
    pub phm_init_range: f64,
    /// How large factors were drawn.
    pub hypercomplex_nonlinearity: String,
    /// Not built: behind a cross-attention.
    pub cross_adapter: bool,
    /// Not built: a gate that is a mean over the whole row.
    pub use_gating: bool,
    /// Not built: large factors that are the same everywhere.
    pub shared_W_phm: bool,
    /// Not built: rows that skip the network at random.
    pub stochastic_depth: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mh_adapter: false,
            output_adapter: false,
            reduction_factor: json!(16),
            non_linearity: "relu".into(),
            original_ln_before: false,
            original_ln_after: true,
            ln_before: false,
            ln_after: false,
            init_weights: "bert".into(),
            init_weights_seed: None,
            is_parallel: false,
            scaling: Scaling::Fixed(1.0),
            residual_before_ln: json!(true),
            adapter_residual_before_ln: false,
            inv_adapter: None,
            inv_adapter_reduction_factor: None,
            leave_out: vec![],
            dropout: 0.0,
            phm_layer: false,
            phm_dim: 4,
            factorized_phm_W: true,
            shared_phm_rule: true,
            factorized_phm_rule: false,
            phm_rank: 1,
            phm_bias: true,
            learn_phm: true,
            phm_c_init: "normal".into(),
            phm_init_range: 1e-4,
            hypercomplex_nonlinearity: "glorot-uniform".into(),
            cross_adapter: false,
            use_gating: false,
            shared_W_phm: false,
            stochastic_depth: 0.0,
        }
    }
}

/// A fixed factor, or a word for one that trains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scaling {
    /// This number.
    Fixed(f64),
    /// `learned`: one number; `channel`: one a feature.
    Word(String),
}

impl Settings {
    /// From the keys of a file or of a recipe; keys that are null count as absent.
    ///
    /// # Errors
    /// An unknown key that is not null, a value of another type, or a choice that is not built.
    pub fn read(place: &str, mut config: Map<String, Json>) -> Result<Self> {
        config.retain(|_, value| !value.is_null());
        let read = serde_json::from_value::<Self>(Json::Object(config));
        let settings = read.map_err(|e| Error::input(place, "the keys of an inserted network, others null", e, "a plugin that builds this must read it"))?;
        settings.check(place)?;
        Ok(settings)
    }

    fn check(&self, place: &str) -> Result<()> {
        let wrong = [
            (self.use_gating, "use_gating", "false: the gate is a mean over the row, later tokens included"),
            (self.cross_adapter, "cross_adapter", "false: there is no cross-attention"),
            (self.shared_W_phm, "shared_W_phm", "false"),
            (self.stochastic_depth != 0.0, "stochastic_depth", "0"),
            (!self.residual_before_ln.is_boolean(), "residual_before_ln", "true or false (\"post_add\" needs a norm behind the residual)"),
            (!(0.0..1.0).contains(&self.dropout), "dropout", "a share from 0, below 1"),
            (self.phm_layer && (self.phm_dim == 0 || self.phm_rank == 0), "phm_dim, phm_rank", "at least 1"),
            (matches!(&self.scaling, Scaling::Word(w) if w != "learned" && w != "channel"), "scaling", "a number, \"learned\" or \"channel\""),
            (matches!(self.scaling, Scaling::Fixed(x) if !x.is_finite()), "scaling", "a finite number"),
            (!["bert", "mam_adapter", "houlsby"].contains(&self.init_weights.as_str()), "init_weights", "bert, mam_adapter, houlsby"),
        ];
        if let Some((_, key, expected)) = wrong.into_iter().find(|(is, ..)| *is) {
            let found = key.split(", ").map(|k| self.written().get(k).map(Json::to_string).unwrap_or_default()).collect::<Vec<_>>().join(", ");
            return refuse(format!("{place}: {key}"), expected, found, "this behaviour is not built; change the key");
        }
        self.activation(place).map(|_| ())
    }

    /// The activation between down and up.
    ///
    /// # Errors
    /// Its name is unknown.
    pub fn activation(&self, place: &str) -> Result<Activation> {
        let known = || Error::input(format!("{place}: non_linearity"), Activation::NAMES.join(", "), &self.non_linearity, "name one of these");
        Activation::named(&self.non_linearity.to_lowercase()).ok_or_else(known)
    }

    /// Inner width in a layer.
    ///
    /// # Errors
    /// The factor is no number above 0, none is given for this layer, or the terms of a PHM product do not divide the widths.
    pub fn inner(&self, place: &str, layer: usize, hidden: usize) -> Result<usize> {
        let factor = match &self.reduction_factor {
            Json::Object(by_layer) => by_layer.get(&layer.to_string()).or_else(|| by_layer.get("default")),
            one => Some(one),
        };
        let inner = match factor.and_then(Json::as_f64) {
            Some(factor) if factor > 0.0 && factor.is_finite() => ((hidden as f64 / factor).floor() as usize).max(1),
            _ => {
                let expected = format!("a number above 0 for layer {layer}, or one under `default`");
                return refuse(format!("{place}: reduction_factor"), expected, &self.reduction_factor, "16 makes a network of a sixteenth of the width");
            }
        };
        if inner > 64 * hidden {
            return refuse(format!("{place}: reduction_factor"), "an inner width of at most 64 times the model's", inner, "raise it");
        }
        if self.phm_layer && !(hidden.is_multiple_of(self.phm_dim) && inner.is_multiple_of(self.phm_dim)) {
            let found = format!("{} for {hidden} and {inner}", self.phm_dim);
            return refuse(format!("{place}: phm_dim"), "a divisor of the model's width and of the inner width", found, "change it or reduction_factor");
        }
        Ok(inner)
    }

    /// Layers of the main stack that have one.
    ///
    /// # Errors
    /// A layer that is left out does not exist.
    pub fn layers(&self, place: &str, spec: &Spec) -> Result<Vec<usize>> {
        let count = spec.layers(spec.main());
        match self.leave_out.iter().find(|l| **l >= count) {
            Some(lost) => refuse(format!("{place}: leave_out"), format!("layers of this model, 0 to {}", count.saturating_sub(1)), lost, "correct the list"),
            None => Ok((0..count).filter(|l| !self.leave_out.contains(l)).collect()),
        }
    }

    /// How often the residual stream must be added behind the network for the block's own addition to give the package's sum.
    pub fn streams(&self) -> f64 {
        let own = !self.is_parallel && !self.adapter_residual_before_ln && self.reads_sum_as_residual();
        f64::from(u8::from(own)) + f64::from(u8::from(self.original_ln_after)) - 1.0
    }

    /// The network's own residual holds the residual stream.
    pub fn reads_sum_as_residual(&self) -> bool {
        self.original_ln_before && self.residual_before_ln == json!(false)
    }

    /// The residual stream must be known behind the sub-layer.
    pub fn needs_stream(&self) -> bool {
        self.is_parallel || self.original_ln_before || self.streams() != 0.0
    }

    /// All keys, as the package writes them.
    pub fn written(&self) -> Map<String, Json> {
        match serde_json::to_value(self) {
            Ok(Json::Object(keys)) => keys,
            _ => Map::new(),
        }
    }
}

/// Refuses models whose main stack reads another way than a decoder does.
pub(super) fn decoder(place: &str, spec: &Spec) -> Result<Stack> {
    match spec.main() {
        Stack::Decoder => Ok(Stack::Decoder),
        other => refuse(place, "a decoder", format!("{other:?}"), "inserted networks are built for decoders"),
    }
}
