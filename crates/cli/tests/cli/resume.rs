//! A run that was stopped at any moment goes on to the very bytes of an undisturbed one.

use crate::support::{Desk, files, told};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Two training stages with saves every few steps, a mixture, grown rows, an adapter with dropout, the best state kept.
pub const KILLED: &str = r#"
recipe = 1
name = "killed"
seed = 3
[data.a]
path = "a.txt"
language = "a"
[data.b]
world = { language = "derived", sentences = 120 }
[data.b-dev]
world = { language = "derived", split = "dev", sentences = 10 }
[data.both]
mix = { a = 0.3, b = 0.7 }
[tokenizers.t]
train = { algorithm = "bpe", size = 300, data = "a" }
[models.fresh]
scratch = { use = "llama", tokenizer = "t", hidden_size = 16, intermediate_size = 24, num_hidden_layers = 1, num_attention_heads = 2, num_key_value_heads = 1, max_position_embeddings = 128 }
[[stage]]
name = "base"
train = { model = "fresh", data = "a", budget = { steps = 9 }, batch_tokens = 256, sequence_length = 64, learning_rate = 3e-3, save_steps = 3, schedule = "cosine", warmup_steps = 3 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "adapted"
train = { model = "base", data = "both", budget = { steps = 12 }, batch_tokens = 512, sequence_length = 64, learning_rate = 3e-2, accumulate = 2, save_steps = 2, validate = { every = 3, on = [{ use = "bits-per-byte", data = "b-dev" }], keep = "best" } }
adapters = [{ use = "vocab-extend", size = 30 }, { use = "lora", r = 4, lora_dropout = 0.1, target_modules = "all-linear" }]
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "scores"
evaluate = { models = ["base", "adapted"], on = [{ use = "bits-per-byte", data = "b-dev" }] }
[[stage]]
name = "folded"
export = { model = "adapted" }
"#;

const WORDS: [&str; 8] = ["the tall tree", "a small river", "runs down", "to the sea", "where birds sing", "in the morning", "and rest", "at night"];

impl Desk {
    fn killed() -> Self {
        Self::killed_with(KILLED)
    }

    fn killed_with(recipe: &str) -> Self {
        let desk = Self::with(recipe);
        let line = |i: usize| format!("{} {} {} {i}\n", WORDS[i % 8], WORDS[i * 3 % 7], WORDS[i / 8 % 8]);
        desk.file("a.txt", (0..150).map(line).collect::<String>().as_bytes());
        desk
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tongues"));
        command.args(["run", "recipe.toml", "--out"]).args(args).current_dir(self.dir.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("the program starts")
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the program starts")
    }

    fn complete(&self, args: &[&str]) {
        let out = self.run(args);
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", told(&out));
    }

    /// The run in `cut` is that in `whole`: equal bytes, every step once, equal scores, and nothing else left.
    fn same(&self, cut: &str, why: &str) {
        let stages = |out: &str| files(&self.path(out).join("stages"));
        let (whole, found) = (stages("whole"), stages(cut));
        let names = |all: &[(String, Vec<u8>)]| all.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), names(&whole), "{why}");
        for ((name, a), (_, b)) in found.iter().zip(&whole) {
            assert!(a == b, "{why}: {name} differs");
        }
        assert_eq!(steps(&self.path(cut)), steps(&self.path("whole")), "{why}");
        assert_eq!(json(&self.path(cut).join("report.json"))["scores"], json(&self.path("whole").join("report.json"))["scores"], "{why}");
        assert_eq!(json(&self.path(cut).join("report.json"))["notes"], json(&self.path("whole").join("report.json"))["notes"], "{why}");
        assert!(!self.path(cut).join("resume").exists(), "{why}: resume/ stayed");
    }
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// Stage and step of every line of `metrics.jsonl`.
fn steps(out: &Path) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap_or_default();
    let line =
        |l: &str| serde_json::from_str::<serde_json::Value>(l).map(|v| (v["stage"].as_str().expect("a stage").into(), v["step"].as_u64().expect("a step")));
    text.lines().map(|l| line(l).expect("a whole line")).collect()
}

/// Waits until a file is there, at most a minute.
fn wait_for(path: &Path) {
    for _ in 0..6000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} did not appear", path.display());
}

#[test]
fn a_run_killed_at_any_moment_goes_on_to_the_same_bytes() {
    let desk = Desk::killed();
    desk.complete(&["whole"]);
    let mut kills = 0;
    for round in 0u64.. {
        let out = format!("cut{round}");
        let mut first = true;
        loop {
            let mut child = desk.start(if first { vec![out.as_str()] } else { vec![out.as_str(), "--resume"] }.as_slice());
            first = false;
            // Moments spread by a multiplicative generator; where they fall depends on the machine, what must hold does not.
            let moment = (kills + round + 1) * 7919 % 331;
            std::thread::sleep(Duration::from_millis(moment));
            if let Some(status) = child.try_wait().expect("a status") {
                assert!(status.success(), "{}", told(&child.wait_with_output().expect("output")));
                break;
            }
            child.kill().expect("killed");
            child.wait().expect("gone");
            kills += 1;
            if kills % 24 == 0 {
                desk.complete(&[&out, "--resume"]);
                break;
            }
        }
        desk.same(&out, &format!("round {round}, {kills} kills so far"));
        if kills >= 8 {
            break;
        }
    }
}

