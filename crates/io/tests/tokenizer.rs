//! Tokenizers: every text comes back, training is reproducible, folders are read as written, mistakes are named.

use std::fs;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tongues_io::{Algorithm, HfTokenizer, check_rows};
use tongues_kernel::Tokenizer;

const SIZE: usize = 420;

/// A small corpus with endings and repetition, in two scripts.
fn texts() -> Vec<String> {
    let stems = ["mendi", "etxe", "herri", "gizon", "lagun", "liburu", "zuhaitz", "itsaso", "звезда", "дорога", "kale", "ibai", "egun", "gau"];
    let endings = ["", "a", "ak", "an", "ko", "tik", "ra", "rekin", "aren", "entzat", "ы", "ой"];
    let pick = |i: usize, n: usize| (i.wrapping_mul(2_654_435_761) >> 9) % n;
    let word = |i: usize| format!("{}{}", stems[pick(i, stems.len())], endings[pick(i + 9999, endings.len())]);
    (0..600).map(|i| format!("{} {}, {} {} {}.", word(i), word(2000 + i), word(4000 + i), word(6000 + i), i % 40)).collect()
}

fn trained(algorithm: Algorithm) -> HfTokenizer {
    HfTokenizer::train(algorithm, SIZE, &mut texts().into_iter()).unwrap()
}

fn both() -> [HfTokenizer; 2] {
    [trained(Algorithm::Bpe), trained(Algorithm::Unigram)]
}

fn assert_round_trip(tokenizer: &HfTokenizer, text: &str) {
    let ids = tokenizer.encode(text).unwrap();
    assert_eq!(tokenizer.decode(&ids).unwrap(), text);
    let unknown = tokenizer.definition()["model"]["unk_id"].as_u64();
    assert!(ids.iter().all(|id| Some(u64::from(*id)) != unknown), "{text:?} has an unknown");
}

const HARD: [&str; 15] = [
    "",
    " ",
    "  two  spaces  ",
    " a",
    "a ",
    "mendiak eta etxeak",
    "日本語のテキスト",
    "🦀👩‍👩‍👧 emoji",
    "\0\u{1}\u{7f}\u{85}\u{200b}",
    "tab\tline\nreturn\r\n\n",
    "<0x41> <0xE2><0x96> <unk> <0x0",
    "e\u{301} é \u{fffd}",
    "ﬁ ﷺ Ǆ",
    "\u{10ffff}\u{e000}",
    "İstanbul ẞ",
];

#[test]
fn every_text_comes_back_exactly() {
    for tokenizer in both() {
        HARD.iter().for_each(|text| assert_round_trip(&tokenizer, text));
        texts().iter().for_each(|text| assert_round_trip(&tokenizer, text));
    }
}

#[test]
fn the_one_exception_is_the_mark_that_stands_for_the_space() {
    let [bpe, unigram] = both();
    assert_round_trip(&bpe, "a▁b");
    assert_eq!(unigram.decode(&unigram.encode("a▁b").unwrap()).unwrap(), "a b");
}

#[test]
fn training_gives_the_size_and_the_special_tokens_first_and_shortens_text() {
    for tokenizer in both() {
        assert_eq!(tokenizer.size(), SIZE);
        assert_eq!((tokenizer.bos(), tokenizer.eos(), tokenizer.pad()), (Some(0), Some(1), Some(2)));
        assert_eq!([0, 1, 2].map(|id| tokenizer.piece(id).unwrap()), ["<s>", "</s>", "<pad>"]);
        assert_eq!(tokenizer.piece(SIZE as u32), None);
        let n = tokenizer.encode("mendiak liburua").unwrap().len();
        assert!(n <= 6, "{n} tokens");
    }
}

#[test]
fn further_special_tokens_come_behind_the_three_and_are_written_down() {
    for algorithm in [Algorithm::Bpe, Algorithm::Unigram] {
        let with = |special: &[&str]| {
            let special: Vec<String> = special.iter().map(|s| (*s).to_owned()).collect();
            HfTokenizer::train_with(algorithm, SIZE, &special, &mut texts().into_iter())
        };
        let tokenizer = with(&["<mask>", "<sep>"]).unwrap();
        assert_eq!([2, 3, 4].map(|id| tokenizer.piece(id).unwrap()), ["<pad>", "<mask>", "<sep>"]);
        assert_eq!((tokenizer.size(), tokenizer.encode("a<mask>").unwrap().last()), (SIZE, Some(&3)));
        let config = &tokenizer.files()[1].1;
        assert!(config.contains("\"mask_token\": \"<mask>\""), "{config}");
        assert_round_trip(&tokenizer, "kaixo mundua");
        for taken in [&["</s>"][..], &["<mask>", "<mask>"], &[""], &["<unk>"]] {
            assert!(with(taken).unwrap_err().to_string().contains("names that are not taken"));
        }
    }
}

#[test]
fn equal_texts_give_equal_bytes() {
    for algorithm in [Algorithm::Bpe, Algorithm::Unigram] {
        let first = trained(algorithm).definition().to_string();
        for _ in 0..5 {
            assert_eq!(trained(algorithm).definition().to_string(), first);
        }
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(one_thread.install(|| trained(algorithm).definition().to_string()), first);
    }
}

