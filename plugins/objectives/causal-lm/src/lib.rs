//! # causal-lm
//!
//! Next-token prediction: every token of a text from those before it.
//! Paper: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training" (§3.1, equation 1); in use since
//! Bengio et al. 2003, "A Neural Probabilistic Language Model" (JMLR 3, §2).
//!
//! ## What it does
//! Minimises `Σ −ln p(token | tokens before)` over the tokens of all texts, divided by the number of tokens that carry loss in
//! the whole step. A text begins with the begin-of-sequence token, which is seen and not predicted, and ends with the
//! end-of-sequence token, which is learned: a model that never learns it never stops. Texts longer than the rows are cut into
//! windows that share one token with the window before, so that no token is lost and none is learned twice. Losses that parts
//! of the model add are minimised beside it.
//!
//! Where the stage has a `format`, the texts, their special tokens, what of them is learned and how they are cut are the format's,
//! and the options here are not used. Of a preference, the chosen answer is learned.
//!
//! ## When to use
//! For continued pre-training on plain text of the new language, and for training from scratch. It may be joined with other
//! objectives.
//!
//! ## Differences from the paper
//! Texts that share a row do not see each other. Models whose tokenizer has no begin token read texts behind the end token,
//! as GPT-2 and its kin were trained to. The paper conditions on a fixed number of tokens; here it is all of the window.
//!
//! ## Reproduces
//! No published number. The tests compare the loss with log-probabilities scored one text at a time, and its gradients with
//! finite differences.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::burn::module::Module;
use tongues_kernel::{
    Context, Error, Example, ExampleContext, Format, Formatted, Objective, Record, Result, Run, Sequence, Step, Term, Tokenizer, burn, refuse, register,
    windows,
};

/// Next-token prediction over one field.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CausalLmOptions {
    /// The field that holds the text.
    #[serde(default = "field")]
    pub field: String,
    /// Begin every text with the begin-of-sequence token (the end-of-sequence token where the tokenizer has only that);
    /// where absent: if there is one.
    pub add_bos: Option<bool>,
    /// End every text with the end-of-sequence token, and learn it; where absent: if there is one.
    pub add_eos: Option<bool>,
}

fn field() -> String {
    "text".into()
}

/// The objective.
#[derive(Module, Debug)]
pub struct CausalLm {
    #[module(skip)]
    options: CausalLmOptions,
}

impl CausalLm {
    /// With these options.
    ///
    /// # Errors
    /// The field has no name.
    pub fn new(options: CausalLmOptions, _: &mut dyn Context) -> Result<Self> {
        if options.field.is_empty() {
            return refuse("causal-lm: field", "the name of a field", "an empty text", "leave the key out for `text`");
        }
        Ok(Self { options })
    }

    /// A text as ids, between its special tokens.
    fn ids(&self, text: &str, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>> {
        let start = special("add_bos", self.options.add_bos, tokenizer.bos().or(tokenizer.eos()))?;
        let end = special("add_eos", self.options.add_eos, tokenizer.eos())?;
        Ok(start.into_iter().chain(tokenizer.encode(text)?).chain(end).collect())
    }
}

/// The token to add, if it is wanted.
fn special(key: &str, wanted: Option<bool>, token: Option<u32>) -> Result<Option<u32>> {
    match (wanted, token) {
        (Some(false), _) => Ok(None),
        (Some(true), None) => {
            let remedy = format!("leave {key} out, or name the token in tokenizer_config.json");
            refuse(format!("causal-lm: {key}"), "a tokenizer with this token", "one without", remedy)
        }
        (_, token) => Ok(token),
    }
}

/// The row of a format: the text of the record, or the better one of two answers.
fn formatted(record: &Record, format: &dyn Format, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
    let mut rows = format.rows(record, cx.tokenizer, cx.max_length)?;
    let row = rows.remove("text").or_else(|| rows.remove("chosen"));
    let example = |row: Formatted| Example { language: record.language.clone(), ..Example::of_text(record.id.clone(), row.sequence) };
    Ok(row.map(example).into_iter().collect())
}

impl Objective for CausalLm {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        if let Some(format) = cx.format {
            return formatted(record, format, cx);
        }
        let text = record.text(&self.options.field)?;
        let place = || format!("record {}, field `{}`", record.id, self.options.field);
        if text.is_empty() {
            return refuse(place(), "some text", "an empty text", "leave this record out of the data");
        }
        let ids = self.ids(text, cx.tokenizer)?;
        if cx.max_length < 2 {
            return refuse("causal-lm", "rows of at least 2 tokens", cx.max_length, "raise max_length");
        }
        if ids.is_empty() {
            return Err(Error::input(place(), "some tokens", "a text of which the tokenizer leaves nothing", "leave this record out of the data"));
        }
        let example = |(i, window): (usize, &[u32])| {
            let id = if i == 0 { record.id.clone() } else { format!("{}#{i}", record.id).into() };
            Example { language: record.language.clone(), ..Example::of_text(id, Sequence::of("text", window.to_vec(), 1.0)) }
        };
        Ok(windows(&ids, cx.max_length).enumerate().map(example).collect())
    }

    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        step.model.check_causal("causal-lm")?;
        let out = step.run("text", &Run::default())?;
        let sum = tongues_nn::cross_entropy(step.model, &out, false)?;
        let own = Term { name: "causal-lm".into(), sum, over: step.batch.loss_tokens(), weight: 1.0 };
        Ok(std::iter::once(own).chain(out.notes.losses).collect())
    }

    fn may_pack(&self) -> bool {
        true
    }
}

register!(Objective, "causal-lm", "Next-token prediction over plain text", CausalLmOptions => CausalLm::new);
