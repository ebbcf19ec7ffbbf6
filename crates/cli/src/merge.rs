//! `tongues merge`: a configuration of mergekit, from checkpoints to a checkpoint.

use crate::args::MergeArgs;
use crate::bar::Bar;
use crate::run::stop;
use crate::{device, say};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tongues_engine::mergekit::Import;
use tongues_engine::merging::{Request, merge};
use tongues_engine::{Progress, Shop};
use tongues_kernel::{Error, Result};
use tongues_merge::{Merging, Watch};

/// Merges, and says what was made.
pub fn run(args: &MergeArgs) -> anyhow::Result<()> {
    let import = Import::read(&args.config)?;
    let mut table = import.merge()?.clone();
    table.memory = args.memory.clone().or(table.memory);
    let parent = args.out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    std::fs::create_dir_all(parent)?;
    let shop = Shop::new(&import.recipe, device::parse("flex")?, parent.to_owned()).without_manifest();
    let watch = Watching { bar: Bar::new(), began: Instant::now(), told: Cell::new(0), stop: stop()? };
    let request =
        Request { shop: &shop, merge: &table, name: "merged", dtype: import.dtype, target: &args.out, beside: &[("mergekit_config.yml", &import.text)] };
    merge(&request, &watch)?;
    shop.told().iter().for_each(|note| eprintln!("note: {note}"));
    let seconds = watch.began.elapsed().as_secs_f64();
    say(&format!("{}: merged in {seconds:.1} s; `tongues verify` checks it again", args.out.display()))
}

struct Watching {
    bar: Bar,
    began: Instant,
    told: Cell<u64>,
    stop: Arc<AtomicBool>,
}

impl Watch for Watching {
    fn tick(&self, at: Merging<'_>) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::interrupted("merge", "stopped as asked; what was written stays", "the same command goes on with it"));
        }
        self.told.set(at.bytes);
        let rate = at.bytes as f64 / self.began.elapsed().as_secs_f64().max(1e-3) / 1e9;
        self.bar.tick(at.tensors.0, at.tensors.1, &format!("{rate:.2} GB/s  {}", at.name));
        Ok(())
    }
}
