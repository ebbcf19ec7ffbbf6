//! `tongues generate`.

use crate::args::GenerateArgs;
use crate::{decoding, say};
use tongues_engine::continued;
use tongues_report::{harmless, harmless_json};

/// Continues prompts.
pub fn run(args: &GenerateArgs) -> anyhow::Result<()> {
    let decode = args.how.decoder()?;
    let loaded = decoding::recipe(&args.model, &args.adapter, args.how.seed)?;
    let shop = decoding::shop(&loaded, &args.device)?;
    let how = args.how.writing(&decode);
    how.check(&shop)?;
    let model = shop.model("model")?;
    for written in continued(&shop, &model, &args.prompt, args.chat.then_some("chat"), how)? {
        if args.json {
            say(&harmless_json(&written.line(model.tokenizer()?.as_ref())?.to_string()))?;
        } else {
            say(&harmless(&format!("{}{}", written.asked.shown, written.text)))?;
        }
    }
    Ok(())
}
