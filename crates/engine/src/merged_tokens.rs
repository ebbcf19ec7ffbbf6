//! The tokenizer of a merged model, and the rows of its inputs where theirs differ.

use crate::merging::Inputs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tongues_kernel::{Result, Role, Spec, Tokenizer, nearest, refuse};
use tongues_merge::{Entry, Rule, Source, Stand, Target, Vocabulary, check_same};
use tongues_recipe::ast::{Merge, MergeRow, MergeRowKind, MergeToken};

/// Tokenizer and rows of a merge.
pub struct Tokens {
    /// The tokenizer of every input.
    all: Vec<Arc<dyn Tokenizer>>,
    /// Where one vocabulary is made of several.
    pub joined: Option<Vocabulary>,
    /// Tensors with a row a token.
    pub tables: BTreeSet<String>,
}

impl Tokens {
    /// Reads the tokenizers, and joins them where the merge says so. The headers of the inputs then have the shapes of the joined rows.
    ///
    /// # Errors
    /// The tokenizers differ and nothing says what to do, or a rule names what is not there.
    pub fn of(merge: &Merge, inputs: &mut Inputs) -> Result<Self> {
        let all = inputs.sources.iter().map(tokenizer).collect::<Result<Vec<_>>>()?;
        let tables: BTreeSet<String> = inputs.sources.iter().flat_map(|s| tables(s.spec())).collect();
        let base = inputs.headers.base.unwrap_or(0);
        let rules = merge.tokenizer.as_ref();
        let Some(source) = merge.tokenizer_source.as_ref().or(rules.map(|t| &t.source)) else {
            for (i, other) in all.iter().enumerate().skip(1) {
                check_same([&inputs.names[0], &inputs.names[i]], all[0].as_ref(), other.as_ref())?;
            }
            return Ok(Self { all, joined: None, tables });
        };
        let target = match source.as_str() {
            "union" => Target::Union,
            "base" => Target::Of(base),
            name => Target::Of(input(inputs, name)?),
        };
        let entries: Vec<Entry> = all.iter().zip(&inputs.sources).map(|(t, s)| (t.clone(), s.spec().vocabulary)).collect();
        let rules =
            rules.map(|t| t.tokens.iter().map(|(token, rule)| Ok((token.clone(), ruled(inputs, &all, token, rule)?))).collect::<Result<BTreeMap<_, _>>>());
        let multiple = merge.tokenizer.as_ref().and_then(|t| t.pad_to_multiple_of);
        let joined = Vocabulary::join(&entries, target, inputs.headers.base, &rules.transpose()?.unwrap_or_default(), multiple)?;
        for header in &mut inputs.headers.models {
            for (name, shape) in &mut header.tensors {
                if tables.contains(name) {
                    shape[0] = joined.rows;
                }
            }
            header.config.insert("vocab_size".into(), joined.rows.into());
        }
        Ok(Self { all, joined: Some(joined), tables })
    }

    /// The tokenizer of the result, with its chat template.
    ///
    /// # Errors
    /// The template is not one.
    pub fn result(&self, merge: &Merge, leading: usize) -> Result<Arc<dyn Tokenizer>> {
        let tokenizer = self.joined.as_ref().map_or_else(|| self.all[leading].clone(), |joined| joined.tokenizer.clone());
        match merge.chat_template.as_deref() {
            None => Ok(tokenizer),
            Some("auto") => self.usual_template().map_or(Ok(tokenizer.clone()), |template| tokenizer.with_chat_template(&template)),
            Some(template) if template.contains("{%") || template.contains("{{") => tokenizer.with_chat_template(template),
            Some(name) => match std::fs::read_to_string(name) {
                Ok(template) => tokenizer.with_chat_template(&template),
                Err(_) => refuse("chat_template", "\"auto\", a Jinja template, or a file with one", format!("\"{name}\""), "write the template itself"),
            },
        }
    }

    /// The template that most inputs have; the first of them where several are as frequent.
    fn usual_template(&self) -> Option<String> {
        let template = |t: &Arc<dyn Tokenizer>| t.chat().get("chat_template").and_then(|t| t.as_str()).map(String::from);
        let all: Vec<String> = self.all.iter().filter_map(template).collect();
        let count = |t: &String| all.iter().filter(|other| *other == t).count();
        let most = all.iter().map(count).max()?;
        all.iter().find(|t| count(t) == most).cloned()
    }
}

/// The tokenizer of an input.
fn tokenizer(source: &Source) -> Result<Arc<dyn Tokenizer>> {
    Ok(match source {
        Source::Files(opened) => Arc::new(opened.tokenizer()?),
        Source::Live(model) => model.tokenizer()?.clone(),
    })
}

/// Weights and biases of embeddings and head.
fn tables(spec: &Spec) -> Vec<String> {
    let sites = spec.sites.iter().filter(|i| matches!(i.site.role, Role::Embeddings | Role::Head));
    sites.flat_map(|i| ["weight", "bias"].map(|kind| format!("{}.{kind}", i.path))).collect()
}

fn input(inputs: &Inputs, name: &str) -> Result<usize> {
    match inputs.names.iter().position(|n| n == name) {
        Some(i) => Ok(i),
        None => {
            let known = inputs.names.iter().map(String::as_str);
            let remedy = nearest(name, known).map_or_else(|| "add it to the models".into(), |near| format!("did you mean \"{near}\"?"));
            refuse("tokenizer", format!("\"union\", \"base\", or a model of the merge: {}", inputs.names.join(", ")), format!("\"{name}\""), remedy)
        }
    }
}

fn ruled(inputs: &Inputs, all: &[Arc<dyn Tokenizer>], token: &str, rule: &MergeToken) -> Result<Rule> {
    let at = format!("tokenizer.tokens.{token}");
    let stand = match &rule.source {
        MergeRow::Model(name) => Stand::Model(input(inputs, name)?),
        MergeRow::Other(row) => match (row.kind, &row.model, &row.token, row.token_id) {
            (MergeRowKind::Zero, None, None, None) => Stand::Zero,
            (MergeRowKind::ModelToken, Some(model), None, Some(id)) => Stand::Row(input(inputs, model)?, id),
            (MergeRowKind::ModelToken, Some(model), Some(token), None) => {
                let model = input(inputs, model)?;
                let id = (0..all[model].size()).find(|id| all[model].piece(*id as u32).as_deref() == Some(token));
                let Some(id) = id else {
                    return refuse(at, format!("a token of `{}`", inputs.names[model]), format!("`{token}`"), "tokens are written as in tokenizer.json");
                };
                Stand::Row(model, id)
            }
            _ => return refuse(at, "kind = \"zero\" alone, or \"model_token\" with `model` and one of `token`, `token_id`", format!("{row:?}"), ""),
        },
    };
    Ok(Rule { stand, force: rule.force })
}
