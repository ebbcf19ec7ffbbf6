//! Progress: bars on a terminal, plain lines otherwise.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::{Cell, RefCell};
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use tongues_engine::Progress;
use tongues_report::harmless;

/// Seconds between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Tells a person how a run goes.
pub struct Bar {
    bar: RefCell<Option<ProgressBar>>,
    began: Cell<Instant>,
    told: Cell<Instant>,
    terminal: bool,
}

impl Bar {
    /// On standard error.
    pub fn new() -> Self {
        let now = Instant::now();
        Self { bar: RefCell::default(), began: Cell::new(now), told: Cell::new(now), terminal: std::io::stderr().is_terminal() }
    }

    fn drawn(&self, done: usize, of: usize, text: &str) {
        let mut slot = self.bar.borrow_mut();
        let bar = slot.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(of as u64), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("  {bar:24} {pos}/{len} {eta_precise} left  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        bar.set_position(done as u64);
        bar.set_message(text.to_owned());
        if done >= of {
            bar.finish();
            *slot = None;
        }
    }

    fn plain(&self, done: usize, of: usize, text: &str) {
        if done < of && self.told.get().elapsed() < PLAIN_EVERY {
            return;
        }
        self.told.set(Instant::now());
        let left = self.began.get().elapsed().mul_f64((of - done.min(of)) as f64 / done.max(1) as f64);
        eprintln!("  {done}/{of}, {} s left  {text}", left.as_secs());
    }
}

impl Progress for Bar {
    fn stage(&self, name: &str, index: usize, of: usize) {
        self.began.set(Instant::now());
        self.told.set(Instant::now());
        eprintln!("[{}/{of}] {name}", index + 1);
    }

    fn tick(&self, done: usize, of: usize, text: &str) {
        if self.terminal { self.drawn(done, of, text) } else { self.plain(done, of, text) }
    }

    fn say(&self, text: &str) {
        // What is said holds texts that models wrote.
        let text = harmless(text);
        match self.bar.borrow().as_ref() {
            Some(bar) => bar.println(text),
            None => eprintln!("  {text}"),
        }
    }
}
