use super::*;
use serde_json::{Value as Json, json};

/// A vocabulary of words, by id.
struct Words(Json, Vec<String>);

fn words(all: &[&str]) -> Entry {
    let added: Vec<Json> = all.iter().enumerate().map(|(id, w)| json!({ "id": id, "content": w })).collect();
    let tokenizer = Words(json!({ "added_tokens": added }), all.iter().map(|w| (*w).to_owned()).collect());
    (Arc::new(tokenizer), all.len())
}

impl Tokenizer for Words {
    fn encode(&self, _: &str) -> Result<Vec<u32>> {
        Ok(vec![])
    }
    fn decode(&self, _: &[u32]) -> Result<String> {
        Ok(String::new())
    }
    fn size(&self) -> usize {
        self.1.len()
    }
    fn piece(&self, id: u32) -> Option<String> {
        self.1.get(id as usize).cloned()
    }
    fn bos(&self) -> Option<u32> {
        None
    }
    fn eos(&self) -> Option<u32> {
        None
    }
    fn pad(&self) -> Option<u32> {
        None
    }
    fn words(&self, _: &str) -> Result<Vec<String>> {
        Ok(vec![])
    }
    fn definition(&self) -> &Json {
        &self.0
    }
    fn redefined(&self, definition: Json) -> Result<Arc<dyn Tokenizer>> {
        let all: Vec<String> = definition["added_tokens"].as_array().unwrap().iter().map(|t| t["content"].as_str().unwrap().into()).collect();
        Ok(Arc::new(Words(definition, all)))
    }
    fn trained_like(&self, _: &mut dyn Iterator<Item = String>, _: usize) -> Result<Arc<dyn Tokenizer>> {
        Ok(Arc::new(Words(self.0.clone(), self.1.clone())))
    }
}

fn rows(vocabulary: &Vocabulary, input: usize, tables: &[&[f32]]) -> Vec<f32> {
    let slices: Vec<Slice<'_>> = tables.iter().map(|t| Slice::of(t)).collect();
    vocabulary.gather(input, &slices, 1).unwrap()
}

const NONE: BTreeMap<String, Rule> = BTreeMap::new();

#[test]
fn rows_follow_their_tokens_into_the_union() {
    let inputs = [words(&["a", "b", "c"]), words(&["c", "d", "a"]), words(&["d", "e"])];
    let tables: [&[f32]; 3] = [&[1.0, 2.0, 3.0], &[30.0, 40.0, 10.0], &[400.0, 500.0]];
    let joined = Vocabulary::join(&inputs, Target::Union, Some(0), &NONE, None).unwrap();
    let tokens: Vec<String> = (0..joined.tokenizer.size()).filter_map(|i| joined.tokenizer.piece(i as u32)).collect();
    assert_eq!(tokens, ["a", "b", "c", "d", "e"]);
    // Its own rows; where a model lacks a token: the base's row, the only one there is, or the mean.
    assert_eq!(rows(&joined, 0, &tables), [1.0, 2.0, 3.0, 220.0, 500.0]);
    assert_eq!(rows(&joined, 1, &tables), [10.0, 2.0, 30.0, 40.0, 500.0]);
    assert_eq!(rows(&joined, 2, &tables), [1.0, 2.0, 3.0, 400.0, 500.0]);
}

#[test]
fn one_vocabulary_keeps_its_padding_and_takes_rows_by_token() {
    let mut padded = words(&["a", "b"]);
    padded.1 = 4;
    let inputs = [padded, words(&["b", "a", "x"])];
    let tables: [&[f32]; 2] = [&[1.0, 2.0, 8.0, 9.0], &[20.0, 10.0, 7.0]];
    let joined = Vocabulary::join(&inputs, Target::Of(0), Some(0), &NONE, None).unwrap();
    assert_eq!(joined.rows, 4);
    assert_eq!(rows(&joined, 0, &tables), tables[0]);
    assert_eq!(rows(&joined, 1, &tables), [10.0, 20.0, 8.0, 9.0]);
    // Asked for, padding is the mean of the rows before it.
    let joined = Vocabulary::join(&inputs, Target::Of(0), Some(0), &NONE, Some(3)).unwrap();
    assert_eq!(rows(&joined, 1, &tables), [10.0, 20.0, 15.0]);
}

#[test]
fn rules_say_what_stands_for_a_token() {
    let inputs = [words(&["a", "b"]), words(&["b", "a"])];
    let tables: [&[f32]; 2] = [&[1.0, 2.0], &[20.0, 10.0]];
    let rule = |stand, force| BTreeMap::from([("a".to_owned(), Rule { stand, force })]);
    let made = |rules| Vocabulary::join(&inputs, Target::Of(0), Some(0), &rules, None).unwrap();
    assert_eq!(rows(&made(rule(Stand::Zero, true)), 1, &tables), [0.0, 20.0]);
    assert_eq!(rows(&made(rule(Stand::Zero, false)), 1, &tables), [10.0, 20.0]);
    assert_eq!(rows(&made(rule(Stand::Row(1, 0), true)), 0, &tables), [20.0, 2.0]);
    assert_eq!(rows(&made(rule(Stand::Model(1), true)), 0, &tables), [10.0, 2.0]);
    let unknown = BTreeMap::from([("z".to_owned(), Rule { stand: Stand::Zero, force: true })]);
    assert!(Vocabulary::join(&inputs, Target::Of(0), Some(0), &unknown, None).err().unwrap().to_string().contains("`z`"));
}

#[test]
fn unequal_tokenizers_are_told_with_their_first_difference() {
    let [a, b] = [words(&["a", "b", "c"]), words(&["a", "c"])];
    assert!(check_same(["x", "x"], a.0.as_ref(), a.0.as_ref()).is_ok());
    let error = check_same(["x", "y"], a.0.as_ref(), b.0.as_ref()).unwrap_err().to_string();
    assert!(error.contains("`b` and `c` at 1") && error.contains("tokenizer_source"), "{error}");
}
