//! # prompt
//!
//! Learned rows before the embeddings of every text: a soft prompt.
//! Paper: Lester et al. 2021, "The Power of Scale for Parameter-Efficient Prompt Tuning" (arXiv 2104.08691, §2, §3.2).
//!
//! ## What it does
//! `num_virtual_tokens` rows stand where embeddings of tokens would, before the first token of every text; positions count on
//! from them, and they carry no loss. They start as random numbers, as embeddings of random tokens, or as those of a text. A
//! folder in PEFT's form holds them (`peft_type` PROMPT_TUNING).
//!
//! ## When to use
//! With large models, and where one model serves many tasks: a task is some thousand numbers. Small models need more (`prefix`).
//!
//! ## Differences from the paper
//! No class labels as a start, but a text of one's own. A prompt does not fold: it adds places.
//!
//! ## Reproduces
//! Logits of PEFT on random prompts within 1e-4 of their standard deviation (`tests/fixtures/peft-pack`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Adapter, Call, Context, Folded, Front, Input, Model, OnDisk, Part, Parts, Pass, Result, Role, Site, Spec, Stream, Weights, burn, refuse, register,
    register_format,
};
use tongues_nn::peft::{CONFIG, config, host, number, refuse_unknown, tensor, whole};

const TENSOR: &str = "prompt_embeddings";
const KNOWN: [&str; 9] = [
    "num_virtual_tokens",
    "token_dim",
    "num_transformer_submodules",
    "num_attention_heads",
    "num_layers",
    "prompt_tuning_init",
    "prompt_tuning_init_text",
    "tokenizer_name_or_path",
    "tokenizer_kwargs",
];

/// A soft prompt; keys are PEFT's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptOptions {
    /// Rows before every text.
    #[serde(default = "rows")]
    #[schemars(range(min = 1))]
    pub num_virtual_tokens: usize,
    /// How they start.
    #[serde(default)]
    pub prompt_tuning_init: Start,
    /// The text that `TEXT` starts from; repeated or cut to the number of rows.
    pub prompt_tuning_init_text: Option<String>,
    /// Name of the part.
    #[serde(default = "name")]
    pub name: String,
}

fn rows() -> usize {
    20
}
fn name() -> String {
    "prompt".into()
}

/// How a prompt starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Start {
    /// Standard normal numbers.
    #[default]
    Random,
    /// Embeddings of random tokens.
    SampleVocab,
    /// Embeddings of a text's tokens.
    Text,
}

impl Adapter for PromptOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let (n, draws, device) = (self.num_virtual_tokens, cx.draws().stream(&self.name), model.device());
        let start = match self.prompt_tuning_init {
            Start::Random => draws.normal_tensor([n, model.spec().hidden], 1.0, &device),
            Start::SampleVocab => embedded(model, (0..n).map(|i| draws.example(i as u64).below(model.spec().vocabulary) as i64).collect())?,
            Start::Text => embedded(model, self.text(model)?)?,
        };
        attach(&self.name, start, model)
    }
}

impl PromptOptions {
    /// The ids of the text, begun as the tokenizer begins texts, as many as there are rows.
    fn text(&self, model: &Model) -> Result<Vec<i64>> {
        let place = "prompt: prompt_tuning_init_text";
        let Some(text) = self.prompt_tuning_init_text.as_ref().filter(|t| !t.is_empty()) else {
            return refuse(place, "a text, with prompt_tuning_init = \"TEXT\"", "none", "write one, or start from SAMPLE_VOCAB");
        };
        let tokenizer = model.tokenizer()?;
        let ids: Vec<u32> = tokenizer.bos().into_iter().chain(tokenizer.encode(text)?).collect();
        model.check_ids(ids.iter().copied())?;
        Ok(ids.iter().cycle().take(self.num_virtual_tokens).map(|id| i64::from(*id)).collect())
    }
}

/// Embeddings of ids as they enter the network, `[ids, hidden]`.
fn embedded(model: &Model, ids: Vec<i64>) -> Result<Tensor<2>> {
    let (stack, parts, n) = (model.spec().main(), Parts::default(), ids.len());
    let device = model.plain_device();
    let positions = Tensor::<2, Int>::zeros([1, n], &device);
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [1, n]), &device);
    let site = Site::new(stack, 0, Role::Embeddings);
    let mut pass = Pass::new(&parts, Call::default()).reading(&[site]);
    model.net.backbone.embed(&Input::of(stack, Stream { ids, rows: None, valid: None, positions, segments: None }), &mut pass)?;
    let rows = pass.read(site)?.without_autodiff().reshape([n, model.spec().hidden]);
    Ok(if model.device().is_autodiff() { Tensor::from_inner(rows) } else { rows })
}

fn attach(name: &str, start: Tensor<2>, model: &mut Model) -> Result<()> {
    let sizes = sizes(model.spec());
    model.attach(name, vec![], Prompt { prompt_embeddings: Param::from_tensor(start), sizes })
}

/// Heads and layers as PEFT's configuration wants them.
fn sizes(spec: &Spec) -> [Json; 2] {
    let heads = ["num_attention_heads", "n_head"].iter().find_map(|key| spec.config.get(*key).cloned());
    [heads.unwrap_or(Json::Null), json!(spec.layers(spec.main()))]
}

/// Rows before every text.
#[derive(Module, Debug)]
pub struct Prompt {
    /// `[virtual tokens, hidden]`.
    pub prompt_embeddings: Param<Tensor<2>>,
    #[module(skip)]
    sizes: [Json; 2],
}

impl Part for Prompt {
    fn front(&self) -> Front {
        Front { rows: Some(self.prompt_embeddings.val()), positions: 0 }
    }

    fn fold(&self, _: &mut Weights<'_>) -> Result<Folded> {
        Ok(Folded::No("it adds places before every text".into()))
    }

    fn save(&self) -> Result<OnDisk> {
        let rows = host(self.prompt_embeddings.val());
        let [heads, layers] = self.sizes.clone();
        let entries = [
            ("num_attention_heads", heads),
            ("num_layers", layers),
            ("num_transformer_submodules", json!(1)),
            ("num_virtual_tokens", json!(rows.0[0])),
            ("prompt_tuning_init", json!("RANDOM")),
            ("token_dim", json!(rows.0[1])),
        ];
        Ok(OnDisk { config: config("PROMPT_TUNING", entries), tensors: BTreeMap::from([(TENSOR.to_owned(), rows)]) })
    }

    fn starts_as_identity(&self) -> bool {
        false
    }
}

/// Attaches a folder in PEFT's form as a part of that name.
///
/// # Errors
/// A key that is not known, a model of another width, an encoder and a decoder.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    refuse_unknown(&disk.config, &KNOWN)?;
    let n = whole(&disk.config, "num_virtual_tokens")?;
    if disk.config.get("num_transformer_submodules").is_some_and(|v| !v.is_null()) && number(&disk.config, "num_transformer_submodules")? != 1.0 {
        let found = &disk.config["num_transformer_submodules"];
        return refuse(format!("{CONFIG}: num_transformer_submodules"), "1, for a model with one stack", found, "the adapter belongs to another model");
    }
    let start = tensor(disk, TENSOR, [n, model.spec().hidden], &model.device())?;
    attach(name, start, model)
}

register!(Adapter, "prompt", "Learned rows before the embeddings of every text; saved in PEFT's form", PromptOptions);
register_format!("PROMPT_TUNING", load);
