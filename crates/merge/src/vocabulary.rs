//! Models with unequal tokenizers: one vocabulary for the result, and which rows of the inputs its tokens are.

use std::collections::BTreeMap;
use std::sync::Arc;
use tongues_kernel::{Result, Slice, Tokenizer, refuse};

/// Where the vocabulary of the result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// That of one input.
    Of(usize),
    /// All tokens of all inputs: those of the base first, the others added to it.
    Union,
}

/// What a row is where an input lacks the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// The token's row in an input.
    Model(usize),
    /// A row of an input.
    Row(usize, usize),
    /// Zeros.
    Zero,
}

/// A rule for one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What stands for it.
    pub stand: Stand,
    /// Also in inputs that have it.
    pub force: bool,
}

/// Where a row of one input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Row {
    /// A row of an input.
    Of(usize, usize),
    /// The mean of rows of inputs.
    Mean(Vec<(usize, usize)>),
    /// Zeros.
    Zero,
    /// The mean of all rows before the padding.
    Padding,
}

/// A vocabulary and its rows.
pub struct Vocabulary {
    /// The tokenizer of the result.
    pub tokenizer: Arc<dyn Tokenizer>,
    /// Rows of its embedding matrix.
    pub rows: usize,
    /// Things worth telling.
    pub notes: Vec<String>,
    tokens: usize,
    /// For every input, where its rows come from.
    from: Vec<Vec<Row>>,
}

/// One input: its tokenizer, and the rows of its embedding matrix.
pub type Entry = (Arc<dyn Tokenizer>, usize);

impl Vocabulary {
    /// The vocabulary of a merge. Where there is a base, its rows stand for tokens that others lack.
    ///
    /// # Errors
    /// A rule names a token or row that is not there, or the tokenizer cannot be extended.
    pub fn join(inputs: &[Entry], target: Target, base: Option<usize>, rules: &BTreeMap<String, Rule>, multiple: Option<usize>) -> Result<Self> {
        let first = base.unwrap_or(0);
        let ids: Vec<BTreeMap<String, usize>> = inputs.iter().map(known).collect();
        let tokenizer = match target {
            Target::Of(i) => inputs[i].0.clone(),
            Target::Union => union(inputs, first)?,
        };
        let names: Vec<Option<String>> = (0..tokenizer.size()).map(|id| tokenizer.piece(id as u32)).collect();
        if let Some(token) = rules.keys().find(|t| !names.iter().flatten().any(|n| n == *t)) {
            return refuse("tokenizer.tokens", "tokens of the merged vocabulary", format!("`{token}`"), "take the rule out, or use the union");
        }
        let table = Table { ids: &ids, base, rules };
        let stands: Vec<Option<Row>> = names.iter().map(|name| name.as_ref().map_or(Ok(Some(Row::Zero)), |name| table.stand(name))).collect::<Result<_>>()?;
        let own = |input: usize, name: &Option<String>| name.as_ref().and_then(|n| ids[input].get(n)).map(|row| Row::Of(input, *row));
        let forced = |name: &Option<String>| name.as_ref().and_then(|n| rules.get(n)).is_some_and(|r| r.force);
        let of_input = |input: usize| -> Vec<Row> {
            let row =
                |(name, stand): (&Option<String>, &Option<Row>)| own(input, name).filter(|_| !forced(name)).or_else(|| stand.clone()).unwrap_or(Row::Zero);
            names.iter().zip(&stands).map(row).collect()
        };
        let mut from: Vec<Vec<Row>> = (0..inputs.len()).map(of_input).collect();
        let tokens = names.len();
        let rows = pad(&mut from, inputs, target, first, multiple);
        let nowhere = stands.iter().zip(&names).filter(|(stand, _)| **stand == Some(Row::Zero)).filter_map(|(_, name)| name.clone());
        let nowhere: Vec<String> = nowhere.filter(|name| !rules.contains_key(name)).collect();
        let notes =
            if nowhere.is_empty() { vec![] } else { vec![format!("{} tokens have a row in no model, and get zeros: {}", nowhere.len(), some(&nowhere))] };
        Ok(Self { tokenizer, rows, notes, tokens, from })
    }

