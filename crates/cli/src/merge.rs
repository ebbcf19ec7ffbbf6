//! `tongues merge`: a configuration of mergekit, from checkpoints to a checkpoint.

use crate::args::MergeArgs;
use crate::bar::Bar;
use crate::run::stop;
use crate::{device, say};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tongues_engine::ahead;
use tongues_engine::mergekit::Import;
use tongues_engine::merging::{Request, merge};
use tongues_engine::{Progress, Shop};
use tongues_io::write_atomic;
use tongues_kernel::{Error, Result};
use tongues_merge::{Look, Merging, Watch};

/// Merges, or looks ahead; says what was made.
pub fn run(args: &MergeArgs) -> anyhow::Result<()> {
    let import = Import::read(&args.config)?;
    let mut table = import.merge()?.clone();
    table.memory = args.memory.clone().or(table.memory);
    let target = args.out.clone().unwrap_or_else(|| "merged".into());
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shop = Shop::new(&import.recipe, device::parse("flex")?, parent.to_owned()).without_manifest();
    let watch = Watching { bar: Bar::new(), began: Instant::now(), stop: stop()? };
    let beside = [("mergekit_config.yml", import.text.as_str())];
    let request = Request { shop: &shop, merge: &table, name: "merged", dtype: import.dtype, target: &target, beside: &beside };
    if let Some(file) = &args.report {
        let found = ahead::ahead(&request, &watch)?;
        shop.told().iter().for_each(|note| eprintln!("note: {note}"));
        return look(file, &args.config, &found);
    }
    std::fs::create_dir_all(parent)?;
    merge(&request, &watch)?;
    shop.told().iter().for_each(|note| eprintln!("note: {note}"));
    let seconds = watch.began.elapsed().as_secs_f64();
    say(&format!("{}: merged in {seconds:.1} s; `tongues verify` checks it again", target.display()))
}

/// Writes the page and the numbers, and tells the totals.
fn look(file: &Path, config: &Path, found: &Look) -> anyhow::Result<()> {
    let title = config.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    write_atomic(file, tongues_report::ahead(&ahead::page(&title, found)).as_bytes())?;
    let numbers = file.with_extension("json");
    write_atomic(&numbers, (serde_json::to_string_pretty(&ahead::json(found))? + "\n").as_bytes())?;
    found.warnings().iter().for_each(|warning| eprintln!("warning: {warning}"));
    let whole = found.whole();
    for (i, model) in found.models.iter().enumerate() {
        say(&format!("{model}: change / base {:.4}, cosine to base {:.4}", whole.relative(i), whole.cosine_to_base(i)))?;
    }
    for (p, (i, j)) in found.pairs().into_iter().enumerate() {
        let (a, b) = (&found.models[i], &found.models[j]);
        say(&format!("{a} and {b}: cosine of changes {:.4}, opposite signs {:.4}", whole.cosine(i, j, p), whole.conflicts(p)))?;
    }
    say(&format!("Page: {}; numbers: {}", file.display(), numbers.display()))
}

struct Watching {
    bar: Bar,
    began: Instant,
    stop: Arc<AtomicBool>,
}

impl Watch for Watching {
    fn tick(&self, at: Merging<'_>) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::interrupted("merge", "stopped as asked; what was written stays", "the same command goes on with it"));
        }
        let rate = at.bytes as f64 / self.began.elapsed().as_secs_f64().max(1e-3) / 1e9;
        self.bar.tick(at.tensors.0, at.tensors.1, &format!("{rate:.2} GB/s  {}", at.name));
        Ok(())
    }
}
