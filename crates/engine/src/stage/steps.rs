//! The steps of a training stage: taken, logged, validated, saved, resumed.

use super::Work;
use super::save::{self, Counters, Saved};
use super::validate::Watch;
use crate::journal::Journal;
use crate::memory::anonymous_bytes;
use crate::surroundings::Surroundings;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tongues_io::{disk, failed};
use tongues_kernel::{Error, Fault, Model, Result};
use tongues_recipe::ast::Train;
use tongues_report::MetricLine;
use tongues_train::{Position, StepReport, Trainer};

/// Time between two saves where the recipe names no steps. When a run is saved has no influence on its result.
const SAVE_EVERY: Duration = Duration::from_secs(300);

/// A training stage in the middle of its steps.
pub struct Steps<'s, 'w, 'r, 't> {
    work: &'s Work<'w, 'r>,
    journal: &'s Journal,
    train: &'s Train,
    trainer: &'s mut Trainer<'t>,
    watch: Option<Watch<'s>>,
    log: File,
    path: PathBuf,
    tokens: u64,
    saved: Instant,
}

impl<'s, 'w, 'r, 't> Steps<'s, 'w, 'r, 't> {
    /// At the first step, or where an earlier process saved the stage.
    ///
    /// # Errors
    /// The saved state is of another recipe, or the log cannot be written.
    pub fn begin(work: &'s Work<'w, 'r>, journal: &'s Journal, train: &'s Train, trainer: &'s mut Trainer<'t>) -> Result<Self> {
        let mut watch = train.validate.as_ref().map(Watch::new);
        let (mut tokens, mut bytes) = (0, work.metrics_bytes);
        if let Some(saved) = save::read(work.folder, &work.stage.name)? {
            trainer.resume(&saved.counters.position, &saved.tensors)?;
            if let Some(watch) = &mut watch {
                watch.resume(saved.counters.best, saved.counters.waited, &trainer.model, &saved.best)?;
            }
            saved.counters.notes.into_iter().for_each(|note| work.shop.note(note));
            (tokens, bytes) = (saved.counters.tokens, saved.counters.metrics_bytes);
            work.progress.say(&format!("resumed after step {}", saved.counters.position.step));
        }
        work.folder.cut_metrics(bytes)?;
        let path = work.folder.path("metrics.jsonl");
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(|e| crate::folder::cannot(&path, &e))?;
        Ok(Self { work, journal, train, trainer, watch, log, path, tokens, saved: Instant::now() })
    }

    /// All steps that are left; returns the state to keep where it is not the last.
    ///
    /// # Errors
    /// A step fails, the disk fails, or someone asked to stop.
    pub fn take(mut self, steps: usize) -> Result<Option<Model>> {
        let mut cx = Surroundings::new(self.work.shop, &self.work.stage.name);
        for step in self.trainer.position().step + 1..=steps {
            if self.watch.as_ref().is_some_and(Watch::is_over) {
                let text = format!("Stage {} stopped at step {} of {steps}: no better validation score.", self.work.stage.name, step - 1);
                self.work.shop.note(text);
                break;
            }
            self.pause(step - 1, steps)?;
            self.one(step, steps, &mut cx)?;
            if self.due(step) && step < steps {
                self.save(self.trainer.position())?;
            }
        }
        Ok(self.watch.and_then(Watch::keeps))
    }

    fn one(&mut self, step: usize, steps: usize, cx: &mut Surroundings<'_, '_>) -> Result<()> {
        let (start, before) = (Instant::now(), self.trainer.position());
        let report = match self.trainer.step(cx) {
            Ok(report) => report,
            Err(error) => return Err(self.failed(error, before)),
        };
        let seconds = start.elapsed().as_secs_f64();
        self.tokens += report.tokens as u64;
        let shop = self.work.shop;
        let validation = match &mut self.watch {
            Some(watch) if watch.is_due(step, steps) => Some(watch.look(shop, &self.trainer.model)?),
            _ => None,
        };
        self.work.progress.tick(step, steps, &summary(&report, seconds, validation.as_ref()));
        line(&self.work.stage.name, report, self.tokens, seconds, validation).append(&mut self.log).map_err(|e| failed(&self.path, &e))
    }

    /// A step that went wrong before anything changed leaves a state worth keeping.
    fn failed(&mut self, error: Error, before: Position) -> Error {
        let unchanged = self.trainer.position().step == before.step;
        if error.fault() == Fault::Run && unchanged && before.step > 0 && self.save(before).is_ok() {
            self.work.progress.say("The state before this step is saved; --resume-anyway goes on from it with other settings.");
        }
        error
    }

    fn pause(&mut self, done: usize, of: usize) -> Result<()> {
        if !self.work.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.save(self.trainer.position())?;
        Err(Error::interrupted(format!("step {done} of {of}"), "stopped as asked; everything is saved", "--resume goes on from here"))
    }

    fn due(&self, step: usize) -> bool {
        match self.train.save_steps {
            Some(every) => step.is_multiple_of(every),
            None => self.saved.elapsed() >= SAVE_EVERY,
        }
    }

    fn save(&mut self, position: Position) -> Result<()> {
        disk::flush(&self.log, &self.path).map_err(|e| failed(&self.path, &e))?;
        let metrics_bytes = self.log.metadata().map_err(|e| failed(&self.path, &e))?.len();
        let (best, waited) = self.watch.as_ref().map_or((None, 0), Watch::counters);
        let notes = self.work.shop.notes.borrow().clone();
        let counters = Counters { schema: 1, position, tokens: self.tokens, best, waited, metrics_bytes, notes };
        let best = self.watch.as_ref().map(Watch::tensors).transpose()?.unwrap_or_default();
        let saved = Saved { counters, tensors: self.trainer.tensors()?, best };
        let journal = Journal { inputs: self.work.shop.inputs.borrow().clone(), ..self.journal.clone() };
        save::save(self.work.folder, &self.work.stage.name, &journal, &saved)?;
        self.saved = Instant::now();
        Ok(())
    }
}

fn summary(report: &StepReport, seconds: f64, validation: Option<&BTreeMap<String, f64>>) -> String {
    let losses: Vec<String> = report.loss.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    let scores: Vec<String> = validation.into_iter().flatten().map(|(name, value)| format!("{name} {value:.4}")).collect();
    let text = format!("{} lr {:.1e} {:.0} tokens/s {}", losses.join(" "), report.learning_rate, report.tokens as f64 / seconds, scores.join(" "));
    text.trim_end().to_owned()
}

fn line(stage: &str, report: StepReport, tokens: u64, seconds: f64, validation: Option<BTreeMap<String, f64>>) -> MetricLine {
    MetricLine {
        stage: stage.into(),
        step: report.step as u64,
        tokens,
        tokens_per_second: report.tokens as f64 / seconds,
        loss: report.loss,
        learning_rate: report.learning_rate,
        grad_norm: report.grad_norm,
        grad_norms: Some(report.grad_norms),
        rss_anon_bytes: anonymous_bytes(),
        validation,
    }
}