    /// The rows of one input's matrix in the order of the result; `tables` are the matrices of all inputs, `width` the numbers of a row.
    ///
    /// # Errors
    /// A matrix has fewer rows than its vocabulary.
    pub fn gather(&self, input: usize, tables: &[Slice<'_>], width: usize) -> Result<Vec<f32>> {
        let mut out = vec![0f32; self.rows * width];
        let read = |(input, row): (usize, usize), out: &mut [f32]| -> Result<()> {
            let rows = tables[input].len() / width.max(1);
            if row >= rows {
                return refuse(
                    format!("input {input}"),
                    format!("a row {row}, which its vocabulary has"),
                    format!("{rows} rows"),
                    "the tokenizer is of another model",
                );
            }
            tables[input].read(row * width, out);
            Ok(())
        };
        let mut buffer = vec![0f32; width];
        for (row, out) in self.from[input].iter().zip(out.chunks_mut(width.max(1))) {
            match row {
                Row::Of(i, row) => read((*i, *row), out)?,
                Row::Mean(rows) => {
                    for place in rows {
                        read(*place, &mut buffer)?;
                        out.iter_mut().zip(&buffer).for_each(|(o, b)| *o += b / rows.len() as f32);
                    }
                }
                Row::Zero | Row::Padding => {}
            }
        }
        self.fill_padding(input, &mut out, width);
        Ok(out)
    }

    fn fill_padding(&self, input: usize, out: &mut [f32], width: usize) {
        let (tokens, rest) = out.split_at_mut(self.tokens * width);
        if !self.from[input].contains(&Row::Padding) {
            return;
        }
        let mut mean = vec![0f64; width];
        tokens.chunks(width.max(1)).for_each(|row| mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x)));
        let count = self.tokens.max(1) as f64;
        for (row, out) in self.from[input][self.tokens..].iter().zip(rest.chunks_mut(width.max(1))) {
            if *row == Row::Padding {
                out.iter_mut().zip(&mean).for_each(|(o, m)| *o = (m / count) as f32);
            }
        }
    }
}

/// Tokens and rows of one input; ids without a row are left out.
fn known((tokenizer, rows): &Entry) -> BTreeMap<String, usize> {
    (0..tokenizer.size().min(*rows)).filter_map(|id| Some((tokenizer.piece(id as u32)?, id))).collect()
}

struct Table<'t> {
    ids: &'t [BTreeMap<String, usize>],
    base: Option<usize>,
    rules: &'t BTreeMap<String, Rule>,
}

impl Table<'_> {
    /// What stands for a token in inputs without it: what its rule says; its row in the one model that has it, or in the base; else the
    /// mean of its rows. `None` where every input has it and no rule is needed.
    fn stand(&self, token: &str) -> Result<Option<Row>> {
        let have: Vec<(usize, usize)> = self.ids.iter().enumerate().filter_map(|(i, ids)| Some((i, *ids.get(token)?))).collect();
        let rule = self.rules.get(token);
        match rule {
            Some(rule) => self.ruled(token, rule.stand).map(Some),
            None if have.len() == self.ids.len() => Ok(None),
            None => Ok(Some(match (have.iter().find(|(i, _)| Some(*i) == self.base), have.as_slice()) {
                (_, []) => Row::Zero,
                (_, [(i, row)]) | (Some((i, row)), _) => Row::Of(*i, *row),
                (None, _) => Row::Mean(have),
            })),
        }
    }

    fn ruled(&self, token: &str, stand: Stand) -> Result<Row> {
        match stand {
            Stand::Zero => Ok(Row::Zero),
            Stand::Row(input, row) => Ok(Row::Of(input, row)),
            Stand::Model(input) => match self.ids[input].get(token) {
                Some(row) => Ok(Row::Of(input, *row)),
                None => refuse("tokenizer.tokens", format!("`{token}` in the vocabulary of its source"), "none", "name a model that has it"),
            },
        }
    }
}