#[cfg(unix)]
#[test]
fn a_request_to_stop_saves_and_exits_with_130() {
    let desk = Desk::killed_with(&KILLED.replace("budget = { steps = 9 }", "budget = { steps = 400 }").replace("save_steps = 3", "save_steps = 1000"));
    for signal in ["INT", "TERM"] {
        let child = desk.start(&[signal]);
        wait_for(&desk.path(signal).join("metrics.jsonl"));
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        let out = child.wait_with_output().expect("output");
        let text = told(&out);
        assert_eq!(out.status.code(), Some(130), "{text}");
        assert!(text.contains("interrupted: ") && text.contains("--resume goes on"), "{text}");
        let done = steps(&desk.path(signal));
        assert!(!done.is_empty() && done.len() < 400, "{done:?}");
        assert!(desk.path(signal).join("resume/base.safetensors").exists(), "nothing was saved");
        desk.complete(&[signal, "--resume"]);
    }
    desk.complete(&["whole"]);
    desk.same("INT", "after SIGINT");
    desk.same("TERM", "after SIGTERM");
}

/// A folder with a run that was killed right after its first save.
fn begun(desk: &Desk, out: &str) {
    let mut child = desk.start(&[out]);
    wait_for(&desk.path(out).join("resume/base.safetensors"));
    child.kill().expect("killed");
    child.wait().expect("gone");
}

fn refused(desk: &Desk, args: &[&str], pieces: &[&str]) {
    let out = desk.run(args);
    let text = told(&out);
    assert_eq!(out.status.code(), Some(2), "{text}");
    pieces.iter().for_each(|p| assert!(text.contains(p), "no {p:?} in: {text}"));
}

/// Long enough to be killed in the middle.
fn long() -> String {
    KILLED.replace("budget = { steps = 9 }", "budget = { steps = 300 }")
}

#[test]
fn an_unfinished_run_is_neither_lost_nor_taken_for_another() {
    let desk = Desk::killed_with(&long());
    begun(&desk, "cut");
    let before = files(&desk.path("cut"));
    refused(&desk, &["cut"], &["an unfinished run", "--resume", "--overwrite"]);
    refused(&desk, &["cut", "--resume", "--set", "stage.base.train.learning_rate=0.5"], &["learning_rate", "line ", "--resume-anyway"]);
    desk.file("a.txt", b"something else\n");
    refused(&desk, &["cut", "--resume"], &["a.txt", "bytes", "--resume-anyway"]);
    std::fs::remove_file(desk.path("a.txt")).expect("removed");
    refused(&desk, &["cut", "--resume"], &["a.txt", "cannot be read"]);
    assert!(before == files(&desk.path("cut")), "a refusal changed the folder");
}

#[test]
fn equal_content_with_another_time_is_no_change_and_another_content_of_equal_size_is() {
    let desk = Desk::killed_with(&long());
    begun(&desk, "cut");
    let text = std::fs::read(desk.path("a.txt")).expect("text");
    let mut other = text.clone();
    other[0] = b'x';
    desk.file("a.txt", &other);
    refused(&desk, &["cut", "--resume"], &["a.txt", "same size, other content"]);
    desk.file("a.txt", &text);
    desk.complete(&["cut", "--resume"]);
    desk.complete(&["whole"]);
    desk.same("cut", "after a touch");
}

