//! What cannot be extended, and what it says.

use super::{NEW, bpe, changed, extended, model};
use serde_json::json;
use std::sync::Arc;
use tongues_kernel::Draws;
use tongues_testkit::ToyShape;

#[test]
fn other_tokenizers_and_texts_without_anything_new_are_refused() {
    let toy = ToyShape::default().model(Draws::new(1));
    let message = extended(json!({ "size": 5 }), toy, &NEW).err().expect("refused");
    assert!(message.contains("BPE or Unigram") && message.contains("found Bytes"), "{message}");
    let suffix = changed(&bpe(), |d| d["model"]["end_of_word_suffix"] = json!("</w>"));
    assert!(extended(json!({ "size": 5 }), model(suffix, 0, false), &NEW).err().expect("refused").contains("end_of_word_suffix"));
    let nothing = extended(json!({ "size": 5, "min_frequency": 100 }), model(bpe(), 0, false), &NEW).err().expect("refused");
    assert!(nothing.contains("data `stage`") && nothing.contains("none that occurs 100 times"), "{nothing}");
    assert!(extended(json!({ "size": 5 }), model(bpe(), 0, false), &[""]).err().expect("refused").contains("no word"));
    assert!(extended(json!({ "size": 5, "field": "body" }), model(bpe(), 0, false), &NEW).err().expect("refused").contains("`body`"));
    let mut short = ToyShape { vocabulary: 280, ..ToyShape::default() }.model(Draws::new(3));
    short.tokenizers = vec![Arc::new(bpe())];
    let rows = extended(json!({ "size": 5 }), short, &NEW).err().expect("refused");
    assert!(rows.contains("ids below 280") && rows.contains("ids up to 280"), "{rows}");
}
