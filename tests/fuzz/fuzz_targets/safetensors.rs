//! A file of any bytes is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::LazyLock;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|data: &[u8]| {
    let path: PathBuf = DIR.path().join("a.safetensors");
    std::fs::write(&path, data).expect("written");
    let Ok(file) = tongues_io::open_file(&path) else { return };
    for name in file.names().map(String::from).collect::<Vec<_>>() {
        let numbers = file.info(&name).expect("listed").shape.iter().product::<usize>();
        // One byte holds at most two numbers, in the narrowest types there are.
        assert!(numbers <= 2 * data.len(), "more numbers than bytes");
        let _ = (file.f32(&name), file.i64(&name), file.bytes(&name));
    }
});
