//! The configuration: keys and defaults of the Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tongues_kernel::Result;
use tongues_nn::config::{head_width, keys_of, require, written};
use tongues_nn::{Activation, DecoderPlan, LayerPlan, Rope, read_rope, write_rope};

/// A mistral network, by the keys of its `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MistralConfig {
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
    /// Key and value heads; a null in a file means as many as query heads.
    #[serde(default = "kv_heads")]
    pub num_key_value_heads: Option<usize>,
    /// Width of a head; `hidden_size / num_attention_heads` where absent.
    pub head_dim: Option<usize>,
    /// Activation of the gate; only `silu`.
    #[serde(default = "silu")]
    pub hidden_act: String,
    /// A query sees so many keys, its own among them; a null in a file means all. In a recipe, a window as long as
    /// `max_position_embeddings` means the same.
    #[serde(default = "window")]
    pub sliding_window: Option<usize>,
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
    /// Base of the rotary frequencies; 10000 where absent.
    pub rope_theta: Option<f64>,
    /// Frequency scaling: `{ rope_type = "yarn", factor = …, … }`; types are linear, dynamic, yarn, longrope and llama3.
    pub rope_scaling: Option<Map<String, Json>>,
    /// Theta and scaling in the newer form of the files.
    pub rope_parameters: Option<Map<String, Json>>,
}

fn kv_heads() -> Option<usize> {
    Some(8)
}
fn silu() -> String {
    "silu".into()
}
fn window() -> Option<usize> {
    Some(4096)
}
fn positions() -> usize {
    131_072
}
fn range() -> f64 {
    0.02
}
fn epsilon() -> f64 {
    1e-6
}

impl MistralConfig {
    /// The network of this configuration.
    ///
    /// # Errors
    /// It contradicts itself.
    pub fn plan(&self) -> Result<DecoderPlan> {
        require(self.hidden_act == "silu", ("mistral", "hidden_act"), "silu", &self.hidden_act)?;
        let width = head_width("mistral", self.hidden_size, self.num_attention_heads, self.head_dim)?;
        let (theta, scaling) = read_rope(&keys_of(self)?)?;
        let rope = Rope::new(theta, width, &scaling);
        Ok(DecoderPlan {
            family: "mistral",
            vocabulary: self.vocab_size.unwrap_or(0),
            hidden: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            width,
            max_positions: rope.reach(self.max_position_embeddings),
            std: self.initializer_range,
            epsilon: self.rms_norm_eps,
            plus_one: false,
            norms_behind: false,
            head_norms: false,
            qkv_bias: false,
            out_bias: false,
            inner_bias: false,
            activation: Activation::Silu,
            embedding_factor: None,
            scale: (width as f64).powf(-0.5),
            score_cap: None,
            logit_cap: None,
            tied: self.tie_word_embeddings,
            layers: vec![LayerPlan { window: self.sliding_window, rope: 0 }; self.num_hidden_layers],
            ropes: vec![rope],
            config: self.written(width),
        })
    }

    fn written(&self, width: usize) -> Map<String, Json> {
        let mut map = written(self, "mistral", "MistralForCausalLM");
        write_rope(&mut map);
        map.insert("head_dim".into(), width.into());
        map.insert("num_key_value_heads".into(), self.num_key_value_heads.unwrap_or(self.num_attention_heads).into());
        // A reader takes an absent key for 4096.
        map.insert("sliding_window".into(), self.sliding_window.into());
        map
    }
}
