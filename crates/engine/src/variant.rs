//! Languages of the synthetic world as a recipe names them.

use tongues_kernel::{Result, refuse};
use tongues_recipe::ast::{WorldOrder, WorldScript, WorldVariant};
use tongues_world::{LanguageConfig, Script, WordOrder};

/// The ready-made language of that name.
///
/// # Errors
/// There is none.
pub fn named(name: &str) -> Result<LanguageConfig> {
    let known = || LanguageConfig::ready_made().map(|l| l.name).join(", ");
    LanguageConfig::named(name).map_or_else(|| refuse("world language", known(), name, "choose one of them"), Ok)
}

/// The ready-made language, changed where the recipe says so.
///
/// # Errors
/// There is no such language, or the variant takes the name of a ready-made one.
pub fn language(like: &str, variant: Option<&WorldVariant>) -> Result<LanguageConfig> {
    let mut language = named(like)?;
    let Some(asked) = variant else { return Ok(language) };
    if LanguageConfig::named(&asked.name).is_some() {
        return refuse("world variant", "a name of its own", &asked.name, "a ready-made language has this name; choose another");
    }
    language.name.clone_from(&asked.name);
    let numbers = [
        (&mut language.cognate_permille, asked.cognate_permille),
        (&mut language.merged_permille, asked.merged_permille),
        (&mut language.split_permille, asked.split_permille),
        (&mut language.synonym_permille, asked.synonym_permille),
        (&mut language.polysemy_permille, asked.polysemy_permille),
        (&mut language.noise_permille, asked.noise_permille),
        (&mut language.resource_permille, asked.resource_permille),
    ];
    numbers.into_iter().for_each(|(slot, asked)| *slot = asked.unwrap_or(*slot));
    let choices = [
        (&mut language.suffixing, asked.suffixing),
        (&mut language.prefixing, asked.prefixing),
        (&mut language.adjective_after_noun, asked.adjective_after_noun),
        (&mut language.agreeing, asked.agreeing),
    ];
    choices.into_iter().for_each(|(slot, asked)| *slot = asked.unwrap_or(*slot));
    language.order = asked.order.map_or(language.order, order);
    language.script = asked.script.map_or(language.script, script);
    Ok(language)
}

fn order(asked: WorldOrder) -> WordOrder {
    match asked {
        WorldOrder::Svo => WordOrder::Svo,
        WorldOrder::Sov => WordOrder::Sov,
        WorldOrder::Vso => WordOrder::Vso,
        WorldOrder::Vos => WordOrder::Vos,
        WorldOrder::Ovs => WordOrder::Ovs,
        WorldOrder::Osv => WordOrder::Osv,
    }
}

fn script(asked: WorldScript) -> Script {
    match asked {
        WorldScript::Latin => Script::Latin,
        WorldScript::Cyrillic => Script::Cyrillic,
        WorldScript::Cherokee => Script::Cherokee,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn variant(value: serde_json::Value) -> WorldVariant {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_variant_is_the_ready_made_language_but_for_what_it_says() {
        let changed = variant(json!({
            "name": "near", "cognate_permille": 900, "order": "osv", "script": "cyrillic", "agreeing": true, "noise_permille": 5, "resource_permille": 40
        }));
        let expected = LanguageConfig {
            name: "near".into(),
            cognate_permille: 900,
            order: WordOrder::Osv,
            script: Script::Cyrillic,
            agreeing: true,
            noise_permille: 5,
            resource_permille: 40,
            ..LanguageConfig::derived()
        };
        assert_eq!(language("derived", Some(&changed)).unwrap(), expected);
        assert_eq!(language("derived", None).unwrap(), LanguageConfig::derived());
    }

    #[test]
    fn the_name_of_a_ready_made_language_is_not_taken() {
        assert!(language("pivot", Some(&variant(json!({"name": "kindred"})))).unwrap_err().to_string().contains("a name of its own"));
        assert!(language("english", None).unwrap_err().to_string().contains("pivot, kindred"));
    }
}
