//! Log-probabilities of given texts, batched.

use crate::{Model, Name, Result, Session, language_number, refuse};
use std::collections::BTreeMap;

/// One number a row under a name, for parts that read columns (language, task, expert).
pub type Columns = BTreeMap<Name, Vec<i64>>;

/// The column `language` of texts; none where no text has a language.
pub fn language_column<'l>(languages: impl Iterator<Item = Option<&'l str>>) -> Columns {
    let numbers: Vec<i64> = languages.map(|tag| tag.map_or(0, language_number)).collect();
    if numbers.iter().all(|n| *n == 0) { Columns::new() } else { Columns::from([("language".into(), numbers)]) }
}

/// The columns of rows that each have numbers of their own; 0 where a row lacks one that another has.
pub fn columns_of<'r>(rows: impl Iterator<Item = &'r BTreeMap<Name, i64>> + Clone) -> Columns {
    let column = |name: &Name| rows.clone().map(|row| row.get(name).copied().unwrap_or(0)).collect();
    rows.clone().flat_map(BTreeMap::keys).map(|name| (name.clone(), column(name))).collect()
}

/// Natural log-probability of every token after the first of each row, in order.
/// `batch_tokens` bounds the padded size of a batch; scores do not depend on it beyond rounding.
///
/// # Errors
/// A row is longer than the model's positions.
pub fn log_probabilities(model: &Model, rows: &[Vec<u32>], batch_tokens: usize) -> Result<Vec<Vec<f32>>> {
    log_probabilities_with(model, rows, &Columns::new(), batch_tokens)
}

/// The same where parts read columns (language, task, expert): one number a row.
///
/// # Errors
/// A row is longer than the model's positions, or a column has not one number a row.
pub fn log_probabilities_with(model: &Model, rows: &[Vec<u32>], columns: &Columns, batch_tokens: usize) -> Result<Vec<Vec<f32>>> {
    if let Some((name, column)) = columns.iter().find(|(_, c)| c.len() != rows.len()) {
        return refuse(format!("column `{name}`"), format!("{} numbers, one a row", rows.len()), column.len(), "");
    }
    let room = model.spec().max_positions;
    if let Some(long) = rows.iter().find(|r| room > 0 && r.len() > room) {
        return refuse("scoring", format!("rows of at most {room} tokens"), long.len(), "cut the texts into windows");
    }
    model.check_ids(rows.iter().flatten().copied())?;
    let model = model.inference();
    let mut order: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].len() > 1).collect();
    order.sort_by_key(|i| (rows[*i].len(), *i));
    let mut scores = vec![vec![]; rows.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && (end + 1 - start) * rows[order[end]].len() <= batch_tokens {
            end += 1;
        }
        let batch: Vec<&[u32]> = order[start..end].iter().map(|i| rows[*i].as_slice()).collect();
        let columns = columns.iter().map(|(name, all)| (name.clone(), order[start..end].iter().map(|i| all[*i]).collect())).collect();
        for (i, row) in order[start..end].iter().zip(Session::once(&model, batch.len(), columns)?.score(&batch)?) {
            scores[*i] = row;
        }
        start = end;
    }
    Ok(scores)
}
