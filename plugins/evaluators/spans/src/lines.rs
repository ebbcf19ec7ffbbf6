//! Spans that were written as lines, put back among the tokens.

/// Right and given tags of a sentence: the spans of the lines `LABEL: words` of a text take the first free place where their words
/// stand. Words that stand nowhere become a token of their own behind the sentence, outside of right spans.
pub fn tagged(tokens: &[&str], right: &[&str], text: &str) -> (Vec<String>, Vec<String>) {
    let mut right: Vec<String> = right.iter().map(|tag| (*tag).to_owned()).collect();
    let mut given = vec!["O".to_owned(); tokens.len()];
    for (label, words) in text.lines().filter_map(span) {
        match place(tokens, &given, &words) {
            Some(start) => {
                given[start] = format!("B-{label}");
                given[start + 1..start + words.len()].fill(format!("I-{label}"));
            }
            None => {
                // Outside tokens part it from the sentence and from other spans.
                right.extend(["O".to_owned(), "O".to_owned()]);
                given.extend(["O".to_owned(), format!("B-{label}")]);
            }
        }
    }
    (right, given)
}

/// The label and the words of a line.
fn span(line: &str) -> Option<(&str, Vec<&str>)> {
    let (label, words) = line.split_once(':')?;
    let (label, words) = (label.trim(), words.split_whitespace().collect::<Vec<&str>>());
    (!label.is_empty() && !words.is_empty()).then_some((label, words))
}

/// The first place where the words stand and no token is taken.
fn place(tokens: &[&str], given: &[String], words: &[&str]) -> Option<usize> {
    let free = |start: usize| given[start..start + words.len()].iter().all(|tag| tag == "O");
    (0..(tokens.len() + 1).saturating_sub(words.len())).find(|start| tokens[*start..start + words.len()] == *words && free(*start))
}
