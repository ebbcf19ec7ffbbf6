//! One run of `tongues` in the cache: taken from there when it is finished, gone on with when it was stopped.

use super::scores;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// How `tongues` ends where a run fails, and after Ctrl-C.
const FAILED: i32 = 1;
const INTERRUPTED: i32 = 130;

/// A run to be done.
pub struct Job {
    /// What is told of it, such as `arm tft, seed 3`.
    pub label: String,
    /// The recipe.
    pub recipe: PathBuf,
    /// `--set` overrides.
    pub set: Vec<String>,
    /// `--seed`.
    pub seed: u64,
    /// Hash of all that the result depends on.
    pub fingerprint: String,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The run folder is whole.
    Done(Run),
    /// It ended with an error: the end of what it said.
    Failed(String),
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The run folder.
    pub folder: PathBuf,
    /// Wall time when it was made.
    pub seconds: f64,
    /// It was made before.
    pub reused: bool,
    /// The vector instructions it was made with.
    pub simd: String,
}

/// Written beside the run folder when it is whole.
#[derive(Serialize, Deserialize)]
struct Done {
    fingerprint: String,
    seconds: f64,
}

/// The cache folder and the program.
pub struct Cache {
    /// Where runs lie.
    pub folder: PathBuf,
    /// The `tongues` to run.
    pub program: PathBuf,
}

impl Cache {
    /// `--cache`, or the user's.
    ///
    /// # Errors
    /// There is no home.
    pub fn place(given: Option<&Path>) -> Result<PathBuf> {
        let env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let default = || env("XDG_CACHE_HOME").or_else(|| Some(env("HOME")?.join(".cache"))).map(|c| c.join("tongues/repro"));
        let folder = given.map(Path::to_path_buf).or_else(default).context("a cache folder was expected, HOME is not set; name one with --cache")?;
        std::path::absolute(&folder).with_context(|| folder.display().to_string())
    }

    /// Where a job's run lies, finished or not.
    pub fn folder_of(&self, job: &Job) -> PathBuf {
        self.folder.join(&job.fingerprint[..24])
    }

    /// A finished run of the same fingerprint.
    pub fn finished(&self, job: &Job) -> Option<Run> {
        let folder = self.folder_of(job);
        let done: Done = serde_json::from_str(&fs::read_to_string(folder.join("done.json")).ok()?).ok()?;
        let run = folder.join("run");
        let simd = scores::finished(&run)?;
        (done.fingerprint == job.fingerprint).then_some(Run { folder: run, seconds: done.seconds, reused: true, simd })
    }

    /// Runs the job unless it is finished. What an earlier call left half done is gone on with, or begun again where that is refused.
    ///
    /// # Errors
    /// The program cannot be started, was interrupted, or the cache cannot be written. A run that fails is an outcome.
    pub fn run(&self, job: &Job) -> Result<Outcome> {
        if let Some(run) = self.finished(job) {
            return Ok(Outcome::Done(run));
        }
        let folder = self.folder_of(job);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let half = folder.join("run/resume/run.json").is_file();
        let gone_on = half && self.call(job, &folder, "--resume")? == Ended::Well;
        if !gone_on {
            // What could not be gone on with is begun again, and its time with it.
            remove(&folder.join("spent"))?;
            match self.call(job, &folder, "--overwrite")? {
                Ended::Well => {}
                Ended::Failed => return Ok(Outcome::Failed(last_line(&folder.join("log.txt")))),
                Ended::Refused(how) => {
                    let remedy = "that says nothing of the arm, so nothing is judged; mend it and give the same command again";
                    bail!("{}: {how}: {}; {remedy}", job.label, last_line(&folder.join("log.txt")))
                }
            }
        }
        let Some(simd) = scores::finished(&folder.join("run")) else {
            return Ok(Outcome::Failed("the program ended well, but no finished manifest.json is in the run folder".into()));
        };
        let done = Done { fingerprint: job.fingerprint.clone(), seconds: spent(&folder) };
        write_whole(&folder.join("done.json"), serde_json::to_string(&done)?.as_bytes())?;
        Ok(Outcome::Done(Run { folder: folder.join("run"), seconds: done.seconds, reused: false, simd }))
    }

    /// Runs the program and adds the time to what was spent on this run before.
    fn call(&self, job: &Job, folder: &Path, how: &str) -> Result<Ended> {
        let begun = Instant::now();
        let log = File::create(folder.join("log.txt")).with_context(|| folder.display().to_string())?;
        let mut command = Command::new(&self.program);
        command.arg("run").arg(&job.recipe).arg("--out").arg(folder.join("run")).arg("--seed").arg(job.seed.to_string()).arg(how);
        job.set.iter().for_each(|set| {
            command.arg("--set").arg(set);
        });
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let status = command.status().with_context(|| format!("{}: cannot be started", self.program.display()))?;
        write_whole(&folder.join("spent"), (spent(folder) + begun.elapsed().as_secs_f64()).to_string().as_bytes())?;
        match status.code() {
            Some(0) => Ok(Ended::Well),
            Some(FAILED) => Ok(Ended::Failed),
            Some(INTERRUPTED) => bail!("{}: interrupted; the same command goes on from here", job.label),
            Some(_) => Ok(Ended::Refused("refused".into())),
            None => Ok(Ended::Refused(format!("ended from outside ({status})"))),
        }
    }
}

/// How the program ended.
#[derive(PartialEq)]
enum Ended {
    Well,
    /// While it ran: a loss that is not finite, say. That is a result.
    Failed,
    /// Before it ran, or from outside: a recipe with faults, a folder in use, a lack of memory. That is none.
    Refused(String),
}

/// Seconds that were spent on a run so far, those of a call that was killed left out.
fn spent(folder: &Path) -> f64 {
    fs::read_to_string(folder.join("spent")).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| path.display().to_string()),
        _ => Ok(()),
    }
}

/// Appears at once, or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    fs::write(&partial, bytes).with_context(|| partial.display().to_string())?;
    fs::rename(&partial, path).with_context(|| path.display().to_string())
}

fn last_line(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    // An error of the program has a remedy below it.
    let error = text.lines().rev().map(str::trim).find(|l| l.starts_with("error:"));
    let last = error.or_else(|| text.lines().rev().map(str::trim).find(|l| !l.is_empty())).unwrap_or("it said nothing").to_owned();
    format!("{} ({})", last.chars().take(300).collect::<String>(), log.parent().and_then(Path::file_name).unwrap_or_default().display())
}
