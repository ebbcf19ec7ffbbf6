//! A tokenizer of any bytes is read or refused, and encodes what it was given.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tongues_io::HfTokenizer;
use tongues_kernel::Tokenizer;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|data: &[u8]| {
    let path = DIR.path().join("tokenizer.json");
    std::fs::write(&path, data).expect("written");
    if let Ok(tokenizer) = HfTokenizer::open(&path) {
        let _ = tokenizer.encode("a b").and_then(|ids| tokenizer.decode(&ids));
    }
});
