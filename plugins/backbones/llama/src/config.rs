//! The configuration: keys and defaults of the Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tongues_kernel::{Error, Result, Role, Site, SiteInfo, Spec, Stack, refuse};
use tongues_nn::{Rope, RopeScaling};

/// A llama network, by the keys of its `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LlamaConfig {
    /// Rows of the embedding matrix; filled in from the tokenizer for a fresh model.
    pub vocab_size: Option<usize>,
    /// Width of the residual stream.
    #[schemars(range(min = 1))]
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    #[schemars(range(min = 1))]
    pub intermediate_size: usize,
    /// Blocks.
    #[schemars(range(min = 1))]
    pub num_hidden_layers: usize,
    /// Query heads.
    #[schemars(range(min = 1))]
    pub num_attention_heads: usize,
    /// Key and value heads; as many as query heads where absent.
    pub num_key_value_heads: Option<usize>,
    /// Width of a head; `hidden_size / num_attention_heads` where absent.
    pub head_dim: Option<usize>,
    /// Activation of the gate; only `silu`.
    #[serde(default = "silu")]
    pub hidden_act: String,
    /// Longest input in tokens.
    #[serde(default = "positions")]
    pub max_position_embeddings: usize,
    /// Standard deviation of fresh matrices.
    #[serde(default = "range")]
    pub initializer_range: f64,
    /// Epsilon of the norms.
    #[serde(default = "epsilon")]
    pub rms_norm_eps: f64,
    /// Head and embedding are one matrix.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Biases on the attention's projections.
    #[serde(default)]
    pub attention_bias: bool,
    /// Biases on the feed-forward layer's projections.
    #[serde(default)]
    pub mlp_bias: bool,
    /// Base of the rotary frequencies; 10000 where absent.
    pub rope_theta: Option<f64>,
    /// Frequency scaling: `{ rope_type = "llama3", factor = …, … }`.
    pub rope_scaling: Option<Map<String, Json>>,
    /// Theta and scaling in the newer form of the files.
    pub rope_parameters: Option<Map<String, Json>>,
}

fn silu() -> String {
    "silu".into()
}
fn positions() -> usize {
    2048
}
fn range() -> f64 {
    0.02
}
fn epsilon() -> f64 {
    1e-6
}

impl LlamaConfig {
    /// Key and value heads.
    pub fn kv_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    /// Rows of the embedding matrix.
    pub fn vocabulary(&self) -> usize {
        self.vocab_size.unwrap_or(0)
    }

