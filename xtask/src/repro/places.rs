//! Names in braces inside `--set` overrides.

use std::collections::BTreeMap;

/// What is always there.
pub const ALWAYS: [&str; 2] = ["seed", "slug"];

/// The text with every known `{name}` replaced; other braces (TOML's) stay.
pub fn filled(text: &str, values: &BTreeMap<String, String>) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// The text names it.
pub fn named(text: &str, name: &str) -> bool {
    text.contains(&format!("{{{name}}}"))
}

/// Single words in braces that are none of these.
pub fn unknown<'t>(text: &'t str, known: &[&str]) -> Vec<&'t str> {
    let word = |w: &&str| !w.is_empty() && w.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let pieces = text.split('{').skip(1).filter_map(|piece| piece.split_once('}').map(|(inner, _)| inner));
    pieces.filter(word).filter(|w| !known.contains(w)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_replaced_and_tables_stay() {
        let values = [("base".into(), "b/c".into()), ("seed".into(), "3".into())].into();
        assert_eq!(filled("m={base} s={seed} t={ steps = 5 }", &values), "m=b/c s=3 t={ steps = 5 }");
        assert_eq!(unknown("a={base} b={bsae} c={ steps = 5 } d={}", &["base"]), ["bsae"]);
        assert!(named("x={base}", "base") && !named("x=base", "base"));
    }
}
