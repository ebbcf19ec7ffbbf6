//! The conversation in a record: turns, or a prompt with its answers.

use tongues_kernel::{Name, Record, Result, Turn, Value, refuse};

/// The role whose turns are learned.
pub(crate) const ASSISTANT: &str = "assistant";

/// Turns, and where those begin that may be learned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conversation {
    pub(crate) turns: Vec<Turn>,
    /// Turns before this one are seen only: they are the prompt of a record that says what its answer is.
    pub(crate) learn_from: usize,
}

/// The conversations of a record by name: `text`, or `chosen` and `rejected` of a preference.
pub(crate) fn all(record: &Record, system: Option<&str>) -> Result<Vec<(Name, Conversation)>> {
    let prompt = start(record)?;
    if record.fields.contains_key("chosen") && record.fields.contains_key("rejected") {
        let answer = |name: &str| Ok((Name::from(name), answered(prompt.clone(), turns(record, name, ASSISTANT)?, system)));
        return Ok(vec![answer("chosen")?, answer("rejected")?]);
    }
    let conversation = match record.fields.get("messages") {
        Some(_) => Conversation { turns: with_system(turns(record, "messages", "user")?, system), learn_from: 0 },
        None if record.fields.contains_key("completion") => answered(prompt, turns(record, "completion", ASSISTANT)?, system),
        None if !prompt.is_empty() => answered(prompt, vec![], system),
        None => {
            return refuse(
                place(record),
                "`messages`, or `prompt` and `completion`",
                fields(record),
                "name the data's `layout`, or write `prompt` and `target` in the format",
            );
        }
    };
    Ok(vec![("text".into(), conversation)])
}

/// What is asked: the conversation without the answer at its end.
pub(crate) fn asked(record: &Record, system: Option<&str>) -> Result<Vec<Turn>> {
    let mut turns = match record.fields.get("messages") {
        Some(_) => turns(record, "messages", "user")?,
        None => start(record)?,
    };
    if turns.last().is_some_and(|(role, _)| &**role == ASSISTANT) {
        turns.pop();
    }
    if turns.is_empty() {
        return refuse(place(record), "something to answer", fields(record), "give it a `prompt`, or turns that end with the user's");
    }
    Ok(with_system(turns, system))
}

/// The turns under `prompt`, where the record has it.
fn start(record: &Record) -> Result<Vec<Turn>> {
    if record.fields.contains_key("prompt") { turns(record, "prompt", "user") } else { Ok(vec![]) }
}

fn answered(prompt: Vec<Turn>, answer: Vec<Turn>, system: Option<&str>) -> Conversation {
    if prompt.is_empty() {
        return Conversation { turns: with_system(answer, system), learn_from: 0 };
    }
    let mut turns = with_system(prompt, system);
    let learn_from = turns.len();
    turns.extend(answer);
    Conversation { turns, learn_from }
}

/// Turns as they are; a text is one turn.
fn turns(record: &Record, field: &str, role: &str) -> Result<Vec<Turn>> {
    match record.fields.get(field) {
        Some(Value::Turns(turns)) => Ok(turns.clone()),
        Some(Value::Text(text)) => Ok(vec![(role.into(), text.clone())]),
        _ => refuse(format!("{}, field `{field}`", place(record)), "turns or a text", "neither", "see the layouts of instruction data"),
    }
}

/// The system turn of the format goes before conversations that have none.
fn with_system(mut turns: Vec<Turn>, system: Option<&str>) -> Vec<Turn> {
    if let Some(system) = system
        && turns.first().is_none_or(|(role, _)| &**role != "system")
    {
        turns.insert(0, ("system".into(), system.into()));
    }
    turns
}

fn place(record: &Record) -> String {
    format!("record {}", record.id)
}

fn fields(record: &Record) -> String {
    let names: Vec<&str> = record.fields.keys().map(|k| &**k).collect();
    if names.is_empty() { "no field".into() } else { format!("only {}", names.join(", ")) }
}
