//! Formats of the recipe, made for the tokenizer of the model at work.

use crate::identity::reading;
use crate::shop::Shop;
use std::path::Path;
use tongues_formats::{Body, ChatTemplate, Date, Loss, Options, Strings, TextFormat, Truncate};
use tongues_kernel::{Error, Format, Result, Tokenizer, refuse};
use tongues_recipe::ast::{Chat, FormatDef, FormatLoss, TruncateRule};

impl Shop<'_> {
    /// The format of that name; `chat` without an entry is the chat template that came with the tokenizer.
    ///
    /// # Errors
    /// There is no template, or it cannot be read.
    pub fn format(&self, name: Option<&str>, tokenizer: &dyn Tokenizer) -> Result<Option<TextFormat>> {
        let Some(name) = name else { return Ok(None) };
        let own = FormatDef::own_chat();
        let Some(definition) = self.recipe.formats.get(name).or((name == "chat").then_some(&own)) else {
            return refuse(format!("format `{name}`"), "`chat` or a name under [formats]", "none of that name", "");
        };
        let body = self.body(name, definition, tokenizer)?;
        let usual = if definition.chat.is_some() { Loss::Assistant } else { Loss::Target };
        let options = Options {
            name: name.into(),
            loss: definition.loss.map_or(usual, loss),
            truncate: truncate(definition.truncate),
            system: definition.system.clone(),
        };
        Ok(Some(TextFormat::new(body, options)))
    }

    fn body(&self, name: &str, definition: &FormatDef, tokenizer: &dyn Tokenizer) -> Result<Body> {
        let date = definition.date.as_deref().and_then(Date::parse);
        Ok(match (&definition.chat, &definition.prompt) {
            (Some(Chat::File(path)), _) => {
                let unreadable = |e| Error::input(path, "a chat template in UTF-8", e, format!("correct formats.{name}.chat"));
                let (source, input) = reading(Path::new(path), || std::fs::read_to_string(path).map_err(unreadable))?;
                self.inputs.borrow_mut().insert(path.clone(), input);
                Body::Chat(ChatTemplate::new(&source, &tokenizer.chat(), date, path)?)
            }
            (Some(Chat::Own(_)), _) => Body::Chat(ChatTemplate::of_config(&tokenizer.chat(), date, "tokenizer_config.json of the model")?),
            (None, Some(prompt)) => Body::Strings(Strings::new(prompt, definition.target.as_deref(), &format!("formats.{name}"))?),
            (None, None) => return refuse(format!("formats.{name}"), "`prompt` or `chat`", "neither", ""),
        })
    }

    /// Tells what a format cut, in the report.
    pub(crate) fn note_cut(&self, place: &str, format: &TextFormat) {
        if !format.tally().rules.is_empty() {
            self.note(format!("{place}, format {}: {}.", format.name(), format.tally().told()));
        }
    }
}

fn loss(loss: FormatLoss) -> Loss {
    match loss {
        FormatLoss::Target => Loss::Target,
        FormatLoss::All => Loss::All,
        FormatLoss::Assistant => Loss::Assistant,
    }
}

fn truncate(rule: TruncateRule) -> Truncate {
    match rule {
        TruncateRule::Refuse => Truncate::Refuse,
        TruncateRule::Drop => Truncate::Drop,
        TruncateRule::CutLeft => Truncate::CutLeft,
        TruncateRule::CutRight => Truncate::CutRight,
    }
}
