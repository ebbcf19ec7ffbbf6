//! Glosses, alignments, features and distances are exact.

use std::collections::{BTreeMap, BTreeSet};
use tongues_world::{Aspect, LanguageConfig, Role, Script, Sentence, Split, Text, Token, WordOrder, World, WorldConfig, align};

fn world() -> World {
    World::new(WorldConfig { seed: 7, ..WorldConfig::default() }).unwrap()
}

fn texts(language: &LanguageConfig, count: usize) -> Vec<(Sentence, Text)> {
    world().glossed(language, Split::Train, count).unwrap()
}

/// The ready-made languages, and every order with words, suffixes and prefixes.
fn languages() -> Vec<LanguageConfig> {
    let orders = [WordOrder::Svo, WordOrder::Sov, WordOrder::Vso, WordOrder::Vos, WordOrder::Ovs, WordOrder::Osv];
    let kinds = [(false, false), (true, false), (true, true)];
    let others = orders.iter().flat_map(|order| {
        kinds.map(|(suffixing, prefixing)| LanguageConfig {
            name: format!("{order:?}{suffixing}{prefixing}"),
            order: *order,
            suffixing,
            prefixing,
            agreeing: prefixing,
            adjective_after_noun: prefixing,
            ..LanguageConfig::derived()
        })
    });
    LanguageConfig::ready_made().into_iter().chain(others).collect()
}

fn place(tokens: &[Token], role: Role, aspect: Aspect) -> Option<usize> {
    tokens.iter().position(|token| token.atoms.iter().any(|atom| (atom.clause, atom.role, atom.aspect) == (0, role, aspect)))
}

#[test]
fn words_cut_the_text() {
    for language in languages() {
        for (sentence, text) in texts(&language, 500) {
            assert_eq!(sentence.text, text.text);
            let words: Vec<_> = (0..text.tokens.len()).map(|index| text.word(index)).collect();
            let cut: Vec<_> = text.text.split(' ').map(|word| word.trim_end_matches(['.', ',', '?'])).collect();
            assert_eq!(words, cut);
        }
    }
}

#[test]
fn alignments_turn_round_and_share_words() {
    let all = languages();
    let rendered: Vec<_> = all.iter().map(|language| texts(language, 300)).collect();
    for (l, left) in rendered.iter().enumerate() {
        for (r, right) in rendered.iter().enumerate() {
            for ((_, a), (_, b)) in left.iter().zip(right) {
                let pairs = align(&a.tokens, &b.tokens);
                let back: BTreeSet<_> = align(&b.tokens, &a.tokens).into_iter().map(|(j, i)| (i, j)).collect();
                assert_eq!(pairs.iter().copied().collect::<BTreeSet<_>>(), back);
                check_heads(a, b, &pairs);
                if all[l].suffixing == all[r].suffixing && all[l].agreeing == all[r].agreeing {
                    // The same words in another order.
                    assert_eq!(pairs.len(), a.tokens.len());
                    assert!(pairs.iter().all(|(i, j)| a.tokens[*i].lexeme == b.tokens[*j].lexeme));
                }
            }
        }
    }
}

/// Words that say the head of a role are aligned with the word for the same concept.
fn check_heads(a: &Text, b: &Text, pairs: &[(usize, usize)]) {
    for (i, token) in a.tokens.iter().enumerate() {
        let Some(head) = token.atoms.iter().find(|atom| atom.aspect == Aspect::Head) else { continue };
        let j = b.tokens.iter().position(|other| other.atoms.contains(head)).unwrap();
        assert!(pairs.contains(&(i, j)));
        assert_eq!(token.lexeme, b.tokens[j].lexeme);
    }
}

#[test]
fn glosses_are_the_words_of_the_pivot_and_their_affixes() {
    let entries: BTreeMap<_, _> = world().entries(&LanguageConfig::pivot()).into_iter().map(|entry| (entry.lexeme, entry.pivot)).collect();
    for language in languages() {
        let here: BTreeMap<_, _> = world().entries(&language).into_iter().map(|entry| (entry.lexeme, entry.forms)).collect();
        let mut written: BTreeMap<(Vec<String>, String, bool), BTreeSet<String>> = BTreeMap::new();
        for (_, text) in texts(&language, 500) {
            for (index, token) in text.tokens.iter().enumerate() {
                let mut parts: Vec<_> = token.gloss.split('-').map(str::to_owned).collect();
                let stem = if language.prefixing { parts.pop().unwrap() } else { parts.remove(0) };
                let lexeme = token.lexeme.unwrap();
                assert_eq!(stem, entries[&lexeme]);
                assert!(language.suffixing || parts.is_empty());
                let word = text.word(index).to_lowercase();
                let forms = &here[&lexeme];
                if language.noise_permille > 0 {
                    continue;
                }
                let form = forms.iter().find(|form| if language.prefixing { word.ends_with(*form) } else { word.starts_with(*form) });
                let form = form.unwrap_or_else(|| panic!("{word} {forms:?}"));
                let affix = if language.prefixing { &word[..word.len() - form.len()] } else { &word[form.len()..] };
                if forms.len() == 1 {
                    let front = form.rfind(['a', 'e', 'i', 'o', 'u']).is_some_and(|at| matches!(form.as_bytes()[at], b'e' | b'i'));
                    written.entry((parts, language.name.clone(), front)).or_default().insert(affix.to_owned());
                }
            }
        }
        if language.script == Script::Latin {
            assert!(written.values().all(|affixes| affixes.len() == 1), "{}: {written:?}", language.name);
        }
    }
}

