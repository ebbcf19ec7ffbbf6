//! What dft makes of records.

use super::reference::{PAIRS, record};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_formats::{Body, Loss, Options, Strings, TextFormat, Truncate};
use tongues_kernel::{Batch, Draws, Example, ExampleContext, Format, Objective, Record, Result, Sequence, Step, Value, options, values};
use tongues_objective_causal_lm::CausalLm;
use tongues_objective_dft::Dft;
use tongues_testkit::{Surroundings, ToyTokenizer, toy_model};

fn format(loss: Loss, truncate: Truncate) -> TextFormat {
    let strings = Strings::new("Q: {{ prompt }}\nA:", Some(" {{ response }}"), "formats.ask").unwrap();
    TextFormat::new(Body::Strings(strings), Options { name: "ask".into(), loss, truncate, system: None })
}

fn made(given: Json, record: &Record, format: Option<&dyn Format>, max_length: usize) -> Result<Vec<Example>> {
    let tokenizer = ToyTokenizer::default();
    let objective = Dft::new(options("dft", given)?, &mut Surroundings::new(0))?;
    objective.examples(record, &ExampleContext { tokenizer: &tokenizer, max_length, draws: Draws::new(0), format })
}

fn both() -> Json {
    json!({ "lc": "logits", "et": "feature", "i": 1, "j": 2 })
}

/// A row as text, its marked pieces between bars; what is learned in upper case.
fn told(sequence: &Sequence) -> String {
    let text = |ids: &[u32]| ids.iter().map(|id| u8::try_from(*id).map_or(if *id == 256 { '<' } else { '>' }, char::from)).collect::<String>();
    let piece = |s: &tongues_kernel::Segment| if s.weight > 0.0 { text(&s.ids).to_uppercase() } else { text(&s.ids) };
    sequence.segments.iter().map(|s| format!("{}={}", s.mark, piece(s))).collect::<Vec<_>>().join("|")
}

#[test]
fn the_target_row_is_that_of_causal_lm_with_the_same_format() {
    let tokenizer = ToyTokenizer::default();
    let format = format(Loss::Target, Truncate::Refuse);
    let cx = ExampleContext { tokenizer: &tokenizer, max_length: 64, draws: Draws::new(0), format: Some(&format) };
    let plain = CausalLm::new(options("causal-lm", json!({})).unwrap(), &mut Surroundings::new(0)).unwrap();
    for record in PAIRS.map(record) {
        let expected = &plain.examples(&record, &cx).unwrap()[0];
        for given in [both(), json!({ "lc": "none", "et": "none" })] {
            let example = made(given, &record, Some(&format), 64).unwrap().remove(0);
            let (row, other) = (&example.sequences["text"], &expected.sequences["text"]);
            assert_eq!((row.ids().collect::<Vec<_>>(), row.weights()), (other.ids().collect(), other.weights()));
            assert_eq!((&example.id, &example.language), (&expected.id, &expected.language));
        }
    }
}

#[test]
fn without_terms_the_loss_is_that_of_causal_lm() {
    let (tokenizer, format, model) = (ToyTokenizer::default(), format(Loss::Target, Truncate::Refuse), toy_model(Draws::new(3)));
    let cx = ExampleContext { tokenizer: &tokenizer, max_length: 64, draws: Draws::new(0), format: Some(&format) };
    let sum = |objective: &dyn Objective| {
        let batch = Batch { examples: PAIRS.map(record).iter().flat_map(|r| objective.examples(r, &cx).unwrap()).collect() };
        let others = BTreeMap::new();
        let terms = objective.loss(&mut Step::new(&model, &others, &batch, Draws::new(0))).unwrap();
        assert_eq!(terms.len(), 1);
        (values(terms[0].sum.clone()), terms[0].over)
    };
    let none = options("dft", json!({ "lc": "none", "et": "none" })).unwrap();
    let plain = options("causal-lm", json!({})).unwrap();
    assert_eq!(sum(&Dft::new(none, &mut Surroundings::new(0)).unwrap()), sum(&CausalLm::new(plain, &mut Surroundings::new(0)).unwrap()));
}

