//! Tests of `vocab-extend`: what is learned against a slow and plain computation, rows against means, and what is refused.

mod tests_refused;
mod tests_unigram;

use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tongues_adapter_vocab_extend as _;
use tongues_io::HfTokenizer;
use tongues_kernel::{Built, Draws, Kind, Model, Tokenizer, build};
use tongues_testkit::{AdapterCase, Surroundings, ToyShape, check_refusals, snapshot, spread};

const OLD: [&str; 4] = [
    "the cat sat on the mat and the dog sat on the log",
    "there the other mother gathers the feathers of the weather",
    "an old man and a young man and the sea",
    "she sells sea shells on the sea shore",
];
const NEW: [&str; 5] = [
    "etxean gaude etxeko atean etxera goaz etxetik gatoz",
    "mendian gaude mendiko bidean mendira goaz menditik gatoz",
    "etxea eta mendia eta etxeko mendia, haaaaaandia eta haaandia",
    "ñabarra eta ñimiñoa — ñabarra eta ñimiñoa",
    "gaude gaude gatoz gatoz goaz the sea",
];

fn texts(of: &[&str]) -> impl Iterator<Item = String> + use<> {
    of.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>().into_iter()
}

/// A byte-level BPE tokenizer with 24 merges of the old language and one special token.
fn bpe() -> HfTokenizer {
    let byte_level = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let special = json!({ "id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true });
    let empty = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [special], "normalizer": null, "pre_tokenizer": byte_level, "post_processor": null,
        "decoder": byte_level,
        "model": { "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "ignore_merges": false, "vocab": { "<s>": 0 }, "merges": [] }
    });
    let empty = HfTokenizer::from_definition(empty, "test").expect("a tokenizer");
    let trained = empty.trained_like(&mut texts(&OLD), 257 + 24).expect("trained");
    HfTokenizer::from_definition(trained.definition().clone(), "test").expect("a tokenizer")
}

fn changed(tokenizer: &HfTokenizer, change: impl FnOnce(&mut Json)) -> HfTokenizer {
    let mut definition = tokenizer.definition().clone();
    change(&mut definition);
    HfTokenizer::from_definition(definition, "test").expect("a tokenizer")
}

fn model(tokenizer: HfTokenizer, padding: usize, tied: bool) -> Model {
    let mut model = ToyShape { vocabulary: tokenizer.size() + padding, tied, ..ToyShape::default() }.model(Draws::new(3));
    model.tokenizers = vec![Arc::new(tokenizer)];
    model
}

/// The model after the adapter, and the notes; or the refusal.
fn extended(options: Json, mut model: Model, texts: &[&str]) -> Result<(Model, Vec<String>), String> {
    let mut cx = Surroundings::new(7).with_texts(texts.iter().copied());
    let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "vocab-extend", options, &mut cx) else { panic!("the options are valid") };
    adapter.attach(&mut model, &mut cx).map_err(|e| e.to_string())?;
    Ok((model, cx.notes))
}

fn definition(model: &Model) -> &Json {
    model.tokenizers[0].definition()
}

// ---- byte-pair encoding

type Merge = (String, String);

fn merges(definition: &Json) -> Vec<Merge> {
    let one = |m: &Json| match m {
        Json::String(text) => text.split_once(' ').map(|(l, r)| (l.to_owned(), r.to_owned())).expect("two parts"),
        pair => (pair[0].as_str().expect("text").to_owned(), pair[1].as_str().expect("text").to_owned()),
    };
    definition["model"]["merges"].as_array().expect("merges").iter().map(one).collect()
}

/// Merges a word from its characters on: the lowest rank first, leftmost first.
fn cut(word: &str, merges: &[Merge]) -> Vec<String> {
    let mut parts: Vec<String> = word.chars().map(String::from).collect();
    while let Some((_, at)) =
        (0..parts.len().saturating_sub(1)).filter_map(|i| Some((merges.iter().position(|(l, r)| *l == parts[i] && *r == parts[i + 1])?, i))).min()
    {
        let right = parts.remove(at + 1);
        parts[at] += &right;
    }
    parts
}

