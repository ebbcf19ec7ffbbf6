//! A page that shows the world: five languages side by side.

use crate::atom::{Aspect, align};
use crate::error::WorldError;
use crate::language::LanguageConfig;
use crate::split::Split;
use crate::tasks::{Gold, Item, Task, TaskConfig, bio};
use crate::utterance::Text;
use crate::world::World;

/// What the sentences shown have: one has the first of these, and so on.
const SHOWN: [Aspect; 4] = [Aspect::Plural, Aspect::Negation, Aspect::Relative, Aspect::Question];
/// Sentences among which they are looked for.
const SENTENCES: usize = 200;

/// Markdown with the ready-made languages of a world: features and distances, some
/// sentences with glosses and alignments, and an item of every task.
///
/// # Errors
/// [`WorldError::TooMany`] and `TooManyItems` where the world is too small for it.
pub fn sample_page(world: &World) -> Result<String, WorldError> {
    let mut page = String::from(INTRODUCTION);
    features(&mut page);
    distances(&mut page, world);
    sentences(&mut page, world)?;
    page.push_str(TASKS);
    for task in Task::ALL {
        items(&mut page, world, task)?;
    }
    Ok(page)
}

const INTRODUCTION: &str = "# The world

`crates/world` makes languages from a seed, and tasks in them with known answers. This page shows the five ready-made
languages side by side. It is printed by `cargo run --release -p tongues-world --example sample > docs/world.md`; a test
compares the two.

## Languages

";

const TASKS: &str = "
## Tasks

The first item of train in the pivot and of the same index in the other languages. Of retrieval and documents the first
texts are shown.
";

fn features(page: &mut String) {
    let languages = LanguageConfig::ready_made();
    row(page, std::iter::once("feature").chain(languages.iter().map(|language| language.name.as_str())));
    row(page, [""; 6].map(|_| "---"));
    let columns = languages.each_ref().map(LanguageConfig::features);
    for (index, feature) in columns[0].iter().enumerate() {
        row(page, std::iter::once(feature.name).chain(columns.iter().map(|column| column[index].value)));
    }
}

fn distances(page: &mut String, world: &World) {
    let languages = LanguageConfig::ready_made();
    page.push_str("\nDistances in permille: features that differ / words that differ.\n\n");
    row(page, std::iter::once("").chain(languages.iter().map(|language| language.name.as_str())));
    row(page, [""; 6].map(|_| "---"));
    for left in &languages {
        let cells = languages.each_ref().map(|right| {
            let distance = world.distance(left, right);
            format!("{} / {}", distance.typological, distance.lexical)
        });
        row(page, std::iter::once(left.name.as_str()).chain(cells.iter().map(String::as_str)));
    }
}

fn sentences(page: &mut String, world: &World) -> Result<(), WorldError> {
    page.push_str("\n## Sentences\n\nUnder each text its gloss, and the words of the pivot (from 0) that each word is aligned with.\n");
    let texts = LanguageConfig::ready_made().map(|language| world.glossed(&language, Split::Train, SENTENCES).map(|all| (language, all)));
    let texts = texts.into_iter().collect::<Result<Vec<_>, _>>()?;
    let has = |text: &Text, aspect| text.tokens.iter().any(|token| token.atoms.iter().any(|atom| atom.aspect == aspect));
    for index in SHOWN.iter().filter_map(|aspect| texts[0].1.iter().position(|(_, text)| has(text, *aspect))) {
        let (first, pivot) = &texts[0].1[index];
        page.push_str(&format!("\n### {}\n\n", first.id));
        for (language, all) in &texts {
            let text = &all[index].1;
            page.push_str(&format!("- **{}** {}\n", language.name, text.text));
            page.push_str(&format!("  - `{}`\n", glosses(text)));
            if language.name != texts[0].0.name {
                page.push_str(&format!("  - `{}`\n", alignment(text, pivot)));
            }
        }
    }
    Ok(())
}

fn glosses(text: &Text) -> String {
    text.tokens.iter().map(|token| token.gloss.as_str()).collect::<Vec<_>>().join(" ")
}

fn alignment(text: &Text, pivot: &Text) -> String {
    let pairs = align(&text.tokens, &pivot.tokens);
    let cells = (0..text.tokens.len()).map(|index| {
        let with: Vec<_> = pairs.iter().filter(|(here, _)| *here == index).map(|(_, there)| there.to_string()).collect();
        if with.is_empty() { "-".to_owned() } else { with.join("+") }
    });
    cells.collect::<Vec<_>>().join(" ")
}

fn items(page: &mut String, world: &World, task: Task) -> Result<(), WorldError> {
    page.push_str(&format!("\n### {}\n\n", task.name()));
    for language in LanguageConfig::ready_made() {
        for item in world.items(&TaskConfig::new(task), &language, Split::Train, 1)? {
            page.push_str(&format!("- **{}**\n", language.name));
            for field in item.fields.iter().take(3) {
                page.push_str(&format!("  - {}: {}\n", field.name, field.text.text));
            }
            page.push_str(&gold(&item));
        }
    }
    Ok(())
}

fn gold(item: &Item) -> String {
    match &item.gold {
        Gold::Field(_) => String::new(),
        Gold::Label(label) => format!("  - gold: `{label}`\n"),
        Gold::Number(value) => format!("  - gold: `{value}`\n"),
        Gold::Spans(spans) => format!("  - gold: `{}`\n", bio(&item.fields[0].text.tokens, spans).join(" ")),
    }
}

fn row<'a>(page: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    let cells: Vec<_> = cells.into_iter().collect();
    page.push_str(&format!("| {} |\n", cells.join(" | ")));
}
