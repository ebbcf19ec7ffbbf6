//! How hard a task is.

use crate::error::{WorldError, in_range};
use crate::language::LanguageConfig;
use crate::tasks::Task;
use std::ops::Range;

/// A task and its difficulty. A task reads the fields that it names.
///
/// The defaults are meant for models of one to three million parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskConfig {
    /// The task.
    pub task: Task,
    /// Arithmetic: who owns something, `1..=4`; a single owner gives to and is given
    /// by another person, of whom no number is told.
    pub entities: u32,
    /// Arithmetic: what happens; instructions and preferences: changes in a row. `1..=4`.
    pub steps: u32,
    /// Arithmetic: the largest number that occurs, `9..=99`.
    pub largest: u32,
    /// Slots, intent: clauses of a text, `2..=4`; inference: most clauses of a premise,
    /// `1..=4`.
    pub clauses: u32,
    /// Retrieval: wrong candidates, `1..=15`; the first three differ from the right
    /// one in nothing but who does what.
    pub negatives: u32,
    /// Documents: sentences beside the facts, `1..=64`.
    pub sentences: u32,
    /// Documents and fact QA: facts of the world, `10..=100000`; each is asked both
    /// ways round. Eight tenths are asked in train, a tenth in dev and in test.
    pub facts: u32,
    /// Fact QA: how many of the other two statements of a context have the words of
    /// the question, `0..=2`: with one, who did it to whom the other way round; with
    /// two, also where it did not happen. The rest state other facts.
    pub alike: u32,
    /// Fact QA: how many of the statements of other facts say where something did not
    /// happen, `0..=2` and no more than there are of them. With two, the place that is
    /// asked for is the one where something did.
    pub denials: u32,
    /// Documents of train: which of the facts asked in train this language states.
    /// A fact has a fixed place in `0..1000`; those in the range are stated, so two
    /// languages with disjoint ranges state disjoint facts.
    pub stated: Range<u32>,
    /// Documents of train: which of the facts asked in dev and test, and there
    /// alone, this language states.
    pub stated_held_out: Range<u32>,
    /// Documents and translation: permille of the texts that are those of the other
    /// tasks, so that words of tasks occur in them.
    pub borrowed_permille: u32,
    /// Translation: the language of the source.
    pub source: LanguageConfig,
}

impl TaskConfig {
    /// The task with its default difficulty: three clauses for intents, every fact
    /// stated, the pivot the source.
    pub fn new(task: Task) -> Self {
        Self {
            task,
            entities: 2,
            steps: 2,
            largest: 20,
            clauses: if task == Task::Intent { 3 } else { 2 },
            negatives: 3,
            sentences: 3,
            facts: 200,
            alike: 2,
            denials: 0,
            stated: 0..1000,
            stated_held_out: 0..1000,
            borrowed_permille: 250,
            source: LanguageConfig::pivot(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), WorldError> {
        // The range hangs on another knob, which the error names.
        let denials = format!("denials (beside alike = {})", self.alike);
        let ranges = [
            ("entities", self.entities, 1, 4),
            ("steps", self.steps, 1, 4),
            ("largest", self.largest, 9, 99),
            ("clauses", self.clauses, if self.task == Task::Nli { 1 } else { 2 }, 4),
            ("negatives", self.negatives, 1, 15),
            ("sentences", self.sentences, 1, 64),
            ("facts", self.facts, 10, 100_000),
            ("alike", self.alike, 0, 2),
            (&denials, self.denials, 0, 2 - u64::from(self.alike.min(2))),
            ("stated.end", self.stated.end, 0, 1000),
            ("stated_held_out.end", self.stated_held_out.end, 0, 1000),
            ("borrowed_permille", self.borrowed_permille, 0, 1000),
        ];
        let mut checks = ranges.into_iter();
        checks.try_for_each(|(field, found, min, max)| in_range(&format!("task.{}.{field}", self.task.name()), found.into(), min, max))?;
        self.source.check()
    }
}
