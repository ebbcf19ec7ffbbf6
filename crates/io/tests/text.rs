//! Corpora: every format is read as written, and every mistake is named with its place and its remedy.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;
use tongues_io::{Format, TextFile};
use tongues_kernel::{Record, Records, Value};

fn file(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, TextFile) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    let file = TextFile::new("d", path).unwrap();
    (dir, file)
}

fn with_columns(name: &str, bytes: impl AsRef<[u8]>, columns: &[&str]) -> (TempDir, TextFile) {
    let (dir, mut file) = file(name, bytes);
    file.columns = Some(columns.iter().map(|c| c.to_string()).collect());
    (dir, file)
}

fn read(file: &TextFile) -> Result<Vec<Record>, String> {
    let records = file.open().and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
    records.map_err(|e| e.to_string().replace(&file.path.display().to_string(), "FILE"))
}

/// (id, text) of every record.
fn texts((_dir, file): (TempDir, TextFile)) -> Vec<(String, String)> {
    let pair = |r: &Record| (r.id.to_string(), r.text("text").unwrap().to_string());
    read(&file).unwrap().iter().map(pair).collect()
}

fn error((_dir, file): (TempDir, TextFile)) -> String {
    read(&file).unwrap_err()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
}

#[test]
fn txt_is_a_text_a_line() {
    let found = texts(file("a.txt", "\u{feff}Kaixo mundua\r\n\n  \nзвезда\tx\nlast"));
    assert_eq!(found, pairs(&[("line-1", "Kaixo mundua"), ("line-4", "звезда\tx"), ("line-5", "last")]));
}

#[test]
fn tsv_is_text_or_id_and_text_or_what_columns_say() {
    assert_eq!(texts(file("a.tsv", "uno\n\ndos\n")), pairs(&[("line-1", "uno"), ("line-3", "dos")]));
    assert_eq!(texts(file("a.tsv", "g.1\tuno\r\ng.2\t\n")), pairs(&[("g.1", "uno"), ("g.2", "")]));
    let (_dir, file) = with_columns("a.tsv", "x\tdeu_Latn\tEin \"Satz\n", &["_", "language", "text"]);
    let record = &read(&file).unwrap()[0];
    assert_eq!((&*record.id, record.language.as_deref(), record.text("text").unwrap()), ("line-1", Some("deu_Latn"), "Ein \"Satz"));
    assert_eq!(record.fields.len(), 1);
}

#[test]
fn conll_is_a_sentence_a_record() {
    let (_dir, file) = file("a.conll", "-DOCSTART- -X- O\n\nAmina\tB-PER\nlives NN O\r\n\n\nKano B-LOC");
    let records = read(&file).unwrap();
    let list = |texts: &[&str]| Value::List(texts.iter().map(|t| Value::Text((*t).into())).collect());
    assert_eq!(records.iter().map(|r| (&*r.id, r.text("text").unwrap())).collect::<Vec<_>>(), [("line-3", "Amina lives"), ("line-7", "Kano")]);
    assert_eq!((&records[0].fields["tokens"], &records[0].fields["tags"]), (&list(&["Amina", "lives"]), &list(&["B-PER", "O"])));
    assert_eq!(records[1].fields["tags"], list(&["B-LOC"]));
}

#[test]
fn conll_without_a_tag_is_named() {
    assert!(error(file("a.conll", "a O\nb\n")).starts_with("FILE:2: expected a token and its tag, found `b`"));
    assert!(error(file("a.conll", "\n\n")).starts_with("FILE: expected at least one record"));
    assert!(error(with_columns("a.conll", "a O\n", &["text"])).starts_with("FILE: expected no `columns` for a TXT or CoNLL file"));
}

