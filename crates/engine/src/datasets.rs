//! Data sets: read, curated, split.

use crate::identity::reading;
use crate::shop::{Shared, Shop};
use crate::surroundings::Surroundings;
use serde_json::Value as Json;
use std::path::Path;
use std::rc::Rc;
use tongues_io::{By, Format, Layout, TextFile, split};
use tongues_kernel::{Built, Error, InMemory, Kind, Record, Records, Result, Sink, build, refuse};
use tongues_recipe::ast::{self, DataDef, FileFormat, Split, SplitBy};

impl Shop<'_> {
    /// The records of `name`, or of the part `name.train`, `name.dev`, `name.test`.
    ///
    /// # Errors
    /// The data cannot be read, a curator refuses it, or a part would be empty.
    pub fn records(&self, name: &str) -> Result<Rc<InMemory>> {
        if let Some(found) = self.data.borrow().get(name) {
            return Ok(found.clone());
        }
        let whole = name.rsplit_once('.').map_or(name, |(whole, _)| whole);
        let whole = if self.recipe.data.contains_key(name) { name } else { whole };
        self.making(format!("data {whole}"), || self.make_data(whole))?;
        let made = self.data.borrow().get(name).cloned();
        made.ok_or_else(|| {
            Error::input(
                format!("data `{name}`"),
                "a data set or a part of one",
                "none of that name",
                "write `name.train`, `name.dev` or `name.test` of a data set with a `split`",
            )
        })
    }

    fn make_data(&self, name: &str) -> Result<()> {
        let Some(definition) = self.recipe.data.get(name) else { return Ok(()) };
        let records = if definition.mix.is_some() { self.joined(name)? } else { self.curated_data(name, definition, 0)? };
        match &definition.split {
            Some(how) => self.put_parts(name, records, how),
            None => {
                self.put_data(name.into(), records);
                Ok(())
            }
        }
    }

    /// The records of a pass, read and curated.
    pub(crate) fn curated_data(&self, name: &str, definition: &DataDef, epoch: u64) -> Result<Vec<Record>> {
        let mut records = self.read(name, definition)?;
        for curator in &definition.curate {
            records = self.curated(name, records, &curator.plugin, Json::Object(curator.options.clone()), epoch)?;
        }
        if records.is_empty() {
            return refuse(format!("data `{name}`"), "at least one record", "none after curation", "loosen the curators");
        }
        Ok(records)
    }

    fn put_data(&self, name: String, records: Vec<Record>) {
        self.data.borrow_mut().insert(name.clone(), Rc::new(InMemory { name, records }));
    }

    fn read(&self, name: &str, definition: &DataDef) -> Result<Vec<Record>> {
        match (&definition.path, &definition.world) {
            (Some(_), _) => self.read_files(name, definition),
            (_, Some(world)) => self.read_world(world, definition.language.as_deref()),
            _ => refuse(format!("data `{name}`"), "`path`, `world` or `mix`", "none of them", ""),
        }
    }

    /// One file, or one for each of its languages: the records of all, under the languages' names.
    fn read_files(&self, name: &str, definition: &DataDef) -> Result<Vec<Record>> {
        let mut all = vec![];
        for (language, path) in definition.files() {
            let Some(tag) = language else { return self.read_file(name, definition, Path::new(&path)) };
            let one = DataDef { language: Some(tag.into()), ..definition.clone() };
            // Files of one kind often number their records alike.
            let named = |record: Record| Record { id: format!("{tag}/{}", record.id).into(), ..record };
            all.extend(self.read_file(name, &one, Path::new(&path))?.into_iter().map(named));
        }
        Ok(all)
    }

    fn read_file(&self, name: &str, definition: &DataDef, path: &Path) -> Result<Vec<Record>> {
        let format = match definition.format {
            Some(format) => file_format(format),
            None => Format::of(path)?,
        };
        let (columns, language) = (definition.columns.clone(), definition.language.clone());
        let layout = layout(definition.layout);
        let file = TextFile { name: name.into(), path: path.into(), format, columns, layout, language, limit: definition.limit };
        let (records, input) = reading(path, || file.open()?.collect::<Result<Vec<_>>>())?;
        self.inputs.borrow_mut().insert(path.display().to_string(), input);
        Ok(records)
    }

    fn curated(&self, name: &str, records: Vec<Record>, plugin: &str, options: Json, epoch: u64) -> Result<Vec<Record>> {
        let before = records.len();
        let input = Shared(Rc::new(InMemory { name: name.into(), records }));
        let mut cx = Surroundings::new(self, &format!("curate {name} {plugin}")).in_pass(epoch);
        let Built::Curator(curator) = build(Kind::Curator, plugin, options, &mut cx)? else {
            return Err(Error::run(plugin, "a curator plugin built something else"));
        };
        let mut sink = Sink::default();
        curator.curate(&input, &mut sink, &mut cx)?;
        if epoch > 0 {
            return Ok(sink.kept);
        }
        self.dropped.borrow_mut().entry(name.into()).or_default().extend(sink.dropped.iter().map(|(rule, n)| (format!("{plugin}: {rule}"), *n)));
        let dropped: Vec<String> = sink.dropped.iter().map(|(rule, n)| format!("{n} by {rule}")).collect();
        let dropped = if dropped.is_empty() { "none dropped".into() } else { format!("dropped {}", dropped.join(", ")) };
        self.note(format!("Data {name}: {plugin} kept {} of {before} records ({dropped}).", sink.kept.len()));
        Ok(sink.kept)
    }

    fn put_parts(&self, name: &str, records: Vec<Record>, how: &Split) -> Result<()> {
        let by = match how.by {
            SplitBy::Auto => By::Auto,
            SplitBy::Chapter => By::Chapter,
            SplitBy::Block => By::Block(how.block),
            SplitBy::Record => By::Record,
        };
        let parts = split(&InMemory { name: name.into(), records }, by, how.dev, how.test, self.recipe.seed)?;
        let by = match parts.by {
            By::Block(lines) => format!("block of {lines} lines"),
            By::Chapter => "chapter".into(),
            _ => "record".into(),
        };
        let [train, dev, test] = [&parts.train, &parts.dev, &parts.test].map(|p| p.records.len());
        let dropped = parts.dropped_overlap;
        self.note(format!("Data {name}: split by {by} into {train} train, {dev} dev, {test} test records; {dropped} records of dev and test left out because their text occurs in an earlier part."));
        for (part, set) in [("train", parts.train), ("dev", parts.dev), ("test", parts.test)] {
            if !set.records.is_empty() {
                self.put_data(format!("{name}.{part}"), set.records);
            }
        }
        Ok(())
    }
}

