//! `hf:org/name`: from the local cache, fetched from a hub on this machine, and refused where it cannot be had.

use crate::support::{Desk, SMALL, told};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "hf_verysecret";

type Files = BTreeMap<String, Vec<u8>>;

/// A small checkpoint's files.
fn model() -> Files {
    let small = SMALL.split("[[stage]]\nname = \"adapted\"").next().expect("the first stage");
    let desk = Desk::with(small);
    desk.good(&["run", "recipe.toml", "--out", "run"]);
    crate::support::files(&desk.path("run/stages/base/checkpoint")).into_iter().collect()
}

fn call(desk: &Desk, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tongues"));
    command.args(args).current_dir(desk.dir.path()).env("HOME", desk.path("home")).env("HF_TOKEN", TOKEN);
    for name in ["HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_HUB_OFFLINE", "HF_ENDPOINT"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied()).output().expect("the program starts")
}

/// Puts files into the hub cache below the home folder, as the hub's own client lays them out.
fn cached(desk: &Desk, files: &Files) {
    let root = "home/.cache/huggingface/hub/models--org--small";
    desk.file(&format!("{root}/refs/main"), COMMIT.as_bytes());
    files.iter().for_each(|(name, bytes)| desk.file(&format!("{root}/snapshots/{COMMIT}/{name}"), bytes));
}

fn recipe(name: &str) -> String {
    format!(
        "recipe = 1\nname = \"on\"\n[data.b]\nworld = {{ language = \"derived\", sentences = 60 }}\n[models.base]\ncheckpoint = \"{name}\"\n\
         [[stage]]\nname = \"adapted\"\ntrain = {{ model = \"base\", data = \"b\", budget = {{ steps = 2 }}, batch_tokens = 256, sequence_length = 64, learning_rate = 3e-3 }}\n\
         adapters = [{{ use = \"lora\", r = 4, target_modules = \"all-linear\" }}]\nobjectives = [{{ use = \"causal-lm\" }}]\n"
    )
}

#[test]
fn a_model_in_the_cache_is_read_offline_and_told_by_its_name() {
    let desk = Desk::with(&recipe("hf:org/small"));
    cached(&desk, &model());
    let out = call(&desk, &["run", "recipe.toml", "--out", "out"], &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(out.status.code(), Some(0), "{}", told(&out));
    let read = |path: &str| std::fs::read_to_string(desk.path(path)).expect("a file");
    assert!(read("out/manifest.json").contains(&format!("hf:org/small@{COMMIT}/model.safetensors")));
    let adapter: serde_json::Value = serde_json::from_str(&read("out/stages/adapted/adapter/adapter_config.json")).expect("JSON");
    assert_eq!((adapter["base_model_name_or_path"].as_str(), adapter["revision"].as_str()), (Some("org/small"), Some(COMMIT)));
    let home = desk.path("home").display().to_string();
    for (name, bytes) in crate::support::files(&desk.path("out")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&home) && !text.contains(TOKEN), "{name}");
    }
    assert!(!told(&out).contains(&home) && !told(&out).contains(TOKEN));
    let verified = call(&desk, &["verify", "out"], &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(verified.status.code(), Some(0), "{}", told(&verified));
    let shown = call(&desk, &["inspect", "hf:org/small@main"], &[("HF_HUB_OFFLINE", "1")]);
    assert!(told(&shown).contains("model.norm.weight"), "{}", told(&shown));
}

#[test]
fn offline_the_missing_file_is_named() {
    let desk = Desk::new();
    let mut files = model();
    files.remove("model.safetensors");
    cached(&desk, &files);
    for (name, file) in [("hf:org/small", "model.safetensors"), ("hf:org/other", "config.json"), ("hf:org/small@v2", "config.json")] {
        let out = call(&desk, &["inspect", name], &[("HF_HUB_OFFLINE", "1")]);
        let text = told(&out);
        assert_eq!(out.status.code(), Some(2), "{text}");
        for piece in [file, "HF_HUB_OFFLINE", "help"] {
            assert!(text.contains(piece), "no {piece} in {text}");
        }
    }
    let out = call(&desk, &["inspect", "hf:../x"], &[]);
    assert!(out.status.code() == Some(2) && told(&out).contains("hf:org/name"), "{}", told(&out));
    // Nobody listens there: the error names the model, and the token stays here.
    let out = call(&desk, &["inspect", "hf:org/small"], &[("HF_ENDPOINT", "http://127.0.0.1:9")]);
    let text = told(&out);
    assert!(out.status.code() == Some(2) && text.contains("hf:org/small@main") && !text.contains(TOKEN), "{text}");
}

