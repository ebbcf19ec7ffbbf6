//! One side of `cargo xtask bench train`: makes a model, says so, and takes a step for every line on its standard input.
//!
//!     bench-worker HIDDEN INNER LAYERS VOCABULARY ROWS TIME full|lora|generate [half]
//!
//! It computes on the device that `TONGUES_TEST_DEVICE` names, on the processor where it names none.
//! With `half` the matrices that do not train are kept in bfloat16.
//!
//! The Python side (`xtask/python/bench.py`) does the same with the same numbers and speaks the same lines.
#![allow(missing_docs)]

use serde_json::{Value as Json, json};
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Instant;
use tongues_builtin as _;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Built, Context, Draws, Dyn, Error, Example, Init, Kind, Limits, Model, Policy, Request, Result, Sequence, build, policy};
use tongues_train::{Feed, Options, Shape, Trainer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Bench {
    hidden: usize,
    inner: usize,
    layers: usize,
    vocabulary: usize,
    rows: usize,
    time: usize,
    mode: String,
    half: bool,
}

/// Surroundings with one model.
struct Around(Option<Model>);

impl Context for Around {
    fn device(&self) -> Device {
        tongues_testkit::device().autodiff()
    }
    fn draws(&self) -> Draws {
        Draws::new(1)
    }
    fn subject(&mut self) -> Result<Model> {
        self.0.clone().ok_or_else(|| Error::run("bench", "no model"))
    }
}

fn main() -> Result<()> {
    tongues_ops::memory::keep();
    let a: Vec<String> = std::env::args().skip(1).collect();
    let n = |i: usize| a[i].parse().unwrap_or_else(|_| panic!("argument {i} should be a number: {a:?}"));
    let bench = Bench {
        hidden: n(0),
        inner: n(1),
        layers: n(2),
        vocabulary: n(3),
        rows: n(4),
        time: n(5),
        mode: a[6].clone(),
        half: a.get(7).is_some_and(|word| word == "half"),
    };
    let model = bench.model()?;
    say(&json!({ "ready": parameters(&model), "memory": memory("VmRSS") }));
    // What was resident until now is the model's; the high-water mark begins anew where the system lets it.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    if bench.mode == "generate" { bench.generate(&model) } else { bench.train(model) }
}

fn say(line: &Json) {
    println!("{line}");
    let _ = std::io::stdout().flush();
}

/// A line of `/proc/self/status` in bytes; 0 where the system has none.
fn memory(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':')).unwrap_or("0");
    line.split_whitespace().next().and_then(|k| k.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn parameters(model: &Model) -> usize {
    policy::tensor_names(model).iter().map(|e| e.shape.iter().product::<usize>()).sum()
}

impl Bench {
    fn model(&self) -> Result<Model> {
        let options = json!({ "vocab_size": self.vocabulary, "hidden_size": self.hidden, "intermediate_size": self.inner,
            "num_hidden_layers": self.layers, "num_attention_heads": self.hidden / 64, "max_position_embeddings": 2048 });
        let mut cx = Around(None);
        let Built::Backbone(family) = build(Kind::Backbone, "llama", options, &mut cx)? else { return Err(Error::run("bench", "no backbone")) };
        let backbone = family.build(&Init { device: cx.device(), draws: Some(Draws::new(1)) })?;
        let mut model = Model::new(backbone, Arc::new(tongues_testkit::ToyTokenizer::default()));
        if self.half {
            tongues_io::hf::as_written(&mut model, tongues_io::Dtype::BF16);
        }
        if self.mode == "lora" {
            let options = json!({ "r": 16, "lora_alpha": 32, "target_modules": "all-linear" });
            let Built::Adapter(adapter) = build(Kind::Adapter, "lora", options, &mut cx)? else { return Err(Error::run("bench", "no adapter")) };
            adapter.attach(&mut model, &mut cx)?;
        }
        let trains = |name: &str| self.mode == "full" || name.starts_with("parts.");
        let policy = |name: String| (name.clone(), if trains(&name) { Policy::free() } else { Policy::frozen() });
        model.policies = policy::tensor_names(&model).into_iter().map(|e| policy(e.name)).collect();
        Ok(model)
    }

    /// The same ids as on the other side.
    fn ids(&self, row: usize, time: usize) -> Vec<u32> {
        (row * time..(row + 1) * time).map(|i| ((i * 7919 + i * i * 31) % self.vocabulary) as u32).collect()
    }

    fn train(&self, model: Model) -> Result<()> {
        let examples = (0..self.rows).map(|r| Example::of_text(format!("{r}"), Sequence::of("text", self.ids(r, self.time), 1.0))).collect();
        let feed = Feed::new(examples, Draws::new(1), self.rows * self.time, self.time, false)?;
        let Built::Objective(objective) = build(Kind::Objective, "causal-lm", json!({}), &mut Around(None))? else {
            return Err(Error::run("bench", "no objective"));
        };
        let options = Options {
            steps: usize::MAX,
            accumulate: 1,
            learning_rate: 1e-4,
            schedule: Shape::Constant,
            warmup_steps: 0,
            weight_decay: 0.01,
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            max_grad_norm: 1.0,
            recompute: std::env::var("BENCH_RECOMPUTE").is_ok(),
        };
        let mut trainer = Trainer::new(model, vec![Dyn(objective)], vec![feed], options, Draws::new(1))?;
        let mut cx = Around(None);
        each_line(|| Ok(trainer.step(&mut cx)?.loss.values().sum()))
    }

    fn generate(&self, model: &Model) -> Result<()> {
        let mut cx = Around(Some(model.inference()));
        let Built::Decoder(decoder) = build(Kind::Decoder, "sampling", json!({ "temperature": 0.0 }), &mut cx)? else {
            return Err(Error::run("bench", "no decoder"));
        };
        let requests: Vec<Request> = (0..self.rows).map(|r| Request { id: r as u64, prompt: self.ids(r, 16), ..Request::default() }).collect();
        let limits = Limits { max_new_tokens: self.time, stop: vec![], ..Limits::default() };
        each_line(|| Ok(decoder.decode(&mut cx, &requests, &limits)?.iter().map(|g| g.ids.len() as f64).sum()))
    }
}

fn each_line(mut step: impl FnMut() -> Result<f64>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            break;
        }
        let start = Instant::now();
        let value = step()?;
        say(&json!({ "seconds": start.elapsed().as_secs_f64(), "value": value, "peak": memory("VmHWM") }));
    }
    Ok(())
}