#[test]
fn names_of_special_tokens_in_a_text_are_those_tokens_and_are_left_out_again() {
    for tokenizer in both() {
        let ids = tokenizer.encode("a</s>b").unwrap();
        assert_eq!(ids.iter().filter(|id| **id == 1).count(), 1);
        assert_eq!(tokenizer.decode(&ids).unwrap(), "ab");
    }
}

#[test]
fn words_are_what_no_entry_crosses() {
    let [bpe, unigram] = both();
    assert_eq!(bpe.words("Kaixo, mundu ä</s>").unwrap(), ["Kaixo", ",", "Ġmundu", "ĠÃ¤"]);
    assert_eq!(unigram.words("Kaixo, mundu</s>").unwrap(), ["Kaixo,", "▁mundu"]);
    let sentencepiece = json!({
        "version": "1.0", "added_tokens": [], "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "model": {"type": "BPE", "vocab": {"▁": 0, "a": 1}, "merges": []}
    });
    let tokenizer = HfTokenizer::from_definition(sentencepiece, "t").unwrap();
    assert_eq!(tokenizer.words("ab  c d").unwrap(), ["▁ab", "▁▁c", "▁d"]);
}

#[test]
fn training_refuses_what_cannot_be() {
    let message = |algorithm, size, texts: &[&str]| {
        let mut texts = texts.iter().map(|t| t.to_string());
        HfTokenizer::train(algorithm, size, &mut texts).unwrap_err().to_string()
    };
    for algorithm in [Algorithm::Bpe, Algorithm::Unigram] {
        assert!(message(algorithm, 500, &[]).contains("expected texts, found no word in them"));
        assert!(message(algorithm, 100, &["kaixo"]).contains("expected a size of at least 2"));
        let small = message(algorithm, 5000, &["kaixo mundua"]);
        assert!(small.contains("expected 5000 entries, found ") && small.contains("train on more text"), "{small}");
    }
}

#[test]
fn a_folder_is_read_as_it_was_written() {
    for tokenizer in both() {
        let dir = tempfile::tempdir().unwrap();
        tokenizer.save(dir.path()).unwrap();
        let again = HfTokenizer::from_dir(dir.path()).unwrap();
        assert_eq!(again.definition(), tokenizer.definition());
        assert_eq!((again.bos(), again.eos(), again.pad()), (Some(0), Some(1), Some(2)));
        assert_eq!(HfTokenizer::open(dir.path()).unwrap().definition(), again.definition());
        let file = HfTokenizer::open(&dir.path().join("tokenizer.json")).unwrap();
        assert_eq!((file.bos(), file.eos(), file.pad()), (Some(0), Some(1), Some(2)), "by their usual names");
        assert_eq!(again.encode("mendia 日本").unwrap(), tokenizer.encode("mendia 日本").unwrap());
        let settings: Json = serde_json::from_slice(&fs::read(dir.path().join("tokenizer_config.json")).unwrap()).unwrap();
        assert_eq!((&settings["tokenizer_class"], &settings["eos_token"]), (&json!("PreTrainedTokenizerFast"), &json!("</s>")));
        assert_eq!(settings["clean_up_tokenization_spaces"], false);
        let map: Json = serde_json::from_slice(&fs::read(dir.path().join("special_tokens_map.json")).unwrap()).unwrap();
        assert_eq!(map, json!({"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}));
    }
}

#[test]
fn special_ids_come_from_the_most_binding_file() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, value: Json| fs::write(dir.path().join(name), value.to_string()).unwrap();
    trained(Algorithm::Bpe).save(dir.path()).unwrap();
    put("tokenizer_config.json", json!({"eos_token": {"content": "<pad>"}, "pad_token": "</s>", "chat_template": "{{ x }}"}));
    let open = || HfTokenizer::from_dir(dir.path());
    let tokenizer = open().unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.eos(), tokenizer.pad()), (Some(0), Some(2), Some(1)));
    assert_eq!(tokenizer.chat_template(), Some("{{ x }}"));
    put("config.json", json!({"bos_token_id": 5, "eos_token_id": 6, "pad_token_id": -1}));
    put("generation_config.json", json!({"bos_token_id": null, "eos_token_id": [7, 1]}));
    let tokenizer = open().unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.ends(), tokenizer.pad()), (Some(5), vec![7, 1], Some(1)));
    put("config.json", json!({"pad_token_id": 32000}));
    let message = open().unwrap_err().to_string();
    assert!(message.contains("config.json, key `pad_token_id`: expected the id of an entry of the tokenizer, found 32000"), "{message}");
    put("config.json", json!({}));
    put("tokenizer_config.json", json!({"pad_token": "[PAD]"}));
    assert!(open().unwrap_err().to_string().contains("key `pad_token`: expected a token of tokenizer.json, found `[PAD]`"));
}

