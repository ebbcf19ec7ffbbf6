//! The sounds of a language: syllables, words, and suffixes with harmony.

use crate::random::Stream;
use std::collections::BTreeSet;

const ONSETS: [&str; 30] = [
    "p", "t", "k", "b", "d", "g", "m", "n", "s", "l", "r", "v", "f", "h", "z", "j", "w", "c", "sh", "ch", "br", "tr", "kr", "pl", "st", "gl", "sk", "dr", "ts",
    "kh",
];
const DIPHTHONGS: [&str; 7] = ["ai", "au", "ei", "ou", "ia", "oa", "ue"];
const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];
const CODAS: [&str; 12] = ["n", "r", "s", "l", "t", "k", "m", "sh", "rt", "nd", "st", "x"];

/// What the own words of a language are made of: every syllable is an onset, a
/// nucleus and perhaps a coda; the first syllable may begin with its nucleus.
/// All in Latin letters, the common ones first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phonotactics {
    /// Consonants before the vowel, one or two letters.
    pub onsets: Vec<&'static str>,
    /// Vowels and diphthongs.
    pub nuclei: Vec<&'static str>,
    /// Consonants after the vowel.
    pub codas: Vec<&'static str>,
}

/// The syllables of one language.
pub(crate) struct Phonology(Phonotactics);

impl Phonology {
    /// Thirteen onsets, seven nuclei and four codas, the common ones first.
    pub(crate) fn new(stream: &mut Stream) -> Self {
        let mut nuclei = pick(stream, &VOWELS, 5);
        nuclei.extend(pick(stream, &DIPHTHONGS, 2));
        Self(Phonotactics { onsets: pick(stream, &ONSETS, 13), nuclei, codas: pick(stream, &CODAS, 4) })
    }

    pub(crate) fn phonotactics(&self) -> Phonotactics {
        self.0.clone()
    }

    /// A new word of so many syllables, or more when those are used up; it is
    /// entered among the `taken`.
    pub(crate) fn coin(&self, stream: &mut Stream, syllables: usize, taken: &mut BTreeSet<String>) -> String {
        let mut attempt = 0;
        loop {
            let word = self.word(stream, syllables + attempt / 16);
            if taken.insert(word.clone()) {
                return word;
            }
            attempt += 1;
        }
    }

    fn word(&self, stream: &mut Stream, syllables: usize) -> String {
        let mut word = String::new();
        for place in 0..syllables {
            // A word may begin with its vowel.
            if place > 0 || !stream.chance(1, 8) {
                word.push_str(stream.skewed(&self.0.onsets));
            }
            word.push_str(stream.skewed(&self.0.nuclei));
            let last = place + 1 == syllables;
            if stream.chance(if last { 2 } else { 1 }, 5) {
                word.push_str(stream.skewed(&self.0.codas));
            }
        }
        word
    }

    /// Two forms of a new suffix: after back and after front vowels.
    pub(crate) fn suffix(&self, stream: &mut Stream, taken: &mut BTreeSet<String>) -> [String; 2] {
        let mut attempt = 0;
        loop {
            let onset = stream.skewed(&self.0.onsets);
            let [back, front] = stream.skewed(&[["a", "e"], ["u", "i"], ["o", "ei"]]);
            let coda = if attempt < 8 && stream.chance(2, 3) { "" } else { stream.skewed(&self.0.codas) };
            let forms = [back, front].map(|vowel| format!("{onset}{vowel}{coda}"));
            if !forms.iter().any(|form| taken.contains(form)) {
                taken.extend(forms.iter().cloned());
                return forms;
            }
            attempt += 1;
        }
    }
}

/// Whether the last vowel of a word is a front one.
pub(crate) fn is_front(word: &str) -> bool {
    let vowel = word.rfind(['a', 'e', 'i', 'o', 'u']);
    vowel.is_some_and(|at| matches!(word.as_bytes()[at], b'e' | b'i'))
}

/// `count` of the items in a drawn order.
fn pick(stream: &mut Stream, items: &[&'static str], count: usize) -> Vec<&'static str> {
    let mut rest = items.to_vec();
    let drawn = (0..count.min(items.len())).map(|_| {
        let index = stream.below(rest.len() as u64) as usize;
        rest.swap_remove(index)
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coined_words_never_repeat_even_beyond_the_short_ones() {
        let mut stream = Stream::new(1, "words", &[]);
        let phonology = Phonology::new(&mut stream);
        let mut taken = BTreeSet::new();
        let words: Vec<_> = (0..2000).map(|_| phonology.coin(&mut stream, 1, &mut taken)).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), 2000);
        assert!(words.iter().any(|word| word.len() > 8));
    }

    #[test]
    fn the_last_vowel_tells_harmony() {
        assert!(is_front("tome") && !is_front("melax") && !is_front("st"));
    }
}
