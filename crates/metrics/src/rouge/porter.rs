//! Porter's stemmer (Porter 1980) with the changes of NLTK, which are on where NLTK is asked for it plainly.
//!
//! Words are lower-case ASCII letters and digits; digits count as consonants.

/// Forms that no rule gets right.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// Suffix, what it becomes; all need a stem of positive measure.
const STEP_2: [(&str, &str); 21] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];
const STEP_3: [(&str, &str); 7] = [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];
/// Suffixes that go behind a stem of a measure above 1.
const STEP_4: [&str; 19] =
    ["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize"];

/// For each letter whether it is a consonant; a `y` is one unless a consonant stands before it.
fn consonants(word: &str) -> Vec<bool> {
    let mut flags: Vec<bool> = vec![];
    for letter in word.bytes() {
        let consonant = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !flags.last().copied().unwrap_or(false),
            _ => true,
        };
        flags.push(consonant);
    }
    flags
}

/// How often a vowel is followed by a consonant.
fn measure(word: &str) -> usize {
    consonants(word).windows(2).filter(|pair| !pair[0] && pair[1]).count()
}

fn has_vowel(word: &str) -> bool {
    consonants(word).contains(&false)
}

fn ends_in_double_consonant(word: &str) -> bool {
    let letters = word.as_bytes();
    letters.len() >= 2 && letters[letters.len() - 1] == letters[letters.len() - 2] && consonants(word).last() == Some(&true)
}

/// Consonant, vowel, consonant but w, x and y; or, in NLTK, a word of a vowel and a consonant.
fn ends_short(word: &str) -> bool {
    match *consonants(word).as_slice() {
        [.., true, false, true] => !word.ends_with(['w', 'x', 'y']),
        [false, true] => true,
        _ => false,
    }
}

/// The stem of a word in lower case; words with other characters than ASCII letters and digits are not what the rules are for.
pub fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 {
        return word.to_owned();
    }
    let word = step_1c(step_1b(step_1a(word)));
    step_5(step_4(step_3(step_2(word))))
}

fn step_1a(word: &str) -> String {
    if word.len() == 4
        && let Some(stem) = word.strip_suffix("ies")
    {
        return format!("{stem}ie");
    }
    for (suffix, new) in [("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")] {
        if let Some(stem) = word.strip_suffix(suffix) {
            return format!("{stem}{new}");
        }
    }
    word.to_owned()
}

fn step_1b(word: String) -> String {
    if let Some(stem) = word.strip_suffix("ied") {
        return format!("{stem}{}", if word.len() == 4 { "ie" } else { "i" });
    }
    if let Some(stem) = word.strip_suffix("eed") {
        return if measure(stem) > 0 { format!("{stem}ee") } else { word };
    }
    match ["ed", "ing"].iter().find_map(|s| word.strip_suffix(s).filter(|stem| has_vowel(stem))) {
        Some(stem) => repaired(stem),
        None => word,
    }
}

/// A stem without `ed` or `ing`, with what its ending needs.
fn repaired(stem: &str) -> String {
    if ["at", "bl", "iz"].iter().any(|s| stem.ends_with(s)) {
        return format!("{stem}e");
    }
    if ends_in_double_consonant(stem) {
        let keep = stem.ends_with(['l', 's', 'z']);
        return stem[..stem.len() - usize::from(!keep)].to_owned();
    }
    if measure(stem) == 1 && ends_short(stem) { format!("{stem}e") } else { stem.to_owned() }
}

fn step_1c(word: String) -> String {
    match word.strip_suffix('y') {
        Some(stem) if stem.len() > 1 && consonants(stem).last() == Some(&true) => format!("{stem}i"),
        _ => word,
    }
}

fn step_2(word: String) -> String {
    if let Some(stem) = word.strip_suffix("alli").filter(|stem| measure(stem) > 0) {
        return step_2(format!("{stem}al"));
    }
    if let Some(done) = first_rule(&word, &STEP_2) {
        return done;
    }
    // The l of `logi` counts with the stem, so that geology keeps it.
    match word.strip_suffix("logi") {
        Some(stem) if measure(&word[..word.len() - 3]) > 0 => format!("{stem}log"),
        _ => word,
    }
}

fn step_3(word: String) -> String {
    first_rule(&word, &STEP_3).unwrap_or(word)
}

/// What the first rule whose suffix fits makes of a word; rules behind it are not tried.
fn first_rule(word: &str, rules: &[(&str, &str)]) -> Option<String> {
    let (stem, new) = rules.iter().find_map(|(suffix, new)| Some((word.strip_suffix(suffix)?, new)))?;
    Some(if measure(stem) > 0 { format!("{stem}{new}") } else { word.to_owned() })
}

fn step_4(word: String) -> String {
    let Some((suffix, stem)) = STEP_4.iter().find_map(|suffix| Some((*suffix, word.strip_suffix(suffix)?))) else { return word };
    let goes = measure(stem) > 1 && (suffix != "ion" || stem.ends_with(['s', 't']));
    if goes { stem.to_owned() } else { word }
}

fn step_5(mut word: String) -> String {
    if let Some(stem) = word.strip_suffix('e') {
        let measure = measure(stem);
        if measure > 1 || (measure == 1 && !ends_short(stem)) {
            word.pop();
        }
    }
    if word.ends_with("ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_paper_and_of_nltk() {
        let stems = [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("dies", "die"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("hopping", "hop"),
            ("falling", "fall"),
            ("filing", "file"),
            ("happy", "happi"),
            ("enjoy", "enjoy"),
            ("relational", "relat"),
            ("digitizer", "digit"),
            ("geology", "geolog"),
            ("adjustable", "adjust"),
            ("adoption", "adopt"),
            ("controll", "control"),
            ("skies", "sky"),
        ];
        for (word, expected) in stems {
            assert_eq!(stem(word), expected, "{word}");
        }
    }
}
