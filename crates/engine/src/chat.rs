//! A conversation with a model, one turn after the other, told while it is written.

use crate::shop::Shop;
use crate::stage::{Asked, Writing, plain};
use crate::surroundings::Surroundings;
use std::sync::Arc;
use tongues_formats::TextFormat;
use tongues_kernel::{Error, Format, Limits, Model, Record, Result, Tokenizer, Turn, Value, refuse};

/// A conversation under way.
pub struct Chat<'c, 'r> {
    shop: &'c Shop<'r>,
    model: Model,
    tokenizer: Arc<dyn Tokenizer>,
    /// The checkpoint's chat template; without one, turns are lines of one text.
    format: Option<TextFormat>,
    system: Option<String>,
    turns: Vec<Turn>,
    how: Writing<'c>,
    /// Answers so far, also of conversations that were dropped: draws depend on it.
    answers: u64,
}

/// Gets the text of an answer in pieces, as they are written.
pub type Hear<'h> = &'h mut dyn FnMut(&str) -> Result<()>;

impl<'c, 'r> Chat<'c, 'r> {
    /// Nothing said yet.
    ///
    /// # Errors
    /// The chat template cannot be read, or a system turn is given where there is none.
    pub fn open(shop: &'c Shop<'r>, model: Model, system: Option<String>, how: Writing<'c>) -> Result<Self> {
        let tokenizer = model.tokenizer()?.clone();
        let has_template = tokenizer.chat().contains_key("chat_template");
        if system.is_some() && !has_template {
            return refuse("--system", "a checkpoint with a chat template", "none", "put the instruction into the first line you write");
        }
        let format = shop.format(has_template.then_some("chat"), tokenizer.as_ref())?;
        how.limits(tokenizer.as_ref(), format.as_ref())?;
        how.check(shop)?;
        Ok(Self { shop, model, tokenizer, format, system, turns: vec![], how, answers: 0 })
    }

    /// Turns go through the checkpoint's chat template.
    pub fn has_template(&self) -> bool {
        self.format.is_some()
    }

    /// Forgets what was said.
    pub fn reset(&mut self) {
        self.turns.clear();
    }

    /// Answers a turn; the answer is told in pieces and remembered with the turn. Where that fails, neither is.
    ///
    /// # Errors
    /// The conversation is too long for the model, the template refuses it, or nobody hears it.
    pub fn say(&mut self, text: &str, hear: Hear<'_>) -> Result<()> {
        self.turns.push(("user".into(), text.into()));
        match self.answer(hear) {
            Ok(answer) => {
                self.turns.push(("assistant".into(), answer.into()));
                Ok(())
            }
            Err(error) => {
                self.turns.pop();
                Err(error)
            }
        }
    }

    fn answer(&mut self, hear: Hear<'_>) -> Result<String> {
        let limits = self.how.limits(self.tokenizer.as_ref(), self.format.as_ref())?;
        let asked = Asked { id: self.answers, ids: self.prompt()?, ..Asked::default() };
        let mut voice = Voice { tokenizer: self.tokenizer.clone(), limits: limits.clone(), request: asked.id, told: String::new(), hear };
        let mut cx = Surroundings::new(self.shop, "generate").about(self.model.clone()).heard_by(&mut voice);
        let written = self.how.decoded(&mut cx, &[asked], &limits)?;
        self.answers += 1;
        let ids = written.first().map(|generation| generation.ids.clone()).unwrap_or_default();
        let text = limits.cut(&self.tokenizer.decode(&ids)?).to_owned();
        voice.end(&text)?;
        Ok(text)
    }

    /// The conversation up to where the model shall go on.
    fn prompt(&self) -> Result<Vec<u32>> {
        let Some(format) = &self.format else {
            let lines: Vec<&str> =
                self.turns.chunks(2).flat_map(|pair| pair.iter().map(|(_, text)| &**text).chain((pair.len() == 2).then_some("\n"))).collect();
            return plain(&lines.concat(), self.tokenizer.as_ref());
        };
        let system = self.system.iter().map(|system| -> Turn { ("system".into(), system.as_str().into()) });
        let turns = system.chain(self.turns.iter().cloned()).collect();
        let fields = [("messages".into(), Value::Turns(turns))];
        format.prompt(&Record { id: "chat".into(), fields: fields.into(), ..Record::default() }, self.tokenizer.as_ref())
    }
}

/// Who hears what a decoder writes.
pub trait Listener {
    /// All tokens of a request so far.
    ///
    /// # Errors
    /// Nobody wants to hear more.
    fn hear(&mut self, request: u64, ids: &[u32]) -> Result<()>;
}

/// Tells the text of one request as far as it is certain.
struct Voice<'h> {
    tokenizer: Arc<dyn Tokenizer>,
    limits: Limits,
    request: u64,
    told: String,
    hear: Hear<'h>,
}

impl Voice<'_> {
    fn tell(&mut self, text: &str) -> Result<()> {
        if let Some(new) = text.strip_prefix(self.told.as_str()).filter(|new| !new.is_empty()) {
            (self.hear)(new)?;
            self.told.push_str(new);
        }
        Ok(())
    }

    /// Tells what is left of the whole text.
    fn end(&mut self, text: &str) -> Result<()> {
        if !text.starts_with(self.told.as_str()) {
            return Err(Error::run("chat", "the tokenizer gave another text for the same tokens than while they were written"));
        }
        self.tell(text)
    }
}

impl Listener for Voice<'_> {
    fn hear(&mut self, request: u64, ids: &[u32]) -> Result<()> {
        if request != self.request {
            return Ok(());
        }
        let text = self.tokenizer.decode(ids)?;
        let certain = certain(self.limits.cut(&text), &self.limits.strings).len();
        self.tell(&text[..certain])
    }
}

/// The text without what may still change: a character of which bytes are missing, and the beginning of a stop string.
fn certain<'t>(text: &'t str, stops: &[String]) -> &'t str {
    let text = text.trim_end_matches('\u{fffd}');
    let begins = |stop: &String| stop.char_indices().skip(1).map(|(n, _)| n).filter(|n| text.ends_with(&stop[..*n])).max();
    &text[..text.len() - stops.iter().filter_map(begins).max().unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::certain;

    #[test]
    fn what_may_still_change_is_not_told() {
        let stops = ["\n\nUser:".to_owned(), "END".to_owned()];
        for (text, told) in
            [("so", "so"), ("so\u{fffd}\u{fffd}", "so"), ("so\n", "so"), ("so\n\nUs", "so"), ("so EN", "so "), ("so ENd", "so ENd"), ("é\n\n", "é")]
        {
            assert_eq!(certain(text, &stops), told);
        }
        assert_eq!(certain("so\n", &[]), "so\n");
    }
}