#[test]
fn csv_is_quoted_as_in_rfc_4180() {
    let text = "\u{feff}id,text,n\r\n1,\"a, b\",x\r\n2,\"say \"\"aye\"\"\nand go\",y\r\n\r\n3,c,z";
    assert_eq!(texts(file("a.csv", text)), pairs(&[("1", "a, b"), ("2", "say \"aye\"\nand go"), ("3", "c")]));
    assert_eq!(texts(with_columns("a.csv", "1,uno\n2,dos\n", &["id", "text"])), pairs(&[("1", "uno"), ("2", "dos")]));
}

#[test]
fn jsonl_values_become_typed_fields() {
    let lines = "{\"id\": 7, \"text\": \"ä\", \"language\": \"gsw\", \"n\": 1.5, \"ok\": true, \"no\": null}\n\n\
        {\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"tags\": [\"a\", 2], \"meta\": {\"id\": \"m\", \"k\": \"v\"}}";
    let (_dir, file) = file("a.jsonl", lines);
    let records = read(&file).unwrap();
    assert_eq!((&*records[0].id, records[0].language.as_deref(), records[0].fields.len()), ("7", Some("gsw"), 3));
    assert_eq!(records[0].fields["n"], Value::Number(1.5));
    assert_eq!(records[0].fields["ok"], Value::Flag(true));
    assert_eq!(&*records[1].id, "line-3");
    assert_eq!(records[1].fields["messages"], Value::Turns(vec![("user".into(), "hi".into())]));
    assert_eq!(records[1].fields["tags"], Value::List(vec![Value::Text("a".into()), Value::Number(2.0)]));
    let Value::Record(meta) = &records[1].fields["meta"] else { panic!("{:?}", records[1]) };
    assert_eq!((&*meta.id, meta.text("k").unwrap()), ("m", "v"));
}

#[test]
fn jsonl_columns_keep_and_demand_keys() {
    let (_dir, file) = with_columns("a.jsonl", "{\"id\": \"a\", \"text\": \"x\", \"url\": \"u\"}\n{\"url\": \"u\"}\n", &["text"]);
    let rows: Vec<_> = file.open().unwrap().collect();
    assert_eq!(rows[0].as_ref().unwrap(), &Record::of_text("a", "x"));
    let message = rows[1].as_ref().unwrap_err().to_string();
    assert!(message.contains(":2: expected the key `text`, as in `columns`, found only url"), "{message}");
}

#[test]
fn language_and_limit_hold_for_the_file_and_reading_starts_anew() {
    let (_dir, mut file) = file("a.txt", "a\nb\nc\n");
    file.language = Some("eus_Latn".into());
    file.limit = Some(2);
    let first = read(&file).unwrap();
    assert_eq!(first.iter().map(|r| (&*r.id, r.language.as_deref())).collect::<Vec<_>>(), [("line-1", Some("eus_Latn")), ("line-2", Some("eus_Latn"))]);
    assert_eq!(first, read(&file).unwrap());
    file.limit = Some(0);
    assert!(read(&file).unwrap_err().contains("expected a `limit` of at least 1, found 0"));
}

#[test]
fn bytes_that_are_not_utf8_are_placed() {
    let message = error(file("a.txt", b"ok\nna\xefve\n"));
    assert_eq!(
        message,
        "FILE:2: expected UTF-8, found byte 0xef at column 3\n  help: convert the file: `iconv -f ISO-8859-1 (or whichever it is) -t UTF-8 OLD > NEW`"
    );
    assert!(error(file("a.tsv", b"\xff\xfeh\0i\0\n\0")).contains("iconv -f UTF-16"));
    assert!(error(file("a.csv", b"id,text\n1,na\xefve\n")).starts_with("FILE:2: expected UTF-8, found byte 0xef at cell 2, byte 3"));
    assert!(error(file("a.jsonl", b"{\"text\": \"\xe9\"}\n")).starts_with("FILE:1: expected UTF-8, found byte 0xe9 at column 11"));
}

