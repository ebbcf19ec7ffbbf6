//! What comes out of a data file: records with typed fields.

use crate::{Error, Result, refuse};
use std::{borrow::Cow, collections::BTreeMap, ops::Range, sync::Arc};

/// A short shared string: names, languages, ids.
pub type Name = Arc<str>;

/// One turn of a conversation: (role, content).
pub type Turn = (Name, Arc<str>);

/// One field of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unicode text.
    Text(Arc<str>),
    /// Turns of a conversation.
    Turns(Vec<Turn>),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// Several values.
    List(Vec<Value>),
    /// Labelled byte ranges of a text, checked to lie on character borders.
    Spans(Vec<(Range<usize>, Name)>),
    /// A nested record.
    Record(Box<Record>),
}

/// One line of a corpus, one pair, one question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Stable name of the record, unique in its data set.
    pub id: Name,
    /// Language tag such as `eus_Latn`, where known.
    pub language: Option<Name>,
    /// What must stay together in a split (a chapter, a document).
    pub group: Option<Name>,
    /// Free labels, counted by curators and reports.
    pub tags: Vec<Name>,
    /// The content; plain text lies under `text`.
    pub fields: BTreeMap<Name, Value>,
}

impl Record {
    /// A record with one `text` field.
    pub fn of_text(id: impl Into<Name>, text: impl Into<Arc<str>>) -> Self {
        let fields = BTreeMap::from([(Name::from("text"), Value::Text(text.into()))]);
        Self { id: id.into(), fields, ..Self::default() }
    }

    /// The text under `field`.
    ///
    /// # Errors
    /// The field is absent or no text.
    pub fn text(&self, field: &str) -> Result<&str> {
        match self.fields.get(field) {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Turns(_)) => {
                refuse(self.place(field), "text", "turns of a conversation", "write `format = \"chat\"`, or the name of a [formats] entry")
            }
            None if self.has_turns() => {
                let remedy = "write `format = \"chat\"`, or the name of a [formats] entry";
                refuse(self.place(field), "a text", "turns of a conversation", remedy)
            }
            Some(_) => refuse(self.place(field), "text", "another kind of value", "name a text field"),
            None => Err(self.missing(field)),
        }
    }

    /// The texts under `field`: a text, or a list of texts.
    ///
    /// # Errors
    /// The field is absent, or holds something else.
    pub fn texts(&self, field: &str) -> Result<Vec<&str>> {
        let Some(Value::List(values)) = self.fields.get(field) else { return Ok(vec![self.text(field)?]) };
        let mut texts = vec![];
        for value in values {
            let Value::Text(text) = value else {
                return refuse(self.place(field), "a text, or a list of texts", "a list with something else in it", "write its entries as texts");
            };
            texts.push(&**text);
        }
        Ok(texts)
    }

    /// Some field holds turns of a conversation.
    pub fn has_turns(&self) -> bool {
        self.fields.values().any(|v| matches!(v, Value::Turns(_)))
    }

    /// The text under `field`; where it holds turns, or where the record has turns in place of it, what is said in them, a
    /// turn a line. For what looks at words alone: vocabularies, duplicates.
    ///
    /// # Errors
    /// The field is absent or no text, and there are no turns.
    pub fn said(&self, field: &str) -> Result<Cow<'_, str>> {
        let said = |turns: &[Turn]| turns.iter().map(|(_, content)| &**content).collect::<Vec<&str>>().join("\n");
        match self.fields.get(field) {
            Some(Value::Turns(turns)) => Ok(said(turns).into()),
            None if self.has_turns() => {
                let all = self.fields.values().filter_map(|value| if let Value::Turns(turns) = value { Some(said(turns)) } else { None });
                Ok(all.collect::<Vec<String>>().join("\n").into())
            }
            _ => self.text(field).map(Cow::Borrowed),
        }
    }

    fn missing(&self, field: &str) -> Error {
        let have: Vec<&str> = self.fields.keys().map(|k| &**k).collect();
        let remedy = "name the text column `text`, or list the columns in the data's `columns`";
        Error::input(self.place(field), "this field", format!("only {}", have.join(", ")), remedy)
    }

    /// Where a field lies, for messages.
    pub fn place(&self, field: &str) -> String {
        format!("record {}, field `{field}`", self.id)
    }
}

/// A data set that can be read again and again, in the same order.
pub trait Records {
    /// What the recipe calls it.
    fn name(&self) -> &str;
    /// Reads from the start.
    ///
    /// # Errors
    /// The source cannot be opened.
    fn open(&self) -> Result<Box<dyn Iterator<Item = Result<Record>> + '_>>;
    /// How many records, where known without reading.
    fn count(&self) -> Option<usize> {
        None
    }
}

/// Records held in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    /// What the recipe calls it.
    pub name: String,
    /// The records.
    pub records: Vec<Record>,
}

impl Records for InMemory {
    fn name(&self) -> &str {
        &self.name
    }
    fn open(&self) -> Result<Box<dyn Iterator<Item = Result<Record>> + '_>> {
        Ok(Box::new(self.records.iter().cloned().map(Ok)))
    }
    fn count(&self) -> Option<usize> {
        Some(self.records.len())
    }
}