/// Rows behind the vocabulary stay where a model has them: such matrices are padded for speed, and other files count on their size.
fn pad(from: &mut [Vec<Row>], inputs: &[Entry], target: Target, base: usize, multiple: Option<usize>) -> usize {
    let tokens = from.first().map_or(0, Vec::len);
    let leading = match target {
        Target::Of(i) => i,
        Target::Union => base,
    };
    let rows = match multiple {
        Some(m) if m > 0 => tokens.next_multiple_of(m),
        _ => tokens.max(inputs[leading].1),
    };
    for (input, from) in from.iter_mut().enumerate() {
        for row in tokens..rows {
            let place = [input, leading].into_iter().find(|i| inputs[*i].1 > row && inputs[*i].0.size() <= row && multiple.is_none());
            from.push(place.map_or(Row::Padding, |i| Row::Of(i, row)));
        }
    }
    rows
}

/// The base's tokenizer with all tokens that others have and it lacks.
fn union(inputs: &[Entry], base: usize) -> Result<Arc<dyn Tokenizer>> {
    let (first, _) = &inputs[base];
    let mut definition = first.definition().clone();
    let mut have: std::collections::BTreeSet<String> = (0..first.size()).filter_map(|id| first.piece(id as u32)).collect();
    let mut next = first.size();
    let Some(added) = definition.get_mut("added_tokens").and_then(|a| a.as_array_mut()) else {
        return refuse("tokenizer.json", "a list `added_tokens`", "none", "save the tokenizer again with transformers");
    };
    let others = inputs.iter().enumerate().filter(|(i, _)| *i != base).map(|(_, entry)| entry);
    for (tokenizer, rows) in others {
        let settings = added_tokens(tokenizer.as_ref());
        for token in (0..tokenizer.size().min(*rows)).filter_map(|id| tokenizer.piece(id as u32)) {
            if !have.insert(token.clone()) {
                continue;
            }
            let plain =
                || serde_json::json!({ "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": false });
            let mut entry = settings.get(&token).cloned().unwrap_or_else(plain);
            entry["id"] = next.into();
            next += 1;
            added.push(entry);
        }
    }
    first.redefined(definition)
}

fn added_tokens(tokenizer: &dyn Tokenizer) -> BTreeMap<String, serde_json::Value> {
    let all = tokenizer.definition().get("added_tokens").and_then(|a| a.as_array()).cloned().unwrap_or_default();
    all.into_iter().filter_map(|t| Some((t.get("content")?.as_str()?.to_owned(), t))).collect()
}

/// Whether two tokenizers have the same tokens at the same ids.
///
/// # Errors
/// They differ: names the first token.
pub fn check_same(names: [&str; 2], a: &dyn Tokenizer, b: &dyn Tokenizer) -> Result<()> {
    let apart = (0..a.size().max(b.size()) as u32).find(|id| a.piece(*id) != b.piece(*id));
    let Some(id) = apart else { return Ok(()) };
    let piece = |t: &dyn Tokenizer| t.piece(id).map_or("no token".into(), |p| format!("`{p}`"));
    refuse(
        format!("tokenizers of `{}` and `{}`", names[0], names[1]),
        "the same tokens at the same ids",
        format!("{} and {} at {id}", piece(a), piece(b)),
        "`tokenizer_source` chooses one vocabulary (\"union\", \"base\", or a model) and moves the rows of the others",
    )
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(5).cloned().collect::<Vec<_>>().join(" ");
    if names.len() > 5 { format!("{shown} …") } else { shown }
}

#[cfg(test)]
#[path = "vocabulary_tests.rs"]
mod tests;
