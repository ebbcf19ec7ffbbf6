//! Data of the synthetic world: sentences, or items of a task with gold answers.

use crate::shop::Shop;
use crate::variant;
use tongues_kernel::{Error, Name, Record, Result, Value, refuse};
use tongues_recipe::ast::{WorldData, WorldKnobs, WorldSplit, WorldTask};
use tongues_world::{Gold, Item, Split, Task, TaskConfig, World, WorldConfig, WorldError, bio, looked_up};

impl Shop<'_> {
    /// Records of a world; `language` names them in the place of the world's own name.
    pub(crate) fn read_world(&self, data: &WorldData, language: Option<&str>) -> Result<Vec<Record>> {
        let place = format!("world language {}", data.language);
        let wrong = |e: WorldError| Error::input(&place, "a world that can be made", e, "ask for fewer sentences, or correct the number");
        let config = variant::language(&data.language, data.variant.as_ref())?;
        let world = World::new(WorldConfig { seed: data.seed.unwrap_or(self.recipe.seed), ..WorldConfig::default() }).map_err(wrong)?;
        let part = match data.split {
            WorldSplit::Train => Split::Train,
            WorldSplit::Dev => Split::Dev,
            WorldSplit::Test => Split::Test,
        };
        let language = Name::from(language.unwrap_or(&config.name));
        let Some(asked) = data.task else {
            if data.knobs != WorldKnobs::default() || data.gloss {
                return refuse(&place, "`knobs` and `gloss` beside a `task`", "no task", "name the task, or take them out");
            }
            let sentences = world.sentences(&config, part, data.sentences).map_err(wrong)?;
            return Ok(sentences.into_iter().map(|s| Record { language: Some(language.clone()), ..Record::of_text(s.id, s.text) }).collect());
        };
        let items = world.items(&difficulty(asked, &data.knobs)?, &config, part, data.sentences).map_err(wrong)?;
        Ok(items.into_iter().map(|item| record(item, &language, data.gloss)).collect())
    }
}

fn difficulty(asked: WorldTask, knobs: &WorldKnobs) -> Result<TaskConfig> {
    let mut config = TaskConfig::new(match asked {
        WorldTask::Lm => Task::LanguageModel,
        WorldTask::Translation => Task::Translation,
        WorldTask::Qa => Task::FactQa,
        WorldTask::Arithmetic => Task::Arithmetic,
        WorldTask::Nli => Task::Nli,
        WorldTask::Slots => Task::Slots,
        WorldTask::Intent => Task::Intent,
        WorldTask::Retrieval => Task::Retrieval,
        WorldTask::Instruction => Task::Instruction,
        WorldTask::Preference => Task::Preference,
    });
    let numbers = [
        (&mut config.entities, knobs.entities),
        (&mut config.steps, knobs.steps),
        (&mut config.largest, knobs.largest),
        (&mut config.clauses, knobs.clauses),
        (&mut config.negatives, knobs.negatives),
        (&mut config.facts, knobs.facts),
        (&mut config.alike, knobs.alike),
        (&mut config.denials, knobs.denials),
        (&mut config.borrowed_permille, knobs.borrowed_permille),
    ];
    numbers.into_iter().for_each(|(slot, asked)| *slot = asked.unwrap_or(*slot));
    for (slot, asked) in [(&mut config.stated, knobs.stated), (&mut config.stated_held_out, knobs.stated_held_out)] {
        if let Some([from, to]) = asked {
            *slot = from..to;
        }
    }
    if let Some(source) = &knobs.source {
        config.source = variant::named(source)?;
    }
    Ok(config)
}

/// A text under its name; the wrong candidates become one list.
fn insert(record: &mut Record, name: &str, behind: &str, text: &str) {
    let text = Value::Text(text.into());
    if name != "negative" {
        record.fields.insert(format!("{name}{behind}").as_str().into(), text);
        return;
    }
    let all = record.fields.entry(format!("negatives{behind}").as_str().into()).or_insert_with(|| Value::List(vec![]));
    if let Value::List(all) = all {
        all.push(text);
    }
}

/// A record with the item's texts.
fn record(item: Item, language: &Name, glossed: bool) -> Record {
    let mut record = Record { id: item.id.as_str().into(), language: Some(language.clone()), ..Record::default() };
    let text = |t: &str| Value::Text(t.into());
    for field in &item.fields {
        insert(&mut record, field.name, "", &field.text.text);
        if glossed {
            insert(&mut record, field.name, "_gloss", &looked_up(&field.text));
        }
    }
    match &item.gold {
        Gold::Label(label) => drop(record.fields.insert("label".into(), text(label))),
        Gold::Spans(spans) => {
            if let Some(first) = item.fields.first() {
                let words = (0..first.text.tokens.len()).map(|i| text(first.text.word(i))).collect();
                let tags = bio(&first.text.tokens, spans).iter().map(|tag| text(tag)).collect();
                record.fields.extend([("tokens".into(), Value::List(words)), ("tags".into(), Value::List(tags))]);
            }
            record.fields.insert("spans".into(), Value::Spans(spans.iter().map(|s| (s.bytes.clone(), Name::from(s.label))).collect()));
        }
        Gold::Number(number) => drop(record.fields.insert("number".into(), Value::Number(f64::from(*number)))),
        Gold::Field(_) => {}
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_reaches_the_world() {
        let numbers = [11, 12, 13, 14, 15, 16, 17, 18, 19].map(Some);
        let [entities, steps, largest, clauses, negatives, facts, alike, denials, borrowed_permille] = numbers;
        let (stated, stated_held_out, source) = (Some([1, 2]), Some([3, 4]), Some("remote".to_owned()));
        // Without `..`, so that a new knob has to be written here.
        let knobs = WorldKnobs { entities, steps, largest, clauses, negatives, facts, alike, denials, borrowed_permille, stated, stated_held_out, source };
        let found = difficulty(WorldTask::Qa, &knobs).unwrap();
        let numbers = [found.entities, found.steps, found.largest, found.clauses, found.negatives];
        assert_eq!(numbers, [11, 12, 13, 14, 15]);
        assert_eq!([found.facts, found.alike, found.denials, found.borrowed_permille], [16, 17, 18, 19]);
        assert_eq!((found.stated, found.stated_held_out), (1..2, 3..4));
        assert_eq!(found.source.name, "remote");
        assert_eq!(difficulty(WorldTask::Qa, &WorldKnobs::default()).unwrap(), TaskConfig::new(Task::FactQa));
    }
}
