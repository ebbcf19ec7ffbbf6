//! The configuration: keys and defaults of the Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tongues_kernel::Result;
use tongues_nn::config::{SLIDING, head_width, keys_of, layer_types, require, sliding_layers, written};
use tongues_nn::{Activation, DecoderPlan, LayerPlan, Rope, read_rope, write_rope};

/// A qwen2 network, by the keys of its `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Qwen2Config {
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
    /// Activation of the gate; only `silu`.
    #[serde(default = "silu")]
    pub hidden_act: String,
    /// Some layers have a window.
    #[serde(default)]
    pub use_sliding_window: bool,
    /// Where `use_sliding_window` is on, a query of these layers sees so many keys, its own among them.
    #[serde(default = "window")]
    pub sliding_window: Option<usize>,
    /// Layers from this one on, counted from 0, have a window, where `layer_types` does not say which.
    #[serde(default = "window_layers")]
    pub max_window_layers: usize,
    /// One of `full_attention` and `sliding_attention` for each layer.
    pub layer_types: Option<Vec<String>>,
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
    Some(32)
}
fn silu() -> String {
    "silu".into()
}
fn window() -> Option<usize> {
    Some(4096)
}
fn window_layers() -> usize {
    28
}
fn positions() -> usize {
    32_768
}
fn range() -> f64 {
    0.02
}
fn epsilon() -> f64 {
    1e-6
}

impl Qwen2Config {
    fn kv_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    /// The network of this configuration.
    ///
    /// # Errors
    /// It contradicts itself.
    pub fn plan(&self) -> Result<DecoderPlan> {
        require(self.hidden_act == "silu", ("qwen2", "hidden_act"), "silu", &self.hidden_act)?;
        let width = head_width("qwen2", self.hidden_size, self.num_attention_heads, None)?;
        let (theta, scaling) = read_rope(&keys_of(self)?)?;
        let rope = Rope::new(theta, width, &scaling);
        let sliding = self.sliding()?;
        Ok(DecoderPlan {
            family: "qwen2",
            vocabulary: self.vocab_size.unwrap_or(0),
            hidden: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            kv_heads: self.kv_heads(),
            width,
            max_positions: rope.reach(self.max_position_embeddings),
            std: self.initializer_range,
            epsilon: self.rms_norm_eps,
            plus_one: false,
            norms_behind: false,
            head_norms: false,
            qkv_bias: true,
            out_bias: false,
            inner_bias: false,
            activation: Activation::Silu,
            embedding_factor: None,
            scale: (width as f64).powf(-0.5),
            score_cap: None,
            logit_cap: None,
            tied: self.tie_word_embeddings,
            layers: sliding.iter().map(|s| LayerPlan { window: self.window().filter(|_| *s), rope: 0 }).collect(),
            ropes: vec![rope],
            config: self.written(&sliding),
        })
    }

    fn window(&self) -> Option<usize> {
        self.sliding_window.filter(|_| self.use_sliding_window)
    }

    /// Which layers have a window.
    fn sliding(&self) -> Result<Vec<bool>> {
        let rule = |layer| self.window().is_some() && layer >= self.max_window_layers;
        let sliding = sliding_layers("qwen2", self.num_hidden_layers, self.layer_types.as_deref(), rule)?;
        let needed = self.window().is_some() || !sliding.contains(&true);
        require(needed, ("qwen2", "sliding_window"), format!("a window with use_sliding_window, since layer_types has {SLIDING}"), "none")?;
        Ok(sliding)
    }

    fn written(&self, sliding: &[bool]) -> Map<String, Json> {
        let mut map = written(self, "qwen2", "Qwen2ForCausalLM");
        write_rope(&mut map);
        map.insert("num_key_value_heads".into(), self.kv_heads().into());
        map.insert("sliding_window".into(), self.sliding_window.into());
        map.insert("layer_types".into(), layer_types(sliding));
        map
    }
}