#[test]
fn a_missing_or_broken_definition_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let message = || HfTokenizer::from_dir(dir.path()).unwrap_err().to_string();
    assert!(message().contains("tokenizer.json: expected a tokenizer.json, found no such file"));
    fs::write(dir.path().join("spiece.model"), "").unwrap();
    assert!(message().contains("found only spiece.model, an older form") && message().contains("use_fast=True"));
    fs::write(dir.path().join("tokenizer.json"), "{\"a\": }").unwrap();
    assert!(message().contains("tokenizer.json:1:7: expected JSON"));
    fs::write(dir.path().join("tokenizer.json"), "{\"model\": {\"type\": \"BPE\"}}").unwrap();
    assert!(message().contains("expected a tokenizer.json of the `tokenizers` library"));
    let mut random = trained(Algorithm::Bpe).definition().clone();
    random["model"]["dropout"] = json!(0.1);
    assert!(HfTokenizer::from_definition(random, "t").unwrap_err().to_string().contains("always gives the same ids, found model.dropout"));
}

#[test]
fn limits_written_in_a_definition_do_not_cut_or_pad() {
    let mut definition = trained(Algorithm::Bpe).definition().clone();
    definition["truncation"] = json!({"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0});
    definition["padding"] = json!({
        "strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 2, "pad_type_id": 0, "pad_token": "<pad>"
    });
    let limited = HfTokenizer::from_definition(definition, "t").unwrap();
    assert_round_trip(&limited, "mendia mendia mendia mendia");
}

#[test]
fn ids_must_lie_in_the_vocabulary_and_in_the_rows() {
    let tokenizer = trained(Algorithm::Bpe);
    let message = tokenizer.decode(&[5, 9999]).unwrap_err().to_string();
    assert!(message.contains("expected an id below 420, found 9999"), "{message}");
    check_rows(&tokenizer, SIZE).unwrap();
    check_rows(&tokenizer, SIZE + 64).unwrap();
    let message = check_rows(&tokenizer, SIZE - 1).unwrap_err().to_string();
    assert!(message.contains("expected ids below 419, the rows of the model's embedding, found ids up to 419"), "{message}");
}

proptest! {
    #[test]
    fn any_text_comes_back(text in "[^▁]{0,40}", ascii in "[ -~\\t\\n]{0,40}") {
        static BOTH: std::sync::OnceLock<[HfTokenizer; 2]> = std::sync::OnceLock::new();
        for tokenizer in BOTH.get_or_init(both) {
            for text in [&text, &ascii] {
                let names = ["<s>", "</s>", "<pad>"];
                if !names.iter().any(|name| text.contains(name)) {
                    assert_round_trip(tokenizer, text);
                }
            }
        }
    }
}

fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/tokenizer").join(name)
}

#[test]
fn offsets_say_which_bytes_a_token_stands_for() {
    for name in ["bpe", "unigram"] {
        let tokenizer = HfTokenizer::from_dir(&fixture(name)).expect("a tokenizer");
        let text = "Haurrek <s>水 naïve 😀\n";
        let encoded = tokenizer.encode_with_offsets(text).expect("ids");
        assert_eq!(encoded.iter().map(|(id, _)| *id).collect::<Vec<_>>(), tokenizer.encode(text).expect("ids"), "{name}");
        let special: Vec<&str> = encoded.iter().filter(|(id, _)| Some(*id) == tokenizer.bos()).map(|(_, bytes)| &text[bytes.clone()]).collect();
        assert_eq!(special, ["<s>"], "{name}");
        let covered = |at: usize| encoded.iter().any(|(_, bytes)| bytes.contains(&at));
        let uncovered: Vec<char> = text.char_indices().filter(|(at, _)| !covered(*at)).map(|(_, c)| c).collect();
        assert!(uncovered.iter().all(|c| c.is_whitespace()), "{name}: {uncovered:?}");
        assert!(encoded.iter().all(|(_, bytes)| text.is_char_boundary(bytes.start) && text.is_char_boundary(bytes.end)), "{name}");
    }
}

#[test]
fn chat_templates_keep_the_names_of_their_special_tokens() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).expect(name);
    write("tokenizer.json", std::fs::read_to_string(fixture("bpe").join("tokenizer.json")).expect("a file"));
    // The text ends with <pad> by its id, a turn with </s> by its name: as instruction models have it.
    write("generation_config.json", serde_json::json!({ "eos_token_id": [0, 2] }).to_string());
    let config = serde_json::json!({ "eos_token": { "content": "</s>" }, "bos_token": "<s>", "chat_template": "{{ eos_token }}" });
    write("tokenizer_config.json", config.to_string());
    let tokenizer = HfTokenizer::from_dir(dir.path()).expect("a tokenizer");
    assert_eq!((tokenizer.eos(), tokenizer.chat()["eos_token"].as_str()), (Some(0), Some("</s>")));
    assert_eq!(tokenizer.chat()["chat_template"], "{{ eos_token }}");
    let written: Json = serde_json::from_str(&tokenizer.files()[1].1).expect("JSON");
    assert_eq!((&written["eos_token"], &written["chat_template"]), (&config["eos_token"]["content"], &config["chat_template"]));
    write("chat_template.jinja", "own file".into());
    assert_eq!(HfTokenizer::from_dir(dir.path()).expect("a tokenizer").chat()["chat_template"], "own file");
}