/// Everything from scratch for every merge: the entries and merges that must come out.
fn plainly(tokenizer: &dyn Tokenizer, texts: &[&str], size: usize, least: u64) -> (Vec<String>, Vec<Merge>) {
    let mut merges = merges(tokenizer.definition());
    let old = merges.len();
    let mut known: BTreeSet<String> = (0..tokenizer.size() as u32).filter_map(|id| tokenizer.piece(id)).collect();
    let added: Vec<&str> = tokenizer.definition()["added_tokens"].as_array().expect("a list").iter().filter_map(|t| t["content"].as_str()).collect();
    let words: Vec<String> = texts.iter().flat_map(|t| tokenizer.words(t).expect("words")).collect();
    let mut pieces = vec![];
    while pieces.len() < size {
        let mut counts: BTreeMap<Merge, u64> = BTreeMap::new();
        for word in &words {
            for pair in cut(word, &merges).windows(2).filter(|p| !added.contains(&p.concat().as_str())) {
                *counts.entry((pair[0].clone(), pair[1].clone())).or_default() += 1;
            }
        }
        // The first of the largest in the order of the pairs' texts.
        let Some(most) = counts.values().max().filter(|n| **n >= least) else { break };
        let pair = counts.iter().find(|(_, n)| *n == most).map(|(p, _)| p.clone()).expect("it has the largest count");
        let text = format!("{}{}", pair.0, pair.1);
        merges.push(pair);
        if known.insert(text.clone()) {
            pieces.push(text);
        }
    }
    (pieces, merges.split_off(old))
}

#[test]
fn pieces_and_merges_are_those_of_a_plain_computation() {
    for size in [1, 10, 40, 400] {
        let tokenizer = bpe();
        let (old, first) = (merges(tokenizer.definition()), tokenizer.size() as u32);
        let (pieces, learned) = plainly(&tokenizer, &NEW, size, 2);
        let (model, _) = extended(json!({ "size": size }), model(tokenizer, 0, false), &NEW).expect("extends");
        let found: Vec<String> = (first..).map_while(|id| model.tokenizers[0].piece(id)).collect();
        assert_eq!(found, pieces);
        let all = merges(definition(&model));
        assert_eq!(all[..old.len()], old[..]);
        assert_eq!(all[old.len()..], learned[..]);
        for word in NEW.iter().flat_map(|t| model.tokenizers[0].words(t).expect("words")) {
            let ids = model.tokenizers[0].encode(&model.tokenizers[0].decode(&ids_of(&model, &cut(&word, &all))).expect("text")).expect("ids");
            assert_eq!(ids, ids_of(&model, &cut(&word, &all)), "{word}");
        }
    }
}

fn ids_of(model: &Model, parts: &[String]) -> Vec<u32> {
    parts.iter().map(|p| definition(model)["model"]["vocab"][p].as_u64().expect("an entry") as u32).collect()
}

#[test]
fn a_result_that_is_an_entry_gets_a_merge_and_no_new_entry() {
    // "et" and "xe" are entries that no merge makes; where both come about, an old merge joins them.
    let odd = changed(&bpe(), |d| {
        ["et", "xe", "etxe"].iter().enumerate().for_each(|(i, name)| d["model"]["vocab"][name] = json!(281 + i));
        d["model"]["merges"].as_array_mut().expect("merges").push(json!(["et", "xe"]));
    });
    let (expected, learned) = plainly(&odd, &NEW, 30, 2);
    let pair = |l: &str, r: &str| learned.contains(&(l.into(), r.into()));
    assert!(pair("e", "t") && pair("x", "e") && learned.len() >= expected.len() + 2, "{learned:?}");
    let (model, _) = extended(json!({ "size": 30 }), model(odd, 0, false), &NEW).expect("extends");
    let tokenizer = &model.tokenizers[0];
    assert_eq!(merges(definition(&model)).split_off(25), learned);
    assert_eq!((284..).map_while(|id| tokenizer.piece(id)).collect::<Vec<_>>(), expected);
    assert_eq!(tokenizer.encode("etxe").expect("ids"), [283]);
}