fn file_format(format: FileFormat) -> Format {
    match format {
        FileFormat::Tsv => Format::Tsv,
        FileFormat::Txt => Format::Txt,
        FileFormat::Csv => Format::Csv,
        FileFormat::Jsonl => Format::Jsonl,
        FileFormat::Parquet => Format::Parquet,
        FileFormat::Conll => Format::Conll,
    }
}

fn layout(layout: ast::Layout) -> Layout {
    match layout {
        ast::Layout::Auto => Layout::Auto,
        ast::Layout::Text => Layout::Plain,
        ast::Layout::Messages => Layout::Messages,
        ast::Layout::Sharegpt => Layout::ShareGpt,
        ast::Layout::Alpaca => Layout::Alpaca,
        ast::Layout::PromptCompletion => Layout::PromptCompletion,
        ast::Layout::Preference => Layout::Preference,
    }
}

/// At most `limit` records, evenly spread.
pub fn spread(records: &InMemory, limit: Option<usize>) -> InMemory {
    let n = records.records.len();
    let keep = limit.unwrap_or(n).min(n);
    let chosen = (0..keep).map(|i| records.records[i * n / keep].clone()).collect();
    InMemory { name: records.name.clone(), records: chosen }
}

/// Texts of a data set; of conversations, what is said in them.
pub fn texts(records: &InMemory) -> Result<Vec<String>> {
    records.records.iter().map(|r| r.said("text").map(String::from)).collect()
}
