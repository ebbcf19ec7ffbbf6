//! Data of the synthetic world.

use super::WorldVariant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sentences of a synthetic language.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldData {
    /// The language. From near to far: `pivot`, `kindred`, `derived`, `distant`, `remote`.
    #[schemars(extend("enum" = ["pivot", "kindred", "derived", "distant", "remote"]))]
    pub language: String,
    /// A language like this one, but for what is said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<WorldVariant>,
    /// Items of a task with gold answers instead of sentences. Fields by task: `lm` text; `translation` source, target; `qa` question,
    /// context (the statements that answer it), answer; `arithmetic` problem, chain, answer, number;
    /// `nli` premise, hypothesis, label; `slots` text, tokens, tags, spans; `intent` text, label; `retrieval` query, positive, negatives;
    /// `instruction` prompt, response; `preference` prompt, chosen, rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<WorldTask>,
    /// How hard the task is: `entities`, `steps`, `largest` (arithmetic), `clauses` (slots, intent, nli), `negatives` (retrieval),
    /// `facts`, `stated`, `stated_held_out` (lm, qa), `alike`, `denials` (qa), `borrowed_permille` (lm, translation), `source` (translation).
    #[serde(default, skip_serializing_if = "WorldKnobs::is_default")]
    pub knobs: WorldKnobs,
    /// Beside every text field of a task's items one with `_gloss` behind its name: each word replaced by the pivot's, as a lexicon alone
    /// would do it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gloss: bool,
    /// Which part of the meanings; parts never share a meaning.
    #[serde(default)]
    pub split: WorldSplit,
    /// How many sentences, or items of the task.
    #[schemars(range(min = 1))]
    pub sentences: usize,
    /// The world's own seed; the recipe's seed where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Tasks of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorldTask {
    /// Documents that also state facts.
    Lm,
    /// Sentences in two languages.
    Translation,
    /// Questions about facts that documents state.
    Qa,
    /// Word problems of several steps.
    Arithmetic,
    /// Entailment, neutral or contradiction.
    Nli,
    /// Who does what to whom.
    Slots,
    /// What the speaker wants.
    Intent,
    /// A query, its text, and others.
    Retrieval,
    /// Changes of a sentence, in order.
    Instruction,
    /// The same with a wrong response.
    Preference,
}

/// How hard a task is; what is absent has the task's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldKnobs {
    /// Who owns something, 1 to 4; a single owner exchanges with one of whom no number is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities: Option<u32>,
    /// What happens, or changes in a row, 1 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// The largest number, 9 to 99.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<u32>,
    /// Clauses of a text, 2 to 4; inference: most clauses of a premise, 1 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clauses: Option<u32>,
    /// Wrong candidates, 1 to 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negatives: Option<u32>,
    /// Facts of the world, 10 to 100000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<u32>,
    /// How many of the other two statements beside a question have its words, 0 to 2; the rest state other facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alike: Option<u32>,
    /// How many of the statements of other facts beside a question say where something did not happen, 0 to 2 less `alike`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denials: Option<u32>,
    /// Which of the facts asked in train this language states: from the first to before the second, of 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<[u32; 2]>,
    /// Which of the facts asked in dev and test this language states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated_held_out: Option<[u32; 2]>,
    /// Permille of texts that are those of other tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub borrowed_permille: Option<u32>,
    /// The language of the source of a translation; the pivot where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl WorldKnobs {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Parts of the world's meanings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorldSplit {
    /// For training.
    #[default]
    Train,
    /// For development.
    Dev,
    /// For testing.
    Test,
}
