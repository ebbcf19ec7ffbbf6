//! A format of a recipe at work: records as rows, prompts and stops, with a count of what was cut.

use crate::conversation::{self, ASSISTANT};
use crate::row::{Rendered, Row, start};
use crate::shots::{self, Shots};
use crate::spans::{Loss, assistant};
use crate::truncate::{Truncate, fit};
use crate::{ChatTemplate, Strings};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tongues_kernel::{Format, Formatted, Name, Record, Result, Tally, Tokenizer, Turn, refuse};

/// How a format is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the recipe calls it.
    pub name: String,
    /// What carries loss.
    pub loss: Loss,
    /// What is done with rows that are too long.
    pub truncate: Truncate,
    /// The system turn of conversations that have none.
    pub system: Option<String>,
}

/// What writes the text.
#[derive(Clone, Debug)]
pub enum Body {
    /// A chat template.
    Chat(ChatTemplate),
    /// Templates of the recipe.
    Strings(Strings),
}

/// A format.
#[derive(Debug)]
pub struct TextFormat {
    options: Options,
    body: Body,
    shots: Option<Shots>,
    tally: Mutex<Tally>,
}

impl TextFormat {
    /// A format that has cut nothing yet.
    pub fn new(body: Body, options: Options) -> Self {
        Self { options, body, shots: None, tally: Mutex::default() }
    }

    /// The same with worked examples before every prompt; none of them is learned.
    ///
    /// # Errors
    /// The format is a chat template or has no target, or a record lacks a field.
    pub fn with_shots(self, records: &[Record], choice: shots::Choice) -> Result<Self> {
        let Body::Strings(strings) = &self.body else {
            let remedy = "take `shots` out, or write a format with `prompt` and `target`";
            return refuse(format!("format `{}`", self.options.name), "a format with `prompt` and `target`, for `shots`", "a chat template", remedy);
        };
        let shots = Shots::new(strings, records, choice)?;
        Ok(Self { shots: Some(shots), ..self })
    }

    /// A text with the examples before it.
    fn shown(&self, record: &Record, rendered: Rendered) -> Result<Rendered> {
        let Some(shots) = &self.shots else { return Ok(rendered) };
        let before = shots.before(record, &rendered.text[..rendered.answer])?;
        let learned = rendered.learned.iter().map(|span| span.start + before.len()..span.end + before.len()).collect();
        Ok(Rendered { learned, answer: rendered.answer + before.len(), text: before + &rendered.text, ..rendered })
    }

    /// The texts of a record, by the name of their row, with what is learned of them.
    ///
    /// # Errors
    /// The record lacks a field, or a template refuses it.
    pub fn rendered(&self, record: &Record) -> Result<Vec<(Name, Rendered)>> {
        let mut all = match &self.body {
            Body::Strings(strings) => vec![("text".into(), strings.render(record)?)],
            Body::Chat(template) => self.conversations(template, record).map_err(|e| e.within(format!("record {}", record.id)))?,
        };
        if self.options.loss == Loss::All {
            all.iter_mut().for_each(|(_, rendered)| rendered.learned = std::iter::once(0..rendered.text.len()).collect());
        }
        all.into_iter().map(|(name, rendered)| Ok((name, self.shown(record, rendered)?))).collect()
    }

    fn conversations(&self, template: &ChatTemplate, record: &Record) -> Result<Vec<(Name, Rendered)>> {
        let render = |(name, conversation): (Name, conversation::Conversation)| {
            if self.options.loss == Loss::All {
                // Where the last answer begins matters to a cut alone, so a template that cannot tell it is no error here.
                let (text, _) = template.render(&conversation.turns, false)?;
                let answer = assistant(template, &conversation, Loss::Target).ok().and_then(|(_, spans)| Some(spans.last()?.start));
                let answer = answer.unwrap_or(text.len());
                return Ok((name, Rendered { text, learned: vec![], answer, framed: false }));
            }
            let (text, learned) = assistant(template, &conversation, self.options.loss)?;
            let answer = learned.last().map_or(text.len(), |span| span.start);
            Ok((name, Rendered { text, learned, answer, framed: false }))
        };
        conversation::all(record, self.options.system.as_deref())?.into_iter().map(render).collect()
    }

    fn counted(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Format for TextFormat {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn rows(&self, record: &Record, tokenizer: &dyn Tokenizer, max_length: usize) -> Result<BTreeMap<Name, Formatted>> {
        let (mut rows, mut rules, mut cut, mut dropped) = (BTreeMap::new(), vec![], 0, false);
        for (name, rendered) in self.rendered(record)? {
            let mut row = Row::new(&rendered, tokenizer)?;
            if rendered.learned.is_empty() {
                (dropped, cut) = (true, cut + row.tokens.len());
                rules.push("no-answer".to_owned());
                continue;
            }
            let done = fit(&mut row, max_length, self.options.truncate, &format!("record {}, format `{}`", record.id, self.options.name))?;
            (dropped, cut) = (dropped || done.dropped, cut + done.cut);
            rules.extend(done.rules);
            rows.insert(name, row.formatted());
        }
        rules.sort();
        rules.dedup();
        let mut tally = self.counted();
        tally.records += 1;
        for (i, rule) in rules.iter().enumerate() {
            tally.count(rule, if i == 0 { cut } else { 0 });
        }
        Ok(if dropped { BTreeMap::new() } else { rows })
    }

    fn prompt(&self, record: &Record, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>> {
        match &self.body {
            Body::Strings(strings) => {
                let prompt = strings.prompt(record)?;
                let before = self.shots.as_ref().map_or_else(|| Ok(String::new()), |shots| shots.before(record, &prompt))?;
                let ids = tokenizer.encode(&(before + &prompt))?;
                let begin = start(tokenizer).filter(|id| ids.first() != Some(id));
                Ok(begin.into_iter().chain(ids).collect())
            }
            Body::Chat(template) => {
                let turns = conversation::asked(record, self.options.system.as_deref())?;
                tokenizer.encode(&template.render(&turns, true)?.0)
            }
        }
    }

    /// Of a chat: the last turn, if it is the assistant's; of a preference, the chosen one's.
    fn answer(&self, record: &Record) -> Result<Option<String>> {
        match &self.body {
            Body::Strings(strings) => strings.answer(record),
            Body::Chat(_) => {
                let conversations = conversation::all(record, None)?;
                let last = conversations.first().and_then(|(_, c)| c.turns.last()).filter(|(role, _)| &**role == ASSISTANT);
                Ok(last.map(|(_, content)| content.to_string()))
            }
        }
    }

    /// What a template writes behind an answer begins with the token that ends a turn, if it is a special one.
    fn stops(&self, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>> {
        let Body::Chat(template) = &self.body else { return Ok(vec![]) };
        let turn = |role: &str, content: &str| -> Turn { (role.into(), content.into()) };
        let (text, _) = template.render(&[turn("user", "Q"), turn(ASSISTANT, "Qq")], false)?;
        let Some((_, behind)) = text.rsplit_once("Qq") else { return Ok(vec![]) };
        let first = tokenizer.encode(behind)?.into_iter().next();
        let special = |id: &u32| tokenizer.decode(&[*id]).is_ok_and(|text| text.is_empty());
        Ok(first.into_iter().filter(special).collect())
    }

    fn tally(&self) -> Tally {
        self.counted().clone()
    }
}