#[test]
fn wrong_columns_are_counted() {
    let three = error(file("a.tsv", "a\tb\tc\n"));
    assert!(three.starts_with("FILE:1: expected one column (text) or two (id, text), found 3 columns"), "{three}");
    assert!(three.contains("columns = [\"id\", \"text\", \"other\"]"), "{three}");
    assert!(error(file("a.tsv", "a\tb\tc\td\n")).contains("columns = [\"id\", \"text\", \"other\", \"column3\"]"));
    let uneven = error(file("a.tsv", "1\ta\n\n2\tb\tc\n"));
    assert!(uneven.starts_with("FILE:3: expected 2 columns (id, text), found 3"), "{uneven}");
    assert!(error(file("a.csv", "id,text\n1,a\n2,b,c\n")).starts_with("FILE:3: expected 2 columns (id, text), found 3"));
    assert!(error(file("a.csv", "id,text,text\n")).starts_with("FILE:1, header row: expected every column name once, found `text` twice"));
    assert!(error(file("a.csv", ",text\n1,a\n")).contains("expected a name for every column, found none for column 1"));
    assert!(error(with_columns("a.tsv", "a\n", &["_"])).contains("expected at least one named column"));
    assert!(error(file("a.tsv", "\tb\n")).contains("expected an id in the column `id`, found an empty cell"));
}

#[test]
fn an_open_quote_is_found_at_the_end() {
    let message = error(file("a.csv", "id,text\n1,a\n2,\"b\n3,c\n"));
    assert!(message.starts_with("FILE:3: expected every quote closed (RFC 4180), found an odd number of quotes"), "{message}");
}

#[test]
fn broken_json_has_line_and_column() {
    let message = error(file("a.jsonl", "{\"text\": \"a\"}\n{\"text\": }\n"));
    assert!(message.starts_with("FILE:2:10: expected a JSON object, found expected value"), "{message}");
    let list = error(file("a.jsonl", "[{\"text\": \"a\"}]\n"));
    assert!(list.starts_with("FILE:1: expected a JSON object, found a list") && list.contains("jq -c"), "{list}");
    assert!(error(file("a.jsonl", "{\"id\": []}\n")).starts_with("FILE:1: expected text or a number under `id`, found a list"));
}

#[test]
fn what_is_no_file_with_records_is_refused() {
    let (dir, mut text) = file("corpus.txt", "a\n");
    text.path = dir.path().join("corpos.txt");
    let missing = read(&text).unwrap_err();
    assert_eq!(missing, "FILE: expected a text file, found no such file\n  help: did you mean `corpus.txt`, in the same folder?");
    text.path = dir.path().to_owned();
    assert!(read(&text).unwrap_err().starts_with("FILE: expected a file, found a folder"));
    for name in ["a.txt", "a.tsv", "a.csv", "a.jsonl"] {
        for bytes in ["", "\n\n", "\u{feff}"] {
            let (_dir, empty) = file(name, bytes);
            assert!(empty.ensure_not_empty().unwrap_err().to_string().contains("expected at least one record, found none"), "{name}");
        }
    }
    assert!(error(file("a.csv", "id,text\n")).contains("expected at least one record"));
    let ending = Format::of("a.docx".as_ref()).unwrap_err().to_string();
    assert!(ending.starts_with("a.docx: expected a file ending .txt, .tsv, .csv, .jsonl, .parquet or .conll, found .docx"), "{ending}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'\n'), Just(b','), Just(b'\t'), Just(b'{')], 0..80)) {
        for name in ["a.txt", "a.tsv", "a.csv", "a.jsonl"] {
            let (_dir, file) = file(name, &bytes);
            let _ = read(&file);
        }
    }

    #[test]
    fn any_text_comes_back_from_jsonl_and_csv(text in "\\PC+") {
        let line = serde_json::json!({ "text": text }).to_string();
        prop_assert_eq!(&texts(file("a.jsonl", line))[0].1, &text);
        let cell = format!("id,text\nx,\"{}\"\n", text.replace('"', "\"\""));
        prop_assert_eq!(&texts(file("a.csv", cell))[0].1, &text);
    }
}
