//! `tongues data`: what a recipe's training stages learn from, with what carries loss; or the records of a data set, as JSONL.

use crate::args::DataArgs;
use crate::{device, say};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use tongues_engine::{Sample, Sampled, Shop, samples};
use tongues_recipe::Linked;

/// Around what carries loss, where there are no colours.
const MARKS: [&str; 2] = ["⟦", "⟧"];
/// Bold green, and back.
const COLOURS: [&str; 2] = ["\u{1b}[1;32m", "\u{1b}[0m"];

/// Shows samples and counts; nothing is trained.
pub fn run(args: &DataArgs) -> anyhow::Result<()> {
    let loaded = tongues_recipe::load(&args.recipe, &args.set, &Linked)?;
    let shop = Shop::new(&loaded.recipe, device::parse("flex")?.autodiff(), std::path::PathBuf::new());
    if let (Some(file), Some(name)) = (&args.write, &args.data) {
        return write(&shop, name, file);
    }
    let found = samples(&shop, args.data.as_deref(), args.limit)?;
    if args.json {
        return say(&serde_json::to_string_pretty(&found)?);
    }
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let around = if coloured { COLOURS } else { MARKS };
    for (i, stage) in found.iter().enumerate() {
        if i > 0 {
            say("")?;
        }
        say(&summary(stage))?;
        for sample in &stage.samples {
            say(&shown(sample, around))?;
        }
    }
    say(&format!("\nLoss is on what stands {}.", if coloured { "in green".into() } else { format!("between {} and {}", MARKS[0], MARKS[1]) }))
}

/// A line a record. The file is whole under its name, or not there.
fn write(shop: &Shop<'_>, name: &str, file: &Path) -> anyhow::Result<()> {
    if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty() && !f.is_dir()) {
        tongues_kernel::refuse(file.display(), "a folder that is there", folder.display(), "make the folder first")?;
    }
    let members = shop.members(name, 0)?;
    let mut lines = String::new();
    let mut languages = BTreeMap::new();
    for (member, record) in members.iter().flat_map(|(member, data)| data.records.iter().map(move |record| (member, record))) {
        let mut line = tongues_formats::fields(record);
        // Members of a mixture may number their records alike.
        if members.len() > 1 {
            line["id"] = format!("{member}/{}", record.id).into();
        }
        lines += &format!("{line}\n");
        *languages.entry(record.language.as_deref().unwrap_or("unknown").to_owned()).or_default() += 1;
    }
    tongues_io::write_atomic(file, lines.as_bytes())?;
    let records: usize = languages.values().sum();
    say(&plain(&format!("{}: {records} records of {name}; languages: {}", file.display(), counts(&languages))))
}

fn summary(found: &Sampled) -> String {
    let format = found.format.as_ref().map_or_else(String::new, |name| format!(", format {name}"));
    let mut lines = vec![
        format!("{}: data {}{format}", found.stage, found.data),
        format!("  {} records, {} rows, {} tokens, {} with loss", found.records, found.rows, found.tokens, found.loss_tokens),
        format!("  languages: {}", counts(&found.languages)),
        format!("  dropped by curators: {}", counts(&found.dropped)),
    ];
    if found.format.is_some() {
        let tokens = if found.cut.is_empty() { String::new() } else { format!("; {} tokens cut", found.tokens_cut) };
        lines.push(format!("  cut or left out by the format: {}{tokens}", counts(&found.cut)));
    }
    lines.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n")
}

fn counts(map: &BTreeMap<String, usize>) -> String {
    if map.is_empty() { "none".into() } else { map.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ") }
}

fn shown(sample: &Sample, [open, close]: [&str; 2]) -> String {
    let language = sample.language.as_ref().map_or_else(String::new, |l| format!(" ({l})"));
    let sequence = if sample.sequence == "text" { String::new() } else { format!(", {}", sample.sequence) };
    let head = plain(&format!("{}{language}{sequence}: {} tokens, {} with loss", sample.id, sample.tokens, sample.loss_tokens));
    let pieces = sample.pieces.iter().map(|p| if p.loss { format!("{open}{}{close}", plain(&p.text)) } else { plain(&p.text) });
    format!("\n{head}\n{}", pieces.collect::<String>())
}

/// Control characters of the data cannot steer the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if tongues_report::steers(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tongues_engine::Piece;

    #[test]
    fn loss_is_marked_and_controls_are_not_passed_on() {
        let piece = |text: &str, loss| Piece { text: text.into(), loss };
        let pieces = vec![piece("a\u{1b}[2J", false), piece("b\n", true)];
        let sample = Sample { id: "r\r".into(), language: Some("eus".into()), sequence: "chosen".into(), tokens: 3, loss_tokens: 1, pieces };
        assert_eq!(shown(&sample, MARKS), "\nr\u{fffd} (eus), chosen: 3 tokens, 1 with loss\na\u{fffd}[2J⟦b\n⟧");
    }
}