#[test]
fn rows_of_both_languages_go_through_the_format() {
    let format = format(Loss::Target, Truncate::Refuse);
    let example = made(both(), &record(PAIRS[1]), Some(&format), 64).unwrap().remove(0);
    let rows: Vec<(&str, String)> = example.sequences.iter().map(|(name, row)| (&**name, told(row))).collect();
    let expected = [
        // Of the template, which both languages have, nothing is pooled; nothing of the English row is learned.
        ("english", "start=<|query-shared=Q: |query=who is he?|query-shared=\nA:|answer-shared= |answer=it is him|answer-shared=>"),
        ("query-in-english", "start=<|query=Q: nor\nA:|english=Q: WHO IS HE?\nA:"),
        ("text", "start=<|query-shared=Q: |query=nor|query-shared=\nA:|answer-shared= |answer=HURA DA|answer-shared=>"),
    ];
    assert_eq!(rows, expected.map(|(name, row)| (name, row.to_owned())));
    let thought = made(json!({ "lc": "none", "et": "logits", "j": 2 }), &record(PAIRS[1]), None, 64).unwrap().remove(0);
    assert_eq!(told(&thought.sequences["answer-in-english"]), "start=<|query=nor|english=IT IS HIM>");
    assert_eq!(thought.sequences.keys().map(|k| &**k).collect::<Vec<_>>(), ["answer-in-english", "text"]);
    let whole = json!({ "lc": "feature", "et": "none", "i": 1, "skip_shared": false });
    assert_eq!(told(&made(whole, &record(PAIRS[1]), None, 64).unwrap()[0].sequences["text"]), "start=<|query=nor|answer=HURA DA>");
    // Where nothing of its own would be left, nothing is left out.
    let same = record(("nor", "12", "nor da", "12"));
    assert_eq!(told(&made(both(), &same, None, 64).unwrap()[0].sequences["text"]), "start=<|query=nor|answer=12>");
}

#[test]
fn other_names_of_fields_can_be_given() {
    let mut other = Record { id: "r".into(), ..Record::default() };
    for (name, text) in [("question", "nor"), ("answer", "hura"), ("question.pivot", "who"), ("answer.pivot", "it")] {
        other.fields.insert(name.into(), Value::Text(text.into()));
    }
    let mut given = both();
    given.as_object_mut().unwrap().extend(json!({ "fields": ["question", "answer"], "english": ".pivot" }).as_object().unwrap().clone());
    assert_eq!(told(&made(given, &other, None, 64).unwrap()[0].sequences["english"]), "start=<|query=who|answer=it|answer-shared=>");
}

#[test]
fn records_that_cannot_be_learned_are_named() {
    let refused = |pair, format: Option<&dyn Format>, max: usize| made(both(), &record(pair), format, max).unwrap_err().to_string();
    let strings = format(Loss::Target, Truncate::Refuse);
    for format in [None, Some(&strings as &dyn Format)] {
        assert!(refused(("a", "", "b", "c"), format, 64).starts_with("record a, field `response`: expected some text, found an empty text"));
        assert!(refused(("a", "b", "c", " "), format, 64).starts_with("record a, field `response_en`: expected some text"));
        assert!(refused(("a", "b", "", "c"), format, 64).starts_with("record a, field `prompt_en`: expected some text"));
    }
    let mut alone = record(PAIRS[0]);
    alone.fields.remove("response_en");
    let told = made(both(), &alone, None, 64).unwrap_err().to_string();
    assert!(told.starts_with("record non dago, field `response_en`: expected the English form of `response`, found no such field"), "{told}");
    assert!(told.contains("parallel-instructions"));
    assert!(made(json!({ "lc": "none", "et": "none" }), &alone, None, 64).is_ok(), "plain fine-tuning needs no English side");
    let told = refused(PAIRS[0], None, 19);
    assert!(told.starts_with("record non dago: query-in-english: expected a row of at most 19 tokens, found 20"), "{told}");
    let all = format(Loss::All, Truncate::Refuse);
    assert!(refused(PAIRS[0], Some(&all), 64).contains("a query before the answer"));
    let mut given = both();
    given["fields"] = json!(["prompt"]);
    assert!(made(given, &record(PAIRS[0]), None, 64).unwrap_err().to_string().starts_with("dft: fields"));
}

#[test]
fn a_side_that_the_format_drops_drops_the_record() {
    let format = format(Loss::Target, Truncate::Drop);
    let long = record(("nor", "hura", "who is that over there", "it is him and no one else"));
    assert!(made(both(), &long, Some(&format), 40).unwrap().is_empty());
    assert_eq!(format.tally().rules.into_iter().collect::<Vec<_>>(), [("drop".into(), 1)]);
}
