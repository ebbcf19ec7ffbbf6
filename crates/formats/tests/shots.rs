//! Worked examples before prompts: the texts of lm-evaluation-harness, and whose they are.

use std::collections::HashSet;
use tongues_formats::shots::{Choice, Order};
use tongues_formats::{Body, Loss, Options, Strings, TextFormat, Truncate};
use tongues_kernel::{Draws, Record, Value};

fn record(id: &str, language: &str, question: &str, answer: &str) -> Record {
    let fields = [("question".into(), Value::Text(question.into())), ("answer".into(), Value::Text(answer.into()))];
    Record { id: id.into(), language: (!language.is_empty()).then(|| language.into()), fields: fields.into(), ..Record::default() }
}

fn pool() -> Vec<Record> {
    let one = |(language, word): (&'static str, &'static str)| {
        (0..6).map(move |i| record(&format!("{language}{i}"), language, &format!("{word} {i}"), &format!("{}", i * i)))
    };
    [("eus_Latn", "zenbat"), ("swh_Latn", "ngapi")].into_iter().flat_map(one).collect()
}

fn choice(count: usize, order: Order, own: bool) -> Choice {
    Choice { count, order, between: "\n\n".into(), data: "pool".into(), own }
}

fn format(loss: Loss, shots: Choice) -> TextFormat {
    let strings = Strings::new("Q: {{ question }}\nA:", Some(" {{ answer }}"), "formats.f").expect("templates");
    let plain = TextFormat::new(Body::Strings(strings), Options { name: "f".into(), loss, truncate: Truncate::Refuse, system: None });
    plain.with_shots(&pool(), shots).expect("examples")
}

fn text(format: &TextFormat, record: &Record) -> String {
    format.rendered(record).expect("a text").remove(0).1.text
}

#[test]
fn the_text_is_that_of_the_harness() {
    // lm_eval's `fewshot_context`: doc_to_text, target_delimiter " ", doc_to_target, fewshot_delimiter "\n\n" for each, then doc_to_text.
    let format = format(Loss::Target, choice(2, Order::First, false));
    let asked = record("x", "swh_Latn", "what", "7");
    assert_eq!(text(&format, &asked), "Q: ngapi 0\nA: 0\n\nQ: ngapi 1\nA: 1\n\nQ: what\nA: 7");
    let rendered = format.rendered(&asked).expect("a text").remove(0).1;
    assert_eq!(rendered.learned.iter().map(|span| &rendered.text[span.clone()]).collect::<Vec<_>>(), [" 7"]);
    assert_eq!(&rendered.text[rendered.answer..], " 7");
}

#[test]
fn examples_are_not_learned_where_everything_else_is() {
    let rendered = format(Loss::All, choice(1, Order::First, false)).rendered(&record("x", "swh_Latn", "what", "7")).expect("a text").remove(0).1;
    assert_eq!(rendered.learned.iter().map(|span| &rendered.text[span.clone()]).collect::<Vec<_>>(), ["Q: what\nA: 7"]);
}

#[test]
fn a_record_is_never_its_own_example() {
    let own = format(Loss::Target, choice(2, Order::First, true));
    assert_eq!(text(&own, &pool()[0]), "Q: zenbat 1\nA: 1\n\nQ: zenbat 2\nA: 4\n\nQ: zenbat 0\nA: 0");
    // By its name, also where an evaluator writes a wrong answer into the prompt; of other data by its prompt, whatever its name.
    assert!(!text(&own, &record("eus_Latn0", "eus_Latn", "changed", "9")).contains("zenbat 0"));
    let other = format(Loss::Target, choice(2, Order::First, false));
    assert!(text(&other, &record("eus_Latn0", "eus_Latn", "changed", "9")).contains("zenbat 0"));
    assert_eq!(text(&other, &record("x", "eus_Latn", "zenbat 0", "0")).matches("zenbat 0").count(), 1);
    let all = format(Loss::Target, choice(6, Order::First, true));
    let refused = all.rendered(&pool()[0]).expect_err("five others").to_string();
    assert!(refused.contains("record eus_Latn0, `shots_from = \"pool\"`: expected 6 examples in `eus_Latn` beside the record itself, found 5"), "{refused}");
}

#[test]
fn drawn_examples_depend_on_seed_and_record_and_are_all_different() {
    let drawn = |seed: u64, id: &str| text(&format(Loss::Target, choice(3, Order::Drawn(Draws::new(seed)), false)), &record(id, "eus_Latn", "what", "7"));
    assert_eq!(drawn(1, "a"), drawn(1, "a"));
    let texts: HashSet<String> = (0..40).map(|i| drawn(1, &format!("r{i}"))).collect();
    assert!(texts.len() > 20, "{}", texts.len());
    assert!((2..6).any(|seed| drawn(seed, "a") != drawn(1, "a")));
    for text in &texts {
        let shown: HashSet<&str> = text.split("\n\n").collect();
        assert_eq!(shown.len(), 4, "{text}");
    }
    let counts: Vec<usize> = (0..6).map(|i| texts.iter().filter(|text| text.contains(&format!("zenbat {i}\n"))).count()).collect();
    assert!(counts.iter().all(|count| *count > 8), "{counts:?}");
}