/// A hub with one model; notes the tokens it was shown.
fn hub(files: Files) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let seen = Arc::new(Mutex::new(vec![]));
    let shown = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &files, &shown);
        }
    });
    (address, seen)
}

fn answer(mut stream: TcpStream, files: &Files, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut lines = vec![];
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let Some(path) = lines.first().and_then(|l| l.split(' ').nth(1)) else { return };
    let header = |name: &str| lines.iter().find_map(|l| l.to_lowercase().strip_prefix(&format!("{name}: ")).map(String::from));
    seen.lock().expect("a list").push(header("authorization").unwrap_or_default());
    let name = path.rsplit('/').next().unwrap_or_default();
    let (status, extra, body) = if path.starts_with("/api/models/org/small/") {
        let list: Vec<_> = files.keys().map(|f| serde_json::json!({ "rfilename": f })).collect();
        (200, String::new(), serde_json::json!({ "siblings": list, "sha": COMMIT }).to_string().into_bytes())
    } else if let Some(bytes) = files.get(name).filter(|_| path.starts_with("/org/small/resolve/main/")) {
        let from: usize = header("range").and_then(|r| r.strip_prefix("bytes=")?.split('-').next()?.parse().ok()).unwrap_or(0);
        let end = if header("range").is_some_and(|r| r.ends_with("-0")) { 1 } else { bytes.len() };
        let range = format!("Content-Range: bytes {from}-{}/{}\r\nETag: \"{name}-1\"\r\nX-Repo-Commit: {COMMIT}\r\n", end - 1, bytes.len());
        (206, range, bytes[from..end].to_vec())
    } else {
        (404, String::new(), b"no such file".to_vec())
    };
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n{extra}\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

#[test]
fn a_model_is_fetched_once_and_found_in_the_cache_afterwards() {
    let desk = Desk::new();
    let (address, seen) = hub(model());
    let out = call(&desk, &["inspect", "hf:org/small"], &[("HF_ENDPOINT", &address)]);
    let text = told(&out);
    assert_eq!(out.status.code(), Some(0), "{text}");
    assert!(text.contains("model.norm.weight") && text.contains("tokenizer: 300 entries"), "{text}");
    let calls = seen.lock().expect("a list").clone();
    assert!(calls.len() > 3 && calls.iter().all(|token| token.contains(TOKEN)), "the hub is shown the token: {calls:?}");
    let again = call(&desk, &["inspect", "hf:org/small"], &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(again.status.code(), Some(0), "{}", told(&again));
    assert_eq!(seen.lock().expect("a list").len(), calls.len(), "what is in the cache is not asked for");
    let none = call(&desk, &["inspect", "hf:org/none"], &[("HF_ENDPOINT", &address)]);
    assert!(none.status.code() == Some(2) && told(&none).contains("hf:org/none@main"), "{}", told(&none));
}

#[test]
fn a_repository_of_pickles_is_refused_with_the_way_out() {
    let desk = Desk::new();
    let mut files = model();
    files.remove("model.safetensors");
    files.insert("pytorch_model.bin".into(), b"\x80\x04".to_vec());
    let (address, _) = hub(files);
    let out = call(&desk, &["inspect", "hf:org/small"], &[("HF_ENDPOINT", &address)]);
    let text = told(&out);
    assert_eq!(out.status.code(), Some(2), "{text}");
    assert!(text.contains("pytorch_model.bin") && text.contains("safe_serialization=True"), "{text}");
}