#[test]
fn features_are_those_of_the_sentences() {
    for language in languages() {
        let features: BTreeMap<_, _> = language.features().into_iter().map(|feature| (feature.name, feature.value)).collect();
        let mut seen = BTreeSet::new();
        for (_, text) in texts(&language, 3000) {
            let at = |role, aspect| place(&text.tokens, role, aspect);
            let [subject, verb, object] = [Role::Subject, Role::Clause, Role::Object].map(|role| at(role, Aspect::Head));
            if let (Some(subject), Some(verb), Some(object)) = (subject, verb, object) {
                // Places and standards of comparison have a case or a preposition of their own.
                if at(Role::Object, Aspect::Case).is_none() || text.tokens[object].gloss.contains("ACC") {
                    let mut parts = [(subject, "subject"), (verb, "verb"), (object, "object")];
                    parts.sort_unstable();
                    assert_eq!(parts.map(|(_, name)| name).join("-"), features["order.clause"], "{}", text.text);
                    seen.insert("order.clause");
                }
            }
            check(&text, &features, &mut seen);
        }
        assert_eq!(seen.len(), 9 - usize::from(language.suffixing), "{seen:?}");
    }
}

fn check(text: &Text, features: &BTreeMap<&str, &str>, seen: &mut BTreeSet<&'static str>) {
    let at = |role, aspect| place(&text.tokens, role, aspect);
    let mut compare = |name: &'static str, first: Option<usize>, second: Option<usize>, before: &str, after: &str| {
        if let (Some(first), Some(second)) = (first, second) {
            let found = if first < second { before } else { after };
            let found = if first == second { "affix" } else { found };
            assert_eq!(found, features[name], "{name}: {}", text.text);
            seen.insert(name);
        }
    };
    // Of an adjective, "be" is the verb.
    let verb = at(Role::Clause, Aspect::Copula).or(at(Role::Clause, Aspect::Head));
    let subject = at(Role::Subject, Aspect::Head);
    compare("order.adjective", at(Role::Subject, Aspect::Adjective), subject, "adjective-noun", "noun-adjective");
    let relative = text.tokens.iter().position(|token| token.atoms.iter().any(|atom| atom.clause == 1 && atom.role == Role::Clause));
    compare("order.relative", relative, subject, "relative-noun", "noun-relative");
    compare("order.negation", at(Role::Clause, Aspect::Negation), verb, "negation-verb", "verb-negation");
    compare("tense", at(Role::Clause, Aspect::Tense), verb, "auxiliary-before-verb", "auxiliary-after-verb");
    compare("case", at(Role::Recipient, Aspect::Case), at(Role::Recipient, Aspect::Head), "preposition", "postposition");
    let determined = at(Role::Subject, Aspect::Plural).filter(|plural| !text.tokens[*plural].atoms.iter().any(|atom| atom.aspect == Aspect::Head));
    compare("plural", determined, subject, "determiner", "determiner");
    compare("question", at(Role::Clause, Aspect::Question), verb, "first-particle", "last-particle");
    let agrees = text.tokens.iter().any(|token| token.atoms.iter().any(|atom| matches!(atom.aspect, Aspect::AdjectivePlural | Aspect::AdjectiveCase)));
    if agrees {
        assert_eq!(features["agreement.adjective"], "number-case");
    }
    if text.tokens.iter().any(|token| token.atoms.len() > 1 && token.atoms.iter().any(|atom| atom.aspect == Aspect::Agreement)) {
        seen.insert("agreement.verb");
    }
}

