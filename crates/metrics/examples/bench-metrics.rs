//! One side of `cargo xtask bench metrics`: one score of one corpus, with the seconds it took without reading.
//!
//!     bench-metrics HYPOTHESES REFERENCES bleu|chrf|chrf++|ter SEGMENTS
//!
//! Prints one line of JSON with `seconds` and `line`, as sacrebleu's side (`xtask/python/bench_metrics.py`) does. `RAYON_NUM_THREADS` says how
//! many threads.

use std::time::Instant;
use tongues_metrics::translation::bleu::{Bleu, BleuOptions};
use tongues_metrics::translation::chrf::{Chrf, ChrfOptions};
use tongues_metrics::translation::ter::Ter;
use tongues_metrics::translation::{CorpusMetric, References};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [hypotheses, references, name, count] = arguments.as_slice() else {
        return Err("expected HYPOTHESES REFERENCES METRIC SEGMENTS".into());
    };
    let count: usize = count.parse()?;
    let (hypotheses, references) = (std::fs::read_to_string(hypotheses)?, std::fs::read_to_string(references)?);
    let (hypotheses, references): (Vec<&str>, Vec<&str>) = (hypotheses.split('\n').take(count).collect(), references.split('\n').take(count).collect());
    let metric: Box<dyn CorpusMetric> = match name.as_str() {
        "bleu" => Box::new(Bleu::new(BleuOptions::default())?),
        "chrf" => Box::new(Chrf::new(ChrfOptions::default())?),
        "chrf++" => Box::new(Chrf::plus_plus()),
        "ter" => Box::new(Ter::default()),
        other => return Err(format!("expected bleu, chrf, chrf++ or ter, found {other}").into()),
    };
    let begun = Instant::now();
    let references = References::single(&references);
    let score = metric.corpus(&hypotheses, &references)?;
    let seconds = begun.elapsed().as_secs_f64();
    let line = score.line(6, Some(&metric.signature(&references).format(false)));
    println!("{}", serde_json::json!({ "seconds": seconds, "line": line }));
    Ok(())
}
