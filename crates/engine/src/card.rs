//! Model cards: what a saved folder says of itself to people.

use crate::folder::Folder;
use std::path::Path;
use tongues_io::hf::certificate;
use tongues_io::{private, write_atomic};
use tongues_kernel::{Error, Result};
use tongues_recipe::ast::Recipe;
use tongues_report::Score;

/// Where scores begin; what follows is written anew when a run ends.
const SCORES: &str = "## Scores\n";

/// What a card tells.
pub struct Told<'t> {
    /// The recipe, and its text with all defaults.
    pub recipe: &'t Recipe,
    /// The stage that made the folder.
    pub stage: &'t str,
    /// The family of the network.
    pub family: &'t str,
    /// Its history, oldest first.
    pub steps: &'t [String],
    /// For an adapter, the checkpoint it belongs to.
    pub base: Option<&'t str>,
    /// Dtype of the files.
    pub dtype: &'t str,
}

fn languages(recipe: &Recipe) -> String {
    let language = recipe.language.as_ref();
    let tags: Vec<String> = language.into_iter().flat_map(|l| [&l.source, &l.target]).flatten().map(|t| format!("- {t}\n")).collect();
    if tags.is_empty() { String::new() } else { format!("language:\n{}", tags.concat()) }
}

/// The card, without scores.
///
/// # Errors
/// The recipe cannot be written as text.
pub fn card(told: &Told<'_>) -> Result<String> {
    let Told { recipe, stage, family, steps, base, dtype } = told;
    let (library, extra) = match base {
        Some(base) => ("peft", format!("base_model: {}\n", plain(base))),
        None => ("transformers", "pipeline_tag: text-generation\n".into()),
    };
    let what = if base.is_some() { "adapter of " } else { "" };
    let belongs = base.map(|b| format!("- Belongs to the checkpoint `{}`, seen from this folder\n", plain(b))).unwrap_or_default();
    let history: String = steps.iter().map(|s| format!("  1. {s}\n")).collect();
    let text = format!(
        "---\nlibrary_name: {library}\n{extra}{}tags:\n- tongues\n---\n\n# {}: {what}{stage}\n\n{}Made by stage `{stage}` with seed {}.\n\n\
         - Family: {family}, stored as {dtype}\n{belongs}- Files and logits are certified in `certificate.json`; `tongues verify` checks them\n- History:\n{history}\n\
         ## Recipe\n\n```toml\n{}```\n\n{SCORES}\nNot scored yet.\n",
        languages(recipe),
        recipe.name,
        recipe.description.as_ref().map(|d| format!("{d}\n\n")).unwrap_or_default(),
        recipe.seed,
        tongues_recipe::resolved(recipe)?,
    );
    Ok(private(&text))
}

/// The part of a base's name that is the same everywhere.
fn plain(base: &str) -> &str {
    base.strip_prefix("hf:").unwrap_or(base)
}

/// Writes the scores of a finished run into the cards of its stages.
///
/// # Errors
/// A card cannot be read or written.
pub fn add_scores(folder: &Folder, stages: &[&str], scores: &[Score]) -> Result<()> {
    for stage in stages {
        for entry in std::fs::read_dir(folder.stage(stage)).into_iter().flatten().flatten() {
            let dir = entry.path();
            if dir.join(certificate::CERTIFICATE).exists() {
                rewrite(&dir, &table(stage, scores))?;
            }
        }
    }
    Ok(())
}

fn rewrite(dir: &Path, table: &str) -> Result<()> {
    let path = dir.join("README.md");
    let text = std::fs::read_to_string(&path).map_err(|e| Error::run(path.display(), e))?;
    let head = text.rfind(SCORES).map_or(text.as_str(), |at| &text[..at]);
    write_atomic(&path, format!("{head}{SCORES}\n{table}").as_bytes())?;
    certificate::remark(dir)
}

fn table(model: &str, scores: &[Score]) -> String {
    let mine: Vec<&Score> = scores.iter().filter(|s| s.model == model).collect();
    if mine.is_empty() {
        return "Not scored in this run.\n".into();
    }
    let mut text = "| data | language | metric | value | 95 % interval | n |\n|---|---|---|---|---|---|\n".to_owned();
    for s in mine {
        let interval = s.low.zip(s.high).map(|(low, high)| format!("{low:.4} to {high:.4}")).unwrap_or_default();
        text += &format!("| {} | {} | {} | {:.4} | {interval} | {} |\n", s.data, s.language, s.metric, s.value, s.n);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tongues_report::Better;

    #[test]
    fn scores_of_this_model_alone_are_told() {
        let score = |model: &str| Score {
            stage: "scores".into(),
            model: model.into(),
            evaluator: "e".into(),
            data: "d".into(),
            language: "eus".into(),
            metric: "chrf".into(),
            value: 0.5,
            low: Some(0.25),
            high: Some(0.75),
            n: 7,
            better: Better::Higher,
            reference: false,
        };
        let text = table("a", &[score("a"), score("b")]);
        assert!(text.ends_with("| d | eus | chrf | 0.5000 | 0.2500 to 0.7500 | 7 |\n") && text.lines().count() == 3, "{text}");
        assert_eq!(table("c", &[score("a")]), "Not scored in this run.\n");
    }
}
