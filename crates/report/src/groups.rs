//! Scores that belong in one table: same data and metric, with a section a language. A baseline that another evaluator
//! computed (a byte model, say) stands in the table of the models it is compared with.

use crate::change::beats;
use crate::schema::{Better, Languages, Score};

/// One table.
pub(crate) struct Group<'a> {
    pub evaluator: &'a str,
    pub data: &'a str,
    pub metric: &'a str,
    pub better: Better,
    pub sections: Vec<Section<'a>>,
}

/// The rows of one language, the unadapted model first.
pub(crate) struct Section<'a> {
    pub language: &'a str,
    pub rows: Vec<&'a Score>,
}

/// Sorts scores into tables; tables, sections and rows keep the order of the report, except that
/// unadapted models move to the front of their section.
pub(crate) fn groups(scores: &[Score]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for score in scores {
        let at = groups.iter().position(|group| group.holds(score)).unwrap_or_else(|| {
            groups.push(Group::of(score));
            groups.len() - 1
        });
        groups[at].add(score);
    }
    for section in groups.iter_mut().flat_map(|group| &mut group.sections) {
        section.rows.sort_by_key(|score| !score.reference);
    }
    groups
}

impl<'a> Group<'a> {
    fn of(score: &'a Score) -> Self {
        Group { evaluator: &score.evaluator, data: &score.data, metric: &score.metric, better: score.better, sections: Vec::new() }
    }

    fn holds(&self, score: &Score) -> bool {
        self.data == score.data && self.metric == score.metric && self.better == score.better
    }

    fn add(&mut self, score: &'a Score) {
        match self.sections.iter_mut().find(|section| section.language == score.language) {
            Some(section) => section.rows.push(score),
            None => self.sections.push(Section { language: &score.language, rows: vec![score] }),
        }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &'a Score> {
        self.sections.iter().flat_map(|section| section.rows.iter().copied())
    }
}

impl<'a> Section<'a> {
    /// The row that changes are counted against.
    pub(crate) fn first(&self) -> &'a Score {
        self.rows[0]
    }

    /// The row that a row's change is counted against: the first, or where its model was scored by this evaluator as well, that row.
    pub(crate) fn before(&self, score: &Score) -> &'a Score {
        let same = |row: &&&Score| row.model == self.first().model && row.evaluator == score.evaluator;
        self.rows.iter().find(same).copied().unwrap_or(self.first())
    }

    /// The unadapted model, where one was scored.
    pub(crate) fn reference(&self) -> Option<&'a Score> {
        Some(self.first()).filter(|score| score.reference)
    }

    /// The best row with a finite value among those of the first row's evaluator; the earlier of equals.
    pub(crate) fn best<'s>(&'s self, of: impl Fn(&Score) -> bool) -> Option<&'a Score> {
        let finite = self.rows.iter().copied().filter(|score| score.value.is_finite() && score.evaluator == self.first().evaluator && of(score));
        finite.reduce(|best, score| match beats(score.value, best.value, score.better) {
            true => score,
            false => best,
        })
    }

    /// A row's name: the model, with its stage where the model was scored twice.
    pub(crate) fn label(&self, score: &Score) -> String {
        let same: Vec<_> = self.rows.iter().filter(|other| other.model == score.model).collect();
        match same[..] {
            [_] => score.model.clone(),
            _ if same.iter().any(|other| other.evaluator != score.evaluator) => format!("{} ({}, {})", score.model, score.stage, score.evaluator),
            _ => format!("{} ({})", score.model, score.stage),
        }
    }
}

/// Whether two language codes name the same language; a code without a script fits any script.
pub(crate) fn same_language(a: &str, b: &str) -> bool {
    let parts = |code: &'_ str| {
        let mut parts = code.splitn(2, ['_', '-']);
        (parts.next().map(str::to_lowercase), parts.next().map(str::to_lowercase))
    };
    let ((a, a_script), (b, b_script)) = (parts(a), parts(b));
    a == b && (a_script == b_script || a_script.is_none() || b_script.is_none())
}

/// "target language" or "source language" where the code is one of the run's two.
pub(crate) fn role(language: &str, pair: Option<&Languages>) -> Option<&'static str> {
    let pair = pair?;
    if same_language(language, &pair.target) {
        return Some("target language");
    }
    same_language(language, &pair.source).then_some("source language")
}
