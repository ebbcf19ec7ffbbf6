//! Words, and what can be said by counting them.

use std::collections::BTreeMap;

/// How often each word stands in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bag(BTreeMap<String, u32>);

/// The words of a text, without case and punctuation at their ends, marked by the field they stand in.
pub fn bag(field: &str, text: &str) -> Bag {
    let mut counts = BTreeMap::new();
    for word in text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).filter(|word| !word.is_empty()) {
        *counts.entry(format!("{field}:{}", word.to_lowercase())).or_default() += 1;
    }
    Bag(counts)
}

impl Bag {
    /// Adds the words of another.
    pub fn extend(&mut self, other: Self) {
        other.0.into_iter().for_each(|(word, count)| *self.0.entry(word).or_default() += count);
    }

    fn size(&self) -> u32 {
        self.0.values().sum()
    }
}

/// How many words two texts have in common, each as often as it is in both.
pub fn shared(a: &Bag, b: &Bag) -> u32 {
    a.0.iter().filter_map(|(word, count)| b.0.get(word).map(|other| *count.min(other))).sum()
}

/// The answer of the record with the largest share of words in common (of the words of the longer one), the first of equals.
pub fn nearest<'a>(train: &'a [(Bag, String)], words: &Bag) -> &'a str {
    let share = |bag: &Bag| f64::from(shared(bag, words)) / f64::from(bag.size().max(words.size()).max(1));
    let mut best = (-1.0, "");
    for (bag, answer) in train {
        let share = share(bag);
        if share > best.0 {
            best = (share, answer);
        }
    }
    best.1
}

/// Naive Bayes over words.
pub struct Bayes {
    classes: BTreeMap<String, Class>,
    /// Different words of all classes.
    vocabulary: f64,
}

/// What was counted beside an answer.
#[derive(Default)]
struct Class {
    records: u32,
    words: BTreeMap<String, u32>,
    size: u32,
}

impl Bayes {
    /// Counts words beside answers.
    pub fn of(train: &[(Bag, String)]) -> Self {
        let mut classes: BTreeMap<String, Class> = BTreeMap::new();
        let mut vocabulary = std::collections::BTreeSet::new();
        for (bag, answer) in train {
            let class = classes.entry(answer.clone()).or_default();
            class.records += 1;
            class.size += bag.size();
            for (word, count) in &bag.0 {
                *class.words.entry(word.clone()).or_default() += count;
                vocabulary.insert(word);
            }
        }
        Self { classes, vocabulary: vocabulary.len() as f64 }
    }

    /// ln p(answer) + Σ ln p(word | answer), up to a constant. The sum over words that the class never saw is one product, so that many
    /// classes cost little.
    fn score(&self, class: &Class, words: &Bag) -> f64 {
        let total = f64::from(class.size) + self.vocabulary;
        let known = words.0.iter().filter_map(|(word, count)| class.words.get(word).map(|seen| f64::from(*count) * (f64::from(*seen) + 1.0).ln()));
        f64::from(class.records).ln() + known.sum::<f64>() - f64::from(words.size()) * total.ln()
    }

    /// The answer that goes best with the words, the first by name of equals.
    pub fn likeliest(&self, words: &Bag) -> &str {
        let mut best = (f64::NEG_INFINITY, "");
        for (answer, class) in &self.classes {
            let score = self.score(class, words);
            if score > best.0 {
                best = (score, answer);
            }
        }
        best.1
    }
}
