//! The configuration: keys and defaults of the Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tongues_kernel::Result;
use tongues_nn::config::{keys_of, layer_types, require, sliding_layers, written};
use tongues_nn::{Activation, DecoderPlan, LayerPlan, Rope, read_rope, write_rope};

/// A gemma2 network, by the keys of its `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gemma2Config {
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
    /// `cap · tanh(score / cap)` on the scores of the attention; a null in a file means none.
    #[serde(default = "score_cap")]
    pub attn_logit_softcapping: Option<f64>,
    /// `cap · tanh(logit / cap)` on the logits; a null in a file means none.
    #[serde(default = "logit_cap")]
    pub final_logit_softcapping: Option<f64>,
    /// A query of the layers with a window sees so many keys, its own among them.
    #[serde(default = "window")]
    pub sliding_window: usize,
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
    /// Base of the rotary frequencies; 10000 where absent.
    pub rope_theta: Option<f64>,
    /// Frequency scaling: `{ rope_type = "yarn", factor = …, … }`; types are linear, dynamic, yarn, longrope and llama3.
    pub rope_scaling: Option<Map<String, Json>>,
    /// Theta and scaling in the newer form of the files.
    pub rope_parameters: Option<Map<String, Json>>,
}

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
fn score_cap() -> Option<f64> {
    Some(50.0)
}
fn logit_cap() -> Option<f64> {
    Some(30.0)
}
fn positions() -> usize {
    8192
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

impl Gemma2Config {
    /// The network of this configuration.
    ///
    /// # Errors
    /// It contradicts itself.
    pub fn plan(&self) -> Result<DecoderPlan> {
        require(self.hidden_activation == "gelu_pytorch_tanh", ("gemma2", "hidden_activation"), "gelu_pytorch_tanh", &self.hidden_activation)?;
        require(!self.use_bidirectional_attention, ("gemma2", "use_bidirectional_attention"), "false: this is a decoder", true)?;
        let scale = (self.query_pre_attn_scalar as f64).powf(-0.5);
        let (theta, scaling) = read_rope(&keys_of(self)?)?;
        let rope = Rope::new(theta, self.head_dim, &scaling);
        let sliding = sliding_layers("gemma2", self.num_hidden_layers, self.layer_types.as_deref(), |layer| layer % 2 == 0)?;
        Ok(DecoderPlan {
            family: "gemma2",
            vocabulary: self.vocab_size.unwrap_or(0),
            hidden: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads,
            width: self.head_dim,
            max_positions: rope.reach(self.max_position_embeddings),
            std: self.initializer_range,
            epsilon: self.rms_norm_eps,
            plus_one: true,
            norms_behind: true,
            head_norms: false,
            qkv_bias: self.attention_bias,
            out_bias: self.attention_bias,
            inner_bias: false,
            activation: Activation::GeluTanh,
            embedding_factor: Some((self.hidden_size as f64).sqrt()),
            scale,
            score_cap: self.attn_logit_softcapping,
            logit_cap: self.final_logit_softcapping,
            tied: self.tie_word_embeddings,
            layers: sliding.iter().map(|s| LayerPlan { window: s.then_some(self.sliding_window), rope: 0 }).collect(),
            ropes: vec![rope],
            config: self.written(&sliding),
        })
    }

    fn written(&self, sliding: &[bool]) -> Map<String, Json> {
        let mut map = written(self, "gemma2", "Gemma2ForCausalLM");
        write_rope(&mut map);
        // A reader takes absent caps for 50 and 30.
        map.insert("attn_logit_softcapping".into(), self.attn_logit_softcapping.into());
        map.insert("final_logit_softcapping".into(), self.final_logit_softcapping.into());
        map.insert("layer_types".into(), layer_types(sliding));
        map
    }
}
