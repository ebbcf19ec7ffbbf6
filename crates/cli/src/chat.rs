//! `tongues chat`: lines of standard input are turns, answers are written while they are made.

use crate::args::ChatArgs;
use crate::decoding;
use std::io::{BufRead, IsTerminal, Write};
use tongues_engine::Chat;
use tongues_kernel::{Error, Result, refuse};
use tongues_report::harmless;

const HELP: &str = "/reset forgets what was said, /quit ends.";

/// Talks until standard input ends. Answers go to standard output, everything else to standard error.
pub fn run(args: &ChatArgs) -> anyhow::Result<()> {
    let decode = args.how.decoder()?;
    let loaded = decoding::recipe(&args.model, &args.adapter, args.how.seed)?;
    let shop = decoding::shop(&loaded, &args.device)?;
    let how = args.how.writing(&decode);
    how.check(&shop)?;
    let mut chat = Chat::open(&shop, shop.model("model")?, args.system.clone(), how)?;
    if !chat.has_template() {
        eprintln!("The checkpoint has no chat template: what you write is continued as plain text.");
    }
    let by_hand = std::io::stdin().is_terminal();
    if by_hand {
        eprintln!("{HELP}");
    }
    let mut input = std::io::stdin().lock();
    while let Some(line) = line(&mut input, by_hand)? {
        match line.trim() {
            "/quit" => break,
            "/reset" => chat.reset(),
            "" => {}
            word if word.starts_with('/') && !word[1..].contains(['/', ' ']) => eprintln!("{HELP}"),
            _ => {
                if !turn(&mut chat, &line, by_hand)? {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The next line without its end; `None` where there is no more.
fn line(input: &mut impl BufRead, by_hand: bool) -> anyhow::Result<Option<String>> {
    if by_hand {
        eprint!("> ");
    }
    let mut bytes = vec![];
    if input.read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned())),
        Err(error) => Ok(refuse("standard input", "text in UTF-8", error.utf8_error(), "convert it first")?),
    }
}

/// Answers one turn; false where nobody reads the answers any more. What is refused ends the program, unless a person sits
/// before it, who can do something else.
fn turn(chat: &mut Chat<'_, '_>, text: &str, by_hand: bool) -> anyhow::Result<bool> {
    let mut is_read = true;
    let mut hear = |piece: &str| {
        is_read = written(&harmless(piece))?;
        if is_read { Ok(()) } else { Err(Error::interrupted("standard output", "closed", "")) }
    };
    let told = chat.say(text, &mut hear);
    if !is_read {
        return Ok(false);
    }
    is_read = written("\n")?;
    match told {
        Err(error) if by_hand => eprintln!("error: {error}\n  /reset begins anew."),
        other => other?,
    }
    Ok(is_read)
}

/// Writes at once; false where the reader went away.
fn written(text: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Error::run("standard output", e)),
    }
}
