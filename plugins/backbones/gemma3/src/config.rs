//! The configuration: keys and defaults of the Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tongues_kernel::Result;
use tongues_nn::config::{keys_of, layer_types, require, sliding_layers, written};
use tongues_nn::{Activation, DecoderPlan, LayerPlan, LayerRope, Rope, read_layer_rope, write_layer_ropes};

/// A gemma3 network for text, by the keys of its `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gemma3Config {
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
    /// Key and value heads.
    #[serde(default = "kv_heads")]
    pub num_key_value_heads: usize,
    /// Width of a head, whatever `hidden_size / num_attention_heads` is.
    #[serde(default = "head_width")]
    pub head_dim: usize,
    /// Activation of the gate; only `gelu_pytorch_tanh`.
    #[serde(default = "gelu")]
    pub hidden_activation: String,
    /// Scores are divided by its root.
    #[serde(default = "scalar")]
    #[schemars(range(min = 1))]
    pub query_pre_attn_scalar: usize,
    /// Biases on the attention's projections.
    #[serde(default)]
    pub attention_bias: bool,
    /// The reference does not apply this cap, so that a value is refused.
    pub attn_logit_softcapping: Option<f64>,
    /// `cap · tanh(logit / cap)` on the logits.
    pub final_logit_softcapping: Option<f64>,
    /// A query of the layers with a window sees so many keys, its own among them.
    #[serde(default = "window")]
    pub sliding_window: usize,
    /// Every so many layers one sees everything, where `layer_types` does not say which.
    #[serde(default = "pattern")]
    #[schemars(range(min = 1))]
    pub sliding_window_pattern: usize,
    /// One of `full_attention` and `sliding_attention` for each layer.
    pub layer_types: Option<Vec<String>>,
    /// Texts are read in both directions; refused where true.
    #[serde(default)]
    pub use_bidirectional_attention: bool,
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
    #[serde(default = "tied")]
    pub tie_word_embeddings: bool,
    /// Base of the rotary frequencies of layers that see everything; 1000000 where absent.
    pub rope_theta: Option<f64>,
    /// Their frequency scaling: `{ rope_type = "yarn", factor = …, … }`; types are linear, dynamic, yarn, longrope and llama3.
    pub rope_scaling: Option<Map<String, Json>>,
    /// Theta and scaling in the newer form of the files, a table for each layer type.
    pub rope_parameters: Option<Map<String, Json>>,
    /// Base of the rotary frequencies of layers with a window; 10000 where absent.
    pub rope_local_base_freq: Option<f64>,
}

/// The rotation of layers that see everything.
const WIDE: LayerRope = LayerRope { layer_type: "full_attention", theta_key: "rope_theta", scaled: true, theta: 1e6 };
/// The rotation of layers with a window.
const NEAR: LayerRope = LayerRope { layer_type: "sliding_attention", theta_key: "rope_local_base_freq", scaled: false, theta: 1e4 };

fn kv_heads() -> usize {
    4
}
fn head_width() -> usize {
    256
}
fn gelu() -> String {
    "gelu_pytorch_tanh".into()
}
fn scalar() -> usize {
    256
}
fn window() -> usize {
    4096
}
fn pattern() -> usize {
    6
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
fn tied() -> bool {
    true
}

impl Gemma3Config {
    /// The network of this configuration.
    ///
    /// # Errors
    /// It contradicts itself.
    pub fn plan(&self) -> Result<DecoderPlan> {
        require(self.hidden_activation == "gelu_pytorch_tanh", ("gemma3", "hidden_activation"), "gelu_pytorch_tanh", &self.hidden_activation)?;
        require(!self.use_bidirectional_attention, ("gemma3", "use_bidirectional_attention"), "false: this is a decoder", true)?;
        let cap = self.attn_logit_softcapping;
        require(cap.is_none(), ("gemma3", "attn_logit_softcapping"), "none: the reference does not apply it", cap.unwrap_or_default())?;
        let scale = (self.query_pre_attn_scalar as f64).powf(-0.5);
        let keys = keys_of(self)?;
        let rope = |of| read_layer_rope(&keys, of).map(|(theta, scaling)| Rope::new(theta, self.head_dim, &scaling));
        let (wide, near) = (rope(WIDE)?, rope(NEAR)?);
        let sliding = sliding_layers("gemma3", self.num_hidden_layers, self.layer_types.as_deref(), |layer| (layer + 1) % self.sliding_window_pattern != 0)?;
        Ok(DecoderPlan {
            family: "gemma3_text",
            vocabulary: self.vocab_size.unwrap_or(0),
            hidden: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads,
            width: self.head_dim,
            max_positions: wide.reach(self.max_position_embeddings),
            std: self.initializer_range,
            epsilon: self.rms_norm_eps,
            plus_one: true,
            norms_behind: true,
            head_norms: true,
            qkv_bias: self.attention_bias,
            out_bias: self.attention_bias,
            inner_bias: false,
            activation: Activation::GeluTanh,
            embedding_factor: Some((self.hidden_size as f64).sqrt()),
            scale,
            score_cap: None,
            logit_cap: self.final_logit_softcapping,
            tied: self.tie_word_embeddings,
            layers: sliding.iter().map(|s| LayerPlan { window: s.then_some(self.sliding_window), rope: usize::from(*s) }).collect(),
            ropes: vec![wide, near],
            config: self.written(&sliding),
        })
    }

    fn written(&self, sliding: &[bool]) -> Map<String, Json> {
        let mut map = written(self, "gemma3_text", "Gemma3ForCausalLM");
        write_layer_ropes(&mut map, &[WIDE, NEAR]);
        map.insert("final_logit_softcapping".into(), self.final_logit_softcapping.into());
        map.insert("layer_types".into(), layer_types(sliding));
        map
    }
}