#[test]
fn distances_are_shares_of_what_differs() {
    let world = world();
    let all = LanguageConfig::ready_made();
    for left in &all {
        assert_eq!(world.distance(left, left).lexical + world.distance(left, left).typological, 0);
        for right in &all {
            let found = world.distance(left, right);
            assert_eq!(found, world.distance(right, left));
            let differing = left.features().iter().zip(&right.features()).filter(|(a, b)| a != b && a.name != "script").count();
            assert_eq!(found.typological as usize, differing * 1000 / (left.features().len() - 1));
            if left.script == right.script {
                let forms: BTreeMap<_, _> = world.entries(left).into_iter().map(|entry| (entry.lexeme, entry.forms)).collect();
                let rows = world.entries(right);
                let both: Vec<_> = rows.iter().filter_map(|entry| Some((forms.get(&entry.lexeme)?, &entry.forms))).collect();
                let other = both.iter().filter(|(a, b)| a[0] != b[0]).count();
                assert_eq!(found.lexical as usize, other * 1000 / both.len());
            }
        }
    }
    let pivot = LanguageConfig::pivot();
    let lexical = all.map(|language| world.distance(&pivot, &language).lexical);
    assert!(lexical.is_sorted() && lexical[1] < 230 && lexical[4] == 1000, "{lexical:?}");
}

#[test]
fn own_words_are_made_of_the_syllables_of_the_language() {
    let language = LanguageConfig { script: Script::Latin, noise_permille: 0, ..LanguageConfig::remote() };
    let sounds = world().phonotactics(&language);
    assert_eq!((sounds.onsets.len(), sounds.nuclei.len(), sounds.codas.len()), (13, 7, 4));
    for entry in world().entries(&language) {
        assert!(entry.forms.iter().all(|form| syllables(form, &sounds, true)), "{:?}", entry.forms);
    }
    assert!(!syllables("q", &sounds, true) && !syllables("", &sounds, true));
}

fn syllables(word: &str, sounds: &tongues_world::Phonotactics, first: bool) -> bool {
    if word.is_empty() {
        return !first;
    }
    let bare = [""].iter().filter(|_| first);
    let rests: Vec<_> = sounds.onsets.iter().chain(bare).filter_map(|onset| word.strip_prefix(onset)).collect();
    let rests: Vec<_> = rests.iter().flat_map(|rest| sounds.nuclei.iter().filter_map(|nucleus| rest.strip_prefix(nucleus))).collect();
    let closed = rests.iter().flat_map(|rest| sounds.codas.iter().filter_map(|coda| rest.strip_prefix(coda)));
    closed.chain(rests.iter().copied()).any(|rest| syllables(rest, sounds, false))
}

#[test]
fn shares_of_synonyms_polysemes_and_errors_are_the_ones_asked_for() {
    let world = world();
    let language = LanguageConfig { synonym_permille: 250, split_permille: 0, merged_permille: 0, polysemy_permille: 500, ..LanguageConfig::remote() };
    let entries = world.entries(&language);
    let open = entries.iter().filter(|entry| ["noun", "verb", "adjective"].contains(&entry.class));
    let (two, all) = open.fold((0, 0), |(two, all), entry| (two + usize::from(entry.forms.len() == 2), all + 1));
    // An eighth of the words, and an eighth before them, are near-synonyms without one.
    assert!((180..=200).contains(&(two * 1000 / all)), "{two} of {all}");
    let adverbs: Vec<_> = entries.iter().filter(|entry| entry.class == "adverb").collect();
    let verbs: BTreeSet<_> = entries.iter().filter(|entry| entry.class == "verb").map(|entry| &entry.forms[0]).collect();
    assert_eq!(adverbs.iter().filter(|entry| verbs.contains(&entry.forms[0])).count(), 12);

    for permille in [0, 100, 1000] {
        let noisy = LanguageConfig { noise_permille: permille, ..language.clone() };
        let clean = LanguageConfig { noise_permille: 0, ..language.clone() };
        let (mut wrong, mut words) = (0, 0);
        for ((_, a), (_, b)) in texts(&noisy, 2000).iter().zip(texts(&clean, 2000)) {
            wrong += (0..b.tokens.len()).filter(|index| a.word(*index) != b.word(*index)).count();
            words += b.tokens.len();
        }
        assert!((wrong * 1000 / words).abs_diff(permille as usize) <= 8, "{permille}: {wrong} of {words}");
    }
}

#[test]
fn both_synonyms_are_used() {
    let language = LanguageConfig::kindred();
    let text = texts(&language, 20_000);
    let lines: BTreeSet<_> = text.iter().flat_map(|(_, text)| (0..text.tokens.len()).map(|index| text.word(index).to_lowercase())).collect();
    let all: Vec<_> = world().entries(&language).into_iter().filter(|entry| entry.class == "noun" && entry.forms.len() == 2).collect();
    let both = all.iter().filter(|entry| entry.forms.iter().all(|form| lines.iter().any(|word| word.starts_with(form.as_str()))));
    assert!(both.count() * 10 >= all.len() * 9);
}
