//! Changed and retrained vocabularies: the kind of the tokenizer stays, and its special tokens with it.

use serde_json::json;
use tongues_io::{Algorithm, HfTokenizer};
use tongues_kernel::Tokenizer;

fn texts() -> Vec<String> {
    let stems = ["mendi", "etxe", "herri", "gizon", "lagun", "liburu", "zuhaitz", "itsaso", "kale", "ibai"];
    let endings = ["", "a", "ak", "an", "ko", "tik", "ra", "rekin", "aren", "entzat"];
    let pick = |i: usize, n: usize| (i.wrapping_mul(2_654_435_761) >> 9) % n;
    let word = |i: usize| format!("{}{}", stems[pick(i, stems.len())], endings[pick(i + 9999, endings.len())]);
    (0..300).map(|i| format!("{} {} {}.", word(i), word(2000 + i), word(4000 + i))).collect()
}

fn added(names: &[&str]) -> serde_json::Value {
    let token = |(id, name): (usize, &&str)| {
        json!({
            "id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true
        })
    };
    names.iter().enumerate().map(token).collect()
}

fn round_trip(tokenizer: &dyn Tokenizer, text: &str) -> String {
    tokenizer.decode(&tokenizer.encode(text).unwrap()).unwrap()
}

#[test]
fn a_grown_vocabulary_keeps_old_ids_and_special_tokens() {
    let old = HfTokenizer::train(Algorithm::Bpe, 300, &mut texts().into_iter()).unwrap();
    let mut definition = old.definition().clone();
    definition["model"]["vocab"]["zuq"] = json!(300);
    definition["model"]["vocab"]["zu"] = json!(301);
    let merges = definition["model"]["merges"].as_array_mut().unwrap();
    merges.retain(|m| m != &json!(["z", "u"]));
    merges.extend([json!(["z", "u"]), json!(["zu", "q"])]);
    let new = old.redefined(definition).unwrap();
    assert_eq!((new.size(), new.bos(), new.eos(), new.pad()), (302, Some(0), Some(1), Some(2)));
    assert_eq!(new.encode("zuq").unwrap(), [300]);
    assert_eq!(new.encode("itsasoan").unwrap(), old.encode("itsasoan").unwrap());
}

#[test]
fn special_tokens_are_found_again_by_name_and_may_not_be_lost() {
    let old = HfTokenizer::train(Algorithm::Unigram, 330, &mut texts().into_iter()).unwrap();
    let mut definition = old.definition().clone();
    let vocab = definition["model"]["vocab"].as_array_mut().unwrap();
    let end = vocab.len() - 1;
    vocab.swap(1, end);
    definition["added_tokens"][1]["id"] = json!(end);
    assert_eq!(old.redefined(definition.clone()).unwrap().eos(), Some(end as u32));
    definition["model"]["vocab"].as_array_mut().unwrap().pop();
    definition["added_tokens"].as_array_mut().unwrap().remove(1);
    let message = old.redefined(definition).err().unwrap().to_string();
    assert!(message.contains("expected the special token </s>, found none"), "{message}");
}

#[test]
fn a_template_follows_its_tokens() {
    let first = HfTokenizer::train(Algorithm::Bpe, 300, &mut texts().into_iter()).unwrap();
    let mut definition = first.definition().clone();
    let last = first.size();
    definition["added_tokens"].as_array_mut().unwrap().extend([
        json!({"id": last, "content": "<x>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}),
        json!({"id": last + 1, "content": "plain", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false}),
    ]);
    definition["post_processor"] = json!({
        "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<x>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<x>": {"id": "<x>", "ids": [last], "tokens": ["<x>"]}}
    });
    let new = HfTokenizer::from_definition(definition, "t").unwrap().trained_like(&mut texts().into_iter(), 290).unwrap();
    assert_eq!(new.size(), 290);
    assert_eq!(new.piece(3).as_deref(), Some("<x>"));
    assert_eq!(new.definition()["post_processor"]["special_tokens"]["<x>"]["ids"], json!([3]));
    assert_eq!(new.definition()["added_tokens"].as_array().unwrap().len(), 4);
    assert_eq!(round_trip(&*new, "plain 日本"), "plain 日本");
}

#[test]
fn wordpiece_is_trained_with_its_marks_and_reproducibly() {
    let definition = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&["[PAD]", "[UNK]", "[CLS]", "[SEP]"]),
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": false},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}}
    });
    let old = HfTokenizer::from_definition(definition, "bert").unwrap();
    let train = || old.trained_like(&mut texts().into_iter(), 110).unwrap();
    let new = train();
    assert_eq!(new.size(), 110);
    assert_eq!((new.bos(), new.eos(), new.pad()), (Some(2), Some(3), Some(0)));
    let pieces: Vec<String> = new.encode("Mendiaren").unwrap().into_iter().map(|id| new.piece(id).unwrap()).collect();
    assert!(pieces[0].starts_with("me") && pieces[1..].iter().all(|p| p.starts_with("##")), "{pieces:?}");
    assert_eq!(round_trip(&*new, "Mendiaren etxea"), "mendiaren etxea");
    for _ in 0..5 {
        assert_eq!(train().definition(), new.definition());
    }
}

#[test]
fn sentencepiece_bpe_keeps_its_bytes() {
    let bytes = (0..256).map(|b| format!("<0x{b:02X}>"));
    let names = ["<unk>", "<s>", "</s>"].map(String::from).into_iter().chain(bytes);
    let vocab: serde_json::Map<String, serde_json::Value> = names.enumerate().map(|(id, name)| (name, json!(id))).collect();
    let definition = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added(&["<unk>", "<s>", "</s>"]),
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": null, "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": true, "byte_fallback": true, "vocab": vocab, "merges": []}
    });
    let new = HfTokenizer::from_definition(definition, "llama").unwrap().trained_like(&mut texts().into_iter(), 340).unwrap();
    assert_eq!((new.size(), new.bos(), new.eos(), new.pad()), (340, Some(1), Some(2), None));
    assert_eq!(new.piece(3 + 0x41).as_deref(), Some("<0x41>"));
    assert_eq!(new.piece(0).as_deref(), Some("<unk>"));
    assert_eq!(round_trip(&*new, "mendiak 日本"), "mendiak 日本");
    assert!(new.encode("mendiak").unwrap().len() <= 4);
}
