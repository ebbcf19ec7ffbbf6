//! Extending unigram vocabularies.

use super::{EMBED, NEW, OLD, changed, definition, extended, model, texts};
use serde_json::json;
use tongues_io::HfTokenizer;
use tongues_kernel::{Model, Tokenizer};
use tongues_testkit::{assert_near, snapshot};

/// A unigram tokenizer of the old language, in SentencePiece's alphabet.
fn unigram() -> HfTokenizer {
    let metaspace = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true });
    let empty = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null, "pre_tokenizer": metaspace, "post_processor": null, "decoder": metaspace,
        "model": { "type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]], "byte_fallback": false }
    });
    let empty = HfTokenizer::from_definition(empty, "test").expect("a tokenizer");
    let trained = empty.trained_like(&mut texts(&OLD), 30).expect("trained");
    HfTokenizer::from_definition(trained.definition().clone(), "test").expect("a tokenizer")
}

fn scores(model: &Model) -> Vec<(String, f64)> {
    let list = definition(model)["model"]["vocab"].as_array().expect("a list");
    list.iter().map(|e| (e[0].as_str().expect("text").to_owned(), e[1].as_f64().expect("a score"))).collect()
}

#[test]
fn a_unigram_vocabulary_keeps_its_entries_and_its_new_ones_win_alone() {
    let old = unigram();
    let n = old.size();
    let before = snapshot(&model(unigram(), 0, false), "");
    let (model, notes) = extended(json!({ "size": 15 }), model(unigram(), 0, false), &NEW).expect("extends");
    let list = scores(&model);
    assert_eq!(list[..n], scores(&super::model(unigram(), 0, false))[..]);
    assert_eq!((list.len(), model.new_rows.get(EMBED)), (n + 15, Some(&(n..n + 15))));
    assert!(notes[0].starts_with("vocab-extend: 15 new pieces;"), "{notes:?}");
    let after = snapshot(&model, EMBED);
    for (id, (piece, _)) in list.iter().enumerate().skip(n) {
        let Some(text) = piece.strip_prefix('▁') else { continue };
        assert_eq!(model.tokenizers[0].encode(text).expect("ids"), [id as u32], "{piece}");
        let parts = old.encode(text).expect("ids");
        assert!(!parts.is_empty());
        let expected: Vec<f32> = (0..16).map(|i| parts.iter().map(|p| before[EMBED][*p as usize * 16 + i]).sum::<f32>() / parts.len() as f32).collect();
        assert_near(&format!("row of `{piece}`"), &after[EMBED][id * 16..(id + 1) * 16], &expected, 1e-6);
    }
    let tokens = |t: &dyn Tokenizer| NEW.iter().map(|text| t.encode(text).expect("ids").len()).sum::<usize>();
    assert!(tokens(&*model.tokenizers[0]) < tokens(&old));
}

#[test]
fn a_unigram_vocabulary_that_would_shift_ids_is_refused() {
    let padded = extended(json!({ "size": 5 }), model(unigram(), 3, false), &NEW).err().expect("refused");
    assert!(padded.contains("padding rows") && padded.contains("30 entries") && padded.contains("33 rows"), "{padded}");
    let behind = changed(&unigram(), |d| {
        d["added_tokens"] =
            json!([{ "id": 30, "content": "<x>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true }]);
    });
    assert!(extended(json!({ "size": 5 }), model(behind, 0, false), &NEW).err().expect("refused").contains("replace the tokenizer"));
}
