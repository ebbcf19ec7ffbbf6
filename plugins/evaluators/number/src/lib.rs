//! # number
//!
//! Whether the last number of a written solution is the right one.
//! Papers: Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems" (GSM8K, arXiv 2110.14168); Shi et al. 2022, "Language
//! Models are Multilingual Chain-of-Thought Reasoners" (MGSM, arXiv 2210.03057).
//!
//! ## What it does
//! The last number of what the model wrote (or of the field `written`) is compared with that of the right answer: a text or a number under
//! `answer`, or the format's answer. Digits of all scripts, thousands separators and signs are read. `accuracy` is the share
//! of records where they are equal, `answered` the share where there is a number at all.
//!
//! ## When to use
//! For problems whose answer is a number, with or without steps before it: GSM8K, MGSM and the like. Give enough `max_new_tokens` for the
//! steps, and a stop string where the next question would begin.
//!
//! ## Differences from the paper
//! The papers' scripts look for a phrase (`#### 18`, “The answer is 18”) before they take the last number; here the last number always
//! counts, in every language alike.
//!
//! ## Reproduces
//! No published number. The tests compare numbers written in several scripts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, Evaluation, Evaluator, Finding, Item, Result, Value, Writes, WrittenText, refuse, register};
use tongues_metrics::answers::last_number;

/// Accuracy of the last number.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// The field with the right answer, a text or a number; the format's answer where absent.
    #[serde(default)]
    pub answer: Option<String>,
}

impl Number {
    /// Refuses options that contradict each other before anything is written.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.writes.check(cx).map_err(|e| e.within("evaluator number"))?;
        Ok(self)
    }

    fn right(&self, text: &WrittenText) -> Result<String> {
        let number = match self.answer.as_ref().and_then(|field| text.record.fields.get(field.as_str())) {
            Some(Value::Number(number)) => last_number(&number.to_string()),
            _ => text.answers(self.answer.as_deref())?.first().and_then(|answer| last_number(answer)),
        };
        let none = || {
            let place = self.answer.as_ref().map_or_else(|| format!("record {}, the format's answer", text.record.id), |field| text.record.place(field));
            refuse(place, "a right answer with a number in it", "none", "name the field that holds the number")
        };
        number.map_or_else(none, Ok)
    }
}

impl Evaluator for Number {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let (mut accuracy, mut answered) = (vec![], vec![]);
        for text in self.writes.texts(evaluation)? {
            let (right, given) = (self.right(&text)?, last_number(&text.text));
            let item = |yes: bool| Item::one(text.record.id.clone(), f64::from(u8::from(yes)));
            accuracy.push(item(given.as_ref() == Some(&right)));
            answered.push(item(given.is_some()));
        }
        let findings = vec![Finding::ratio("accuracy", Better::Higher, accuracy), Finding::ratio("answered", Better::Higher, answered)];
        Ok(self.writes.named(findings))
    }
}

register!(Evaluator, "number", "Accuracy of the last number of written solutions, as in GSM8K and MGSM", Number => Number::checked);
