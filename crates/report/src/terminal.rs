//! Text that was not written here, on a terminal: what a model writes, what files and recipes name.

/// Characters that steer a terminal or reorder a line: controls (C0, DEL, C1), and the bidirectional embeddings, overrides and
/// isolates.
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text without characters that steer; line ends and tabs stay.
pub fn harmless(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !steers(*c)).collect()
}

/// JSON with the characters that steer written as escapes: the same values, and nothing for the terminal to obey. Line ends and
/// tabs between values stay.
pub fn harmless_json(json: &str) -> String {
    let escaped = |c: char| if steers(c) && !matches!(c, '\n' | '\t' | '\r') { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    json.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\u{7}b\r\u{7f}\u{202e}c\u{2066}\nd\te";

    #[test]
    fn what_steers_is_taken_out() {
        assert_eq!(harmless(HOSTILE), "a[2J31mbc\nd\te");
        assert_eq!(harmless("שלום, 世界 é 👩‍🚀"), "שלום, 世界 é 👩‍🚀");
    }

    #[test]
    fn json_keeps_its_values_and_steers_nothing() {
        let json = serde_json::to_string(&HOSTILE).expect("JSON");
        let shown = harmless_json(&json);
        assert!(!shown.chars().any(steers), "{shown:?}");
        assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), HOSTILE);
    }
}
