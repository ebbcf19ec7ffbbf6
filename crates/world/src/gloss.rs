//! A text with every word looked up in the pivot.

use crate::utterance::Text;

/// The text with every word replaced by the pivot's word for it, in the order of the language and without affixes: what a lexicon alone
/// gives.
pub fn looked_up(text: &Text) -> String {
    let (mut out, mut at) = (String::with_capacity(text.text.len()), 0);
    for (index, token) in text.tokens.iter().enumerate() {
        out.push_str(&text.text[at..token.bytes.start]);
        let word = stem(&token.gloss);
        match word.chars().next() {
            Some(first) if text.word(index).chars().next().is_some_and(char::is_uppercase) => {
                out.extend(first.to_uppercase());
                out.push_str(&word[first.len_utf8()..]);
            }
            _ => out.push_str(word),
        }
        at = token.bytes.end;
    }
    out.push_str(&text.text[at..]);
    out
}

/// The word among the tags of its affixes, which are all capitals and digits.
fn stem(gloss: &str) -> &str {
    gloss.split('-').find(|part| part.chars().any(char::is_lowercase)).unwrap_or(gloss)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::utterance::Token;

    #[test]
    fn words_are_looked_up_and_marks_and_capitals_stay() {
        let token = |bytes, gloss: &str| Token { bytes, lexeme: None, gloss: gloss.into(), atoms: vec![] };
        let text = Text { text: "Rats kluda, plim?".into(), tokens: vec![token(0..4, "drast"), token(5..10, "3SG-PST-gado"), token(12..16, "kru-PL-ACC")] };
        assert_eq!(looked_up(&text), "Drast gado, kru?");
    }
}