#[test]
fn the_form_of_the_merges_is_kept() {
    let as_text = changed(&bpe(), |d| {
        let list = d["model"]["merges"].as_array_mut().expect("merges");
        list.iter_mut().for_each(|m| *m = json!(format!("{} {}", m[0].as_str().expect("text"), m[1].as_str().expect("text"))));
    });
    let (text, _) = extended(json!({ "size": 20 }), model(as_text, 0, false), &NEW).expect("extends");
    let (pair, _) = extended(json!({ "size": 20 }), model(bpe(), 0, false), &NEW).expect("extends");
    assert!(definition(&text)["model"]["merges"].as_array().expect("merges").iter().all(Json::is_string));
    assert!(definition(&pair)["model"]["merges"].as_array().expect("merges").iter().all(Json::is_array));
    assert_eq!(merges(definition(&text)), merges(definition(&pair)));
}

#[test]
fn old_ids_stay_also_those_outside_the_vocabulary_and_new_ones_follow_the_rows() {
    let outside = changed(&bpe(), |d| {
        let token = json!({ "id": 281, "content": "<|end|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true });
        d["added_tokens"].as_array_mut().expect("a list").push(token);
    });
    let old: Vec<Option<String>> = (0..282).map(|id| outside.piece(id)).collect();
    let added = outside.definition()["added_tokens"].clone();
    assert_eq!(old[281].as_deref(), Some("<|end|>"));
    let (model, _) = extended(json!({ "size": 5 }), model(outside, 6, false), &NEW).expect("extends");
    let new = &model.tokenizers[0];
    assert_eq!((0..282).map(|id| new.piece(id)).collect::<Vec<_>>(), old);
    assert_eq!(definition(&model)["added_tokens"], added);
    assert!((282..288).all(|id| new.piece(id).is_none()) && (288..293).all(|id| new.piece(id).is_some()));
    assert_eq!((new.size(), model.spec().vocabulary, model.spec().config["vocab_size"].clone()), (293, 293, json!(293)));
    assert_eq!(new.encode("<|end|>").expect("ids"), [281]);
    let text = NEW.join("\n");
    assert_eq!(new.decode(&new.encode(&text).expect("ids")).expect("text"), text);
}

#[test]
fn an_added_token_is_never_a_result() {
    let reserved = changed(&bpe(), |d| {
        let token = json!({ "id": 281, "content": "gau", "single_word": true, "lstrip": false, "rstrip": false, "normalized": false, "special": false });
        d["added_tokens"].as_array_mut().expect("a list").push(token);
    });
    let (model, _) = extended(json!({ "size": 400 }), model(reserved, 0, false), &NEW).expect("extends");
    assert!(merges(definition(&model)).iter().all(|(l, r)| format!("{l}{r}") != "gau"));
    assert_eq!(model.tokenizers[0].piece(281).as_deref(), Some("gau"));
}

// ---- rows

const EMBED: &str = "model.embed_tokens.weight";
const HEAD: &str = "lm_head.weight";

#[test]
fn new_rows_are_means_of_old_ones_and_old_rows_stay_bit_for_bit() {
    let old_merges = merges(bpe().definition());
    let before = snapshot(&model(bpe(), 2, false), "");
    let (model, _) = extended(json!({ "size": 25 }), model(bpe(), 2, false), &NEW).expect("extends");
    let after = snapshot(&model, "");
    for (name, range) in [(EMBED, 283..308), (HEAD, 283..308)] {
        assert_eq!(model.new_rows.get(name), Some(&range));
        assert!(after[name][..283 * 16].iter().zip(&before[name]).all(|(a, b)| a.to_bits() == b.to_bits()));
        for id in range {
            let piece = model.tokenizers[0].piece(id as u32).expect("a piece");
            // Without aliases the parts of a piece are what the old merges make of it.
            let parts = ids_of(&model, &cut(&piece, &old_merges));
            let expected: Vec<f32> = (0..16).map(|i| parts.iter().map(|p| before[name][*p as usize * 16 + i]).sum::<f32>() / parts.len() as f32).collect();
            tongues_testkit::assert_near(&format!("{name} row {id} `{piece}`"), &after[name][id * 16..(id + 1) * 16], &expected, 1e-6);
        }
    }
    assert_eq!(after[EMBED].len(), 308 * 16);
}

#[test]
fn a_tied_head_stays_tied_and_is_named_once() {
    let (model, _) = extended(json!({ "size": 25 }), model(bpe(), 0, true), &NEW).expect("extends");
    assert_eq!(model.new_rows, BTreeMap::from([(EMBED.to_owned(), 281..306)]));
    assert!(!snapshot(&model, "").contains_key(HEAD));
}

#[test]
fn a_second_extension_continues_the_first() {
    let (model, _) = extended(json!({ "size": 5 }), model(bpe(), 0, false), &NEW).expect("extends");
    let (model, _) = extended(json!({ "size": 7 }), model, &NEW).expect("extends again");
    let (whole, _) = extended(json!({ "size": 12 }), self::model(bpe(), 0, false), &NEW).expect("extends");
    assert_eq!(model.new_rows.get(EMBED), Some(&(281..293)));
    assert_eq!(definition(&model), definition(&whole));
}

#[test]
fn random_rows_have_the_spread_of_the_old_ones() {
    let (model, _) = extended(json!({ "size": 60, "init": "random", "min_frequency": 1 }), model(bpe(), 0, false), &NEW).expect("extends");
    let after = snapshot(&model, "");
    let (embed, head) = (&after[EMBED], &after[HEAD]);
    for table in [embed, head] {
        let (old, new) = table.split_at(281 * 16);
        assert!((spread(new) / spread(old) - 1.0).abs() < 0.1, "{} {}", spread(new), spread(old));
    }
    assert_ne!(embed[281 * 16..281 * 16 + 4], head[281 * 16..281 * 16 + 4]);
}

// ---- the promises of adapters

fn case(options: Json) -> AdapterCase {
    AdapterCase::new("vocab-extend", options).with_model(|_| model(bpe(), 1, false)).with_texts(NEW)
}

#[test]
fn logits_of_old_tokens_stay_and_draws_decide() {
    case(json!({ "size": 12 })).starts_as_promised();
    case(json!({ "size": 12 })).without_draws().is_deterministic();
    case(json!({ "size": 12, "init": "random" })).is_deterministic();
    check_refusals(Kind::Adapter, "vocab-extend", &json!({ "size": 12, "init": "mean", "data": "x", "min_frequency": 3 }));
}

#[test]
fn the_note_counts_pieces_and_tokens_per_word() {
    let (model, notes) = extended(json!({ "size": 500 }), model(bpe(), 0, false), &NEW).expect("extends");
    let learned = model.new_rows[EMBED].len();
    assert!(learned < 500);
    let words: usize = NEW.iter().map(|t| t.split_whitespace().count()).sum();
    let tokens = |t: &dyn Tokenizer| NEW.iter().map(|text| t.encode(text).expect("ids").len()).sum::<usize>() as f64 / words as f64;
    let (before, after) = (tokens(&bpe()), tokens(&*model.tokenizers[0]));
    assert!(after < before / 2.0, "{before} {after}");
    let expected = format!(
        "vocab-extend: {learned} new pieces of 500 asked for: the texts hold no more; tokens per word on `stage`: {before:.3} before, {after:.3} after"
    );
    assert_eq!(notes, [expected]);
}

#[test]
fn rare_pieces_are_left_out() {
    let learn = |least: u64| extended(json!({ "size": 500, "min_frequency": least }), model(bpe(), 0, false), &NEW).expect("extends").0.new_rows[EMBED].len();
    assert!(learn(1) > learn(2) && learn(2) > learn(6));
    assert_eq!(learn(6), plainly(&bpe(), &NEW, 500, 6).0.len());
}