    /// Width of a head.
    pub fn width(&self) -> usize {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads)
    }

    /// Refuses what contradicts itself.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, expected: String, found: String| refuse(format!("llama: {key}"), expected, found, "correct the configuration");
        if self.hidden_act != "silu" {
            return wrong("hidden_act", "silu".into(), self.hidden_act.clone());
        }
        if self.head_dim.is_none() && !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return wrong("hidden_size", format!("a multiple of the {} heads, or a head_dim", self.num_attention_heads), self.hidden_size.to_string());
        }
        if self.kv_heads() == 0 || !self.num_attention_heads.is_multiple_of(self.kv_heads()) {
            return wrong("num_key_value_heads", format!("a divisor of {}", self.num_attention_heads), self.kv_heads().to_string());
        }
        if !self.width().is_multiple_of(2) || self.width() == 0 {
            return wrong("head_dim", "an even number".into(), self.width().to_string());
        }
        if self.vocabulary() == 0 {
            return wrong("vocab_size", "at least 1".into(), "0".into());
        }
        Ok(())
    }

    /// The rotary frequencies.
    pub fn rope(&self) -> Result<Rope> {
        let (theta, scaling) = RopeScaling::read(&self.map()?)?;
        Ok(Rope::new(theta, self.width(), &scaling))
    }

    fn map(&self) -> Result<Map<String, Json>> {
        match serde_json::to_value(self) {
            Ok(Json::Object(map)) => Ok(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
            other => Err(Error::run("llama config", format!("{other:?}"))),
        }
    }

    /// The configuration as `config.json` has it; both spellings of the rotary keys, so that every reader is content.
    fn written(&self) -> Map<String, Json> {
        let mut map = self.map().unwrap_or_default();
        let theta = RopeScaling::read(&map).map_or(10_000.0, |(theta, _)| theta);
        let mut rotary = self.rope_parameters.clone().or_else(|| self.rope_scaling.clone()).unwrap_or_default();
        if let Some(kind) = rotary.remove("type") {
            rotary.entry("rope_type").or_insert(kind);
        }
        rotary.entry("rope_type").or_insert("default".into());
        rotary.remove("rope_theta");
        let scaled = rotary["rope_type"] != "default";
        map.insert("rope_scaling".into(), if scaled { Json::Object(rotary.clone()) } else { Json::Null });
        rotary.insert("rope_theta".into(), theta.into());
        map.insert("rope_theta".into(), theta.into());
        map.insert("rope_parameters".into(), Json::Object(rotary));
        map.insert("num_key_value_heads".into(), self.kv_heads().into());
        map.insert("head_dim".into(), self.width().into());
        map.insert("model_type".into(), "llama".into());
        map.insert("architectures".into(), json!(["LlamaForCausalLM"]));
        map
    }

    /// What the kernel is told.
    pub fn spec(&self) -> Spec {
        let ties = if self.tie_word_embeddings { vec![("lm_head.weight".into(), "model.embed_tokens.weight".into())] } else { vec![] };
        Spec {
            family: "llama".into(),
            hidden: self.hidden_size,
            vocabulary: self.vocabulary(),
            stacks: vec![(Stack::Decoder, self.num_hidden_layers)],
            max_positions: self.max_position_embeddings,
            sites: self.sites(),
            ties,
            config: self.written(),
        }
    }

    fn sites(&self) -> Vec<SiteInfo> {
        let (d, f) = (self.hidden_size, self.intermediate_size);
        let (q, kv) = (self.num_attention_heads * self.width(), self.kv_heads() * self.width());
        let info = |layer, role, path: &str, width, weight| SiteInfo { site: Site::new(Stack::Decoder, layer, role), path: path.into(), width, weight };
        let mut sites = vec![info(0, Role::Embeddings, "model.embed_tokens", [1, d], false)];
        for layer in 0..self.num_hidden_layers {
            let mut add = |role, name: &str, width, weight| sites.push(info(layer, role, &format!("model.layers.{layer}{name}"), width, weight));
            add(Role::AttentionNorm, ".input_layernorm", [d, d], false);
            add(Role::SelfAttention, ".self_attn", [d, d], false);
            add(Role::Query, ".self_attn.q_proj", [d, q], true);
            add(Role::Key, ".self_attn.k_proj", [d, kv], true);
            add(Role::Value, ".self_attn.v_proj", [d, kv], true);
            add(Role::Attention, ".self_attn.attention", [q, q], false);
            add(Role::Heads, ".self_attn.heads", [q, q], false);
            add(Role::AttentionOut, ".self_attn.o_proj", [q, d], true);
            add(Role::FeedForwardNorm, ".post_attention_layernorm", [d, d], false);
            add(Role::FeedForward, ".mlp", [d, d], false);
            add(Role::Gate, ".mlp.gate_proj", [d, f], true);
            add(Role::Up, ".mlp.up_proj", [d, f], true);
            add(Role::Activation, ".mlp.act_fn", [f, f], false);
            add(Role::Down, ".mlp.down_proj", [f, d], true);
            add(Role::Block, "", [d, d], false);
        }
        sites.push(info(0, Role::Final, "model.norm", [d, d], false));
        sites.push(info(0, Role::Head, "lm_head", [d, self.vocabulary()], !self.tie_word_embeddings));
        sites
    }
}