#[test]
fn another_program_is_named_and_goes_on_only_when_asked_to() {
    let desk = Desk::killed_with(&long());
    begun(&desk, "cut");
    let mut other = std::fs::read(env!("CARGO_BIN_EXE_tongues")).expect("the program");
    other.push(0);
    desk.file("other", &other);
    let run = |args: &[&str]| {
        #[cfg(unix)]
        std::fs::set_permissions(desk.path("other"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
        let start = || Command::new(desk.path("other")).args(["run", "recipe.toml", "--out", "cut"]).args(args).current_dir(desk.dir.path()).output();
        // While another test starts a process, that process may for a moment hold the file open for writing.
        loop {
            match start() {
                Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::sleep(std::time::Duration::from_millis(20)),
                other => break other.expect("starts"),
            }
        }
    };
    let out = run(&["--resume"]);
    assert!(out.status.code() == Some(2) && told(&out).contains("the program's file (was "), "{}", told(&out));
    let out = run(&["--resume-anyway"]);
    assert_eq!(out.status.code(), Some(0), "{}", told(&out));
    let notes = json(&desk.path("cut/report.json"))["notes"].to_string();
    assert!(notes.contains("resumed although something had changed: the program's file"), "{notes}");
}

#[test]
fn a_second_process_is_kept_out() {
    let desk = Desk::killed_with(&long());
    let mut child = desk.start(&["cut"]);
    wait_for(&desk.path("cut/resume/base.safetensors"));
    refused(&desk, &["cut", "--resume"], &["no other process"]);
    refused(&desk, &["cut", "--overwrite"], &["no other process"]);
    child.kill().expect("killed");
    child.wait().expect("gone");
    desk.complete(&["cut", "--resume"]);
}

#[test]
fn a_damaged_state_is_refused() {
    let desk = Desk::killed_with(&long());
    begun(&desk, "cut");
    let state = desk.path("cut/resume/base.safetensors");
    let whole = std::fs::read(&state).expect("a state");
    std::fs::write(&state, &whole[..whole.len() / 2]).expect("written");
    refused(&desk, &["cut", "--resume"], &["base.safetensors"]);
    std::fs::write(&state, whole).expect("written");
    desk.file("cut/metrics.jsonl", b"");
    refused(&desk, &["cut", "--resume"], &["metrics.jsonl", "--overwrite"]);
    desk.complete(&["cut", "--overwrite"]);
}

#[test]
fn a_step_that_is_not_finite_keeps_the_state_before_it() {
    let desk = Desk::killed_with(&KILLED.replace("learning_rate = 3e-3", "learning_rate = 1e30"));
    let out = desk.run(&["cut"]);
    let text = told(&out);
    assert_eq!(out.status.code(), Some(1), "{text}");
    assert!(text.contains("step ") && text.contains("learning rate") && text.contains("--resume-anyway"), "{text}");
    let done = steps(&desk.path("cut")).len();
    let state = std::fs::read(desk.path("cut/resume/base.safetensors")).expect("a state");
    assert!(done >= 1 && String::from_utf8_lossy(&state[..4000]).contains(&format!("\\\"step\\\":{done}")), "{done} steps");
}

#[test]
fn a_place_that_cannot_be_written_is_refused() {
    let desk = Desk::killed();
    desk.file("file", b"");
    refused(&desk, &["file/out"], &["file/out", "--out"]);
}

#[test]
fn resuming_where_nothing_is_begins_and_a_finished_run_is_shown() {
    let desk = Desk::killed();
    desk.complete(&["whole", "--resume"]);
    let out = desk.run(&["whole", "--resume"]);
    assert!(out.status.success() && told(&out).contains("already holds this finished run"), "{}", told(&out));
}

#[cfg(feature = "failpoints")]
mod failpoints {
    use super::*;

    /// Every point that the run passes: what, and which file.
    fn points(desk: &Desk) -> Vec<String> {
        let out = desk.command(&["whole"]).env("TONGUES_FAILPOINT", "count").output().expect("the program starts");
        assert_eq!(out.status.code(), Some(0), "{}", told(&out));
        told(&out).lines().filter(|l| l.starts_with("failpoint ")).map(str::to_owned).collect()
    }

    /// Which of them are tried: a whole save of the second stage (of its many equal tensor writes, some), and of everything else
    /// each kind of point in each file once.
    fn chosen(points: &[String]) -> Vec<usize> {
        let name = |p: &str| p.split_whitespace().skip(2).collect::<Vec<_>>().join(" ").replace(char::is_numeric, "");
        let plain = |p: &str| p.rsplit_once(".partial-").map_or_else(|| name(p), |(a, b)| format!("{}{}", name(a), b.split_once('/').map_or("", |x| x.1)));
        let saves: Vec<usize> =
            (0..points.len()).filter(|i| points[*i].contains("after rename") && points[*i].contains("resume/adapted.safetensors")).collect();
        let save = saves[1]..saves[2] + 4;
        let mut seen = std::collections::BTreeSet::new();
        let wanted = |i: &usize| {
            let tensors = points[*i].contains(" write ") && points[*i].contains(".safetensors");
            let first = seen.insert(plain(&points[*i]));
            first || (save.contains(i) && (!tensors || i % 37 == 0))
        };
        (0..points.len()).filter(wanted).collect()
    }

    fn tried(desk: &Desk, wish: &str, n: usize, why: &str) -> Output {
        let out = format!("{wish}{n}");
        let stopped = desk.command(&[&out]).env("TONGUES_FAILPOINT", format!("{wish}:{}", n + 1)).output().expect("the program starts");
        assert!(!stopped.status.success(), "{why}: the run was not stopped");
        desk.complete(&[&out, "--resume"]);
        desk.same(&out, why);
        std::fs::remove_dir_all(desk.path(&out)).expect("removed");
        stopped
    }

    #[test]
    fn a_save_killed_at_every_point_of_it_loses_nothing() {
        let desk = Desk::killed();
        let points = points(&desk);
        let chosen = chosen(&points);
        assert!(chosen.len() >= 60, "{} points", chosen.len());
        chosen.into_iter().for_each(|n| drop(tried(&desk, "kill", n, &points[n])));
    }

    #[test]
    fn a_full_disk_is_told_and_loses_nothing() {
        let desk = Desk::killed();
        let points = points(&desk);
        for n in chosen(&points).into_iter().step_by(7).filter(|n| !points[*n].contains(" remove ")) {
            let out = tried(&desk, "full", n, &points[n]);
            assert!(out.status.code() == Some(1) && told(&out).contains("the disk is full"), "{}: {}", points[n], told(&out));
        }
    }
}
