//! Jinja as transformers sets it up: trimmed blocks, loop controls, Python's methods and words; with bounds.

use crate::clock::Date;
use crate::{generation, python};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error as JinjaError, ErrorKind, Value};
use std::io::{self, Write};
use tongues_kernel::{Error, Result};

/// Instructions that one rendering may take, before what its input adds.
const FUEL: u64 = 1_000_000;
/// The same for each byte of input.
const FUEL_A_BYTE: u64 = 64;
/// Bytes that one rendering may write, before what its input adds.
const BYTES: usize = 1 << 20;
/// The same for each byte of input: a template may say a turn several times.
const BYTES_A_BYTE: usize = 8;

/// Which line ends are kept, and what an unknown name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A chat template: a last line end is dropped, an unknown name is empty.
    Chat,
    /// A template of the recipe: text stays as written, an unknown name is an error.
    Recipe,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line of the template, from 1, where it is known.
    pub line: Option<usize>,
    /// What was found there.
    pub found: String,
}

/// Whether a template can be read; nothing is rendered.
///
/// # Errors
/// What is wrong, and where.
pub fn syntax(source: &str) -> std::result::Result<(), Wrong> {
    environment(source, Dialect::Recipe, None).map(|_| ())
}

/// An environment that holds one template.
pub(crate) fn environment(source: &str, dialect: Dialect, date: Option<Date>) -> std::result::Result<Environment<'static>, Wrong> {
    let mut env = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    let syntax = syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(dialect == Dialect::Recipe).build();
    env.set_syntax(syntax.map_err(|e| wrong(&e))?);
    env.set_undefined_behavior(match dialect {
        Dialect::Chat => minijinja::UndefinedBehavior::Lenient,
        Dialect::Recipe => minijinja::UndefinedBehavior::Strict,
    });
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    env.set_formatter(python::write);
    env.add_filter("tojson", python::to_json);
    env.add_function("raise_exception", |message: String| -> std::result::Result<Value, JinjaError> {
        Err(JinjaError::new(ErrorKind::InvalidOperation, message))
    });
    // Without a date the function is not there, so that a run gives the same bytes on every day; templates have a default.
    if let Some(date) = date {
        env.add_function("strftime_now", move |format: String| date.written(&format));
    }
    env.add_function(generation::FUNCTION, generation::marked);
    env.add_template_owned("template", generation::rewritten(source)).map_err(|e| wrong(&e))?;
    Ok(env)
}

fn wrong(error: &JinjaError) -> Wrong {
    Wrong { line: error.line(), found: said(error) }
}

fn said(error: &JinjaError) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()))
}

/// Renders the template of an environment; `size` is how many bytes the context holds.
pub(crate) fn render(env: &Environment<'static>, context: Value, size: usize, at: &str) -> Result<String> {
    let mut env = env.clone();
    env.set_fuel(Some(FUEL + FUEL_A_BYTE * size as u64));
    let mut out = Bounded { bytes: vec![], most: BYTES + BYTES_A_BYTE * size };
    let template = env.get_template("template").map_err(|e| Error::input(at, "a template", said(&e), ""))?;
    match template.render_captured_to(context, &mut out) {
        Ok(_) => String::from_utf8(out.bytes).map_err(|e| Error::run(at, e)),
        Err(error) => Err(refusal(&error, at, out.most)),
    }
}

fn refusal(error: &JinjaError, at: &str, most: usize) -> Error {
    let line = error.line().map_or_else(String::new, |line| format!(", line {line}"));
    let at = format!("{at}{line}");
    match error.kind() {
        ErrorKind::OutOfFuel => {
            Error::input(at, "a template that comes to an end", "one that goes on and on", "look for a loop that never ends, or that multiplies its text")
        }
        ErrorKind::WriteFailure => Error::input(at, format!("at most {most} bytes of text"), "more", "look for a loop that writes too much"),
        ErrorKind::InvalidOperation if error.detail().is_some() => {
            let remedy = "change the conversation (or its system turn), or the template";
            Error::input(at, "a record that the template takes", error.detail().unwrap_or_default(), remedy)
        }
        _ => Error::input(at, "a template that can be rendered", said(error), "correct the template, or name the fields of the record"),
    }
}

/// Takes bytes up to a number.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(io::Error::other("too much text"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
