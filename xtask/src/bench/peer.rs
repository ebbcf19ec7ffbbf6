//! A process that takes a step for every line it is given.

use super::{Measured, Row, Stored};
use crate::tree;
use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Tongues,
    Eager,
    Compiled,
    /// Eager, computing in bfloat16.
    Half,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Tongues | Self::Eager => "eager",
            Self::Compiled => "compile",
            Self::Half => "half",
        }
    }
}

/// One side at work.
pub struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    begun: Instant,
    measured: Measured,
}

impl Peer {
    /// Starts it and waits until its model is there.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(root: &Path, python: &Path, row: &Row, side: Side) -> Result<Self> {
        Self::start_with(root, python, row, side, &[])
    }

    /// The same with environment variables.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_with(root: &Path, python: &Path, row: &Row, side: Side, environment: &[(&str, &str)]) -> Result<Self> {
        let mut command = match side {
            Side::Tongues => Command::new(tree::target(root).join("release/examples/bench-worker")),
            Side::Eager | Side::Compiled | Side::Half => {
                let mut command = Command::new(python);
                command.arg(root.join("xtask/python/bench.py"));
                command
            }
        };
        command.args(row.shape.map(|n| n.to_string())).arg(row.mode);
        command.arg(if side == Side::Tongues && row.stored == Stored::Bfloat16 { "half" } else { side.word() });
        command.envs(environment.iter().copied());
        command.env("RAYON_NUM_THREADS", "2").stdin(Stdio::piped()).stdout(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let (to, from) = (child.stdin.take().context("no input")?, child.stdout.take().context("no output")?);
        let measured = Measured { side, seconds: vec![], memory: [0; 2], first: 0.0, parameters: 0, value: 0.0 };
        let mut peer = Self { child, to, from: BufReader::new(from), begun, measured };
        let ready = peer.line()?;
        peer.measured.parameters = ready["ready"].as_u64().unwrap_or(0);
        peer.measured.memory[0] = ready["memory"].as_u64().unwrap_or(0);
        Ok(peer)
    }

    fn line(&mut self) -> Result<Json> {
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            bail!("{:?} ended: {}", self.measured.side, self.child.wait()?);
        }
        serde_json::from_str(&line).with_context(|| format!("{:?} said {line:?}", self.measured.side))
    }

    /// One step; its seconds.
    ///
    /// # Errors
    /// The process ended.
    pub fn step(&mut self) -> Result<f64> {
        self.to.write_all(b"\n")?;
        self.to.flush()?;
        let answer = self.line()?;
        self.measured.memory[1] = answer["peak"].as_u64().unwrap_or(0);
        self.measured.value = answer["value"].as_f64().unwrap_or(f64::NAN);
        answer["seconds"].as_f64().context("no seconds")
    }

    /// A step that counts.
    ///
    /// # Errors
    /// As [`Peer::step`].
    pub fn counted(&mut self) -> Result<()> {
        let seconds = self.step()?;
        self.measured.seconds.push(seconds);
        Ok(())
    }

    /// The first step is done.
    pub fn started(&mut self) {
        self.measured.first = self.begun.elapsed().as_secs_f64();
    }

    /// What was measured; the process is ended.
    pub fn end(mut self) -> Measured {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.measured
    }
}
