//! What is done with a row that is too long.

use crate::row::Row;
use std::fmt;
use tongues_kernel::{Result, refuse};

/// The rule for rows that are too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truncate {
    /// An error.
    #[default]
    Refuse,
    /// The record is left out.
    Drop,
    /// The prompt loses its beginning; where that is not enough, the answer its end.
    CutLeft,
    /// The row loses its end.
    CutRight,
}

impl fmt::Display for Truncate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "refuse",
            Self::Drop => "drop",
            Self::CutLeft => "cut-left",
            Self::CutRight => "cut-right",
        })
    }
}

/// What a rule did to a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Names of the rules, for the count.
    pub(crate) rules: Vec<String>,
    /// Tokens that are gone.
    pub(crate) cut: usize,
    /// The row is left out.
    pub(crate) dropped: bool,
}

/// Makes a row fit; `at` names the record.
pub(crate) fn fit(row: &mut Row, most: usize, rule: Truncate, at: &str) -> Result<Done> {
    let length = row.tokens.len();
    if length <= most {
        return Ok(Done::default());
    }
    let mut done = Done { rules: vec![rule.to_string()], cut: length - most, dropped: false };
    match rule {
        Truncate::Refuse => {
            // Trainings say how long a row may be; a score takes what the model has positions for.
            let remedy = "raise `sequence_length` (of a score, take a model with more positions), or say what shall happen: `truncate = \"cut-left\"`, \"cut-right\" or \"drop\" in the format";
            return refuse(at, format!("at most {most} tokens"), format!("{length} tokens"), remedy);
        }
        Truncate::Drop => return Ok(Done { cut: length, dropped: true, ..done }),
        Truncate::CutRight => row.tokens.truncate(most),
        Truncate::CutLeft => {
            if cut_left(row, most) {
                done.rules.push("answer-cut".into());
            }
        }
    }
    // A cut that leaves nothing to learn leaves the record out, and says so.
    if !row.tokens.iter().skip(1).any(|t| t.learned) {
        done.rules.push("nothing-left".into());
        done = Done { cut: length, dropped: true, ..done };
    }
    Ok(done)
}

/// Cuts behind the begin token; whether the answer had to be cut as well.
///
/// One token before the answer stays, for the first token of a row is never learned.
fn cut_left(row: &mut Row, most: usize) -> bool {
    let room = most.saturating_sub(row.kept);
    let first = row.answer.saturating_sub(usize::from(row.kept == 0)).max(row.kept);
    let from = (row.tokens.len() - room).min(first);
    row.tokens.drain(row.kept..from);
    let too_long = row.tokens.len() > most;
    row.tokens.truncate(most);
    too_long
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Token;

    /// A begin token, four tokens of prompt, three of answer.
    fn row() -> Row {
        let tokens = (0..8).map(|id| Token { id, bytes: id as usize..id as usize + 1, learned: id >= 5 }).collect();
        Row { tokens, kept: 1, answer: 5 }
    }

    fn cut(rule: Truncate, most: usize) -> (Vec<u32>, Vec<String>, usize) {
        let mut row = row();
        let done = fit(&mut row, most, rule, "record r").expect("a rule that cuts");
        (if done.dropped { vec![] } else { row.tokens.iter().map(|t| t.id).collect() }, done.rules, done.cut)
    }

    #[test]
    fn the_prompt_goes_before_the_answer() {
        let rules = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(cut(Truncate::CutLeft, 8), (vec![0, 1, 2, 3, 4, 5, 6, 7], vec![], 0));
        assert_eq!(cut(Truncate::CutLeft, 6), (vec![0, 3, 4, 5, 6, 7], rules(&["cut-left"]), 2));
        assert_eq!(cut(Truncate::CutLeft, 4), (vec![0, 5, 6, 7], rules(&["cut-left"]), 4));
        assert_eq!(cut(Truncate::CutLeft, 3), (vec![0, 5, 6], rules(&["cut-left", "answer-cut"]), 5));
        assert_eq!(cut(Truncate::CutRight, 7), (vec![0, 1, 2, 3, 4, 5, 6], rules(&["cut-right"]), 1));
        assert_eq!(cut(Truncate::CutRight, 5), (vec![], rules(&["cut-right", "nothing-left"]), 8));
        assert_eq!(cut(Truncate::Drop, 7), (vec![], rules(&["drop"]), 8));
        let refused = fit(&mut row(), 7, Truncate::Refuse, "record r").expect_err("too long").to_string();
        assert!(refused.starts_with("record r: expected at most 7 tokens, found 8 tokens\n  help: raise `sequence_length`"), "{refused}");
    }

    #[test]
    fn without_a_begin_token_one_token_before_the_answer_stays() {
        let mut row = Row { kept: 0, ..row() };
        assert_eq!(fit(&mut row, 3, Truncate::CutLeft, "r").expect("a cut").rules, ["cut-left", "answer-cut"]);
        assert_eq!(row.tokens.iter().map(|t| t.id).collect::<Vec<_>>(), [4, 5, 6]);
    }
}
