//! Following the plan of a merge: read, merge, write, one band of numbers after the other.

use crate::band::{BAND, band};
use crate::pending::Pending;
use crate::source::{Held, Source};
use crate::vocabulary::Vocabulary;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use tongues_io::{Checkpoint, Dtype, Flusher, PlacedWriter, TensorSpec};
use tongues_kernel::{Context, Error, MergePlan, Merger, Planned, Read, Result, Slice, refuse};

/// Bands that wait for the disk.
const WAITING: usize = 2;

/// A merge to be done.
pub struct Job<'j> {
    /// The method.
    pub merger: &'j dyn Merger,
    /// What it planned.
    pub plan: &'j MergePlan,
    /// The inputs, in the order of the plan's numbers.
    pub sources: &'j [Source],
    /// Their names.
    pub names: &'j [&'j str],
    /// The type that the result is stored in.
    pub dtype: Dtype,
    /// Bytes of tensors in one file.
    pub shard_bytes: usize,
    /// Bytes written before they are flushed and noted: what a killed merge has to do again at most.
    pub flush_bytes: usize,
    /// Bytes that the merge may hold in memory.
    pub memory: Option<u64>,
    /// Where the inputs' vocabularies differ: the one of the result, and the tensors with a row a token.
    pub rows: Option<(&'j Vocabulary, &'j BTreeSet<String>)>,
}

/// How far a merge is.
#[derive(Clone, Copy, Debug)]
pub struct Merging<'n> {
    /// Tensors done, and all.
    pub tensors: (usize, usize),
    /// Bytes read and written so far.
    pub bytes: u64,
    /// The tensor at work.
    pub name: &'n str,
}

/// Someone who watches a merge.
pub trait Watch {
    /// A tensor begins.
    ///
    /// # Errors
    /// Someone asked to stop.
    fn tick(&self, at: Merging<'_>) -> Result<()>;
}

impl Job<'_> {
    fn size(&self) -> usize {
        if matches!(self.dtype, Dtype::BF16 | Dtype::F16) { 2 } else { 4 }
    }

    /// Bytes that the merge holds in memory at most: bands under way, and whole tensors where an input lies in memory.
    fn need(&self) -> u64 {
        let largest = self.plan.outputs.iter().map(count).max().unwrap_or(0);
        let bands = (WAITING + 2) * BAND.min(largest) * self.size();
        let gathered = |name: &String| self.rows.is_some_and(|(_, tables)| tables.contains(name));
        let in_memory = |r: &Read| gathered(&r.name) || matches!(self.sources.get(r.input), Some(Source::Live(_)));
        let live = |out: &Planned| out.reads.iter().filter(|r| in_memory(r)).count() * count(out) * 4;
        let held = self.plan.outputs.iter().map(live).max().unwrap_or(0);
        (bands + held) as u64
    }

    fn check(&self) -> Result<()> {
        let need = self.need();
        match self.memory {
            Some(allowed) if allowed < need => {
                let mb = |bytes: u64| format!("{} MB", bytes.div_ceil(1_000_000));
                let found = if allowed < 1_000_000 { format!("{allowed} bytes") } else { format!("{} MB", allowed / 1_000_000) };
                refuse("memory", format!("at least {} for this merge", mb(need)), found, "allow more, or write in a smaller dtype")
            }
            _ => Ok(()),
        }
    }
}

fn count(out: &Planned) -> usize {
    out.shape.iter().product()
}

/// Lets a merger see every tensor, as often as it planned to.
///
/// # Errors
/// A tensor cannot be read, or the merger refuses it.
pub fn survey(merger: &mut dyn Merger, plan: &MergePlan, sources: &[Source], watch: &dyn Watch) -> Result<()> {
    for pass in 0..plan.surveys {
        for (i, out) in plan.outputs.iter().enumerate() {
            watch.tick(Merging { tensors: (i, plan.outputs.len()), bytes: 0, name: &out.name })?;
            let held = held(sources, out)?;
            merger.survey(pass, out, &slices(&held, out)?)?;
        }
    }
    Ok(())
}

/// Writes every tensor of the plan into the folder, and reads all of them back.
///
/// # Errors
/// A tensor cannot be read, is not finite or does not fit, the disk fails, or someone asked to stop.
pub fn stream(job: &Job<'_>, folder: &mut Pending, watch: &dyn Watch, cx: &mut dyn Context) -> Result<()> {
    job.check()?;
    let specs: Vec<TensorSpec> = job.plan.outputs.iter().map(|o| TensorSpec::new(&o.name, job.dtype, o.shape.clone())).collect();
    let mut writer = PlacedWriter::create(folder.path(), &specs, job.shard_bytes, !folder.done.is_empty())?;
    let order: Vec<&Planned> = in_order(job.plan, writer.order());
    let todo: Vec<&Planned> = order.into_iter().filter(|o| !folder.done.contains_key(&o.name)).collect();
    let (sender, receiver) = sync_channel::<Band>(WAITING);
    let (whole, noted) = channel::<Vec<(String, u32)>>();
    // Written bands come back to be filled again: fresh memory costs as much as the merge of what goes into it.
    let (used, spare) = channel::<Vec<u8>>();
    let flusher = writer.flusher()?;
    let (writing, noting, flush_bytes) = (&mut writer, &mut *folder, job.flush_bytes);
    std::thread::scope(|scope| {
        let disk = scope.spawn(move || keep(writing, receiver, &used, whole, flush_bytes));
        let journal = scope.spawn(move || note(&flusher, noting, noted));
        let made = todo.iter().enumerate().try_for_each(|(i, out)| {
            let bytes = todo[..i].iter().map(|o| (count(o) * job.size() * (1 + o.reads.len())) as u64).sum::<u64>();
            watch.tick(Merging { tensors: (i + job.plan.outputs.len() - todo.len(), job.plan.outputs.len()), bytes, name: &out.name })?;
            tensor(job, out, cx, &spare, &|band| sender.send(band).map_err(|_| Error::run(&out.name, "the disk failed")))
        });
        drop(sender);
        // Where the disk failed, its error says more than that of the sender.
        disk.join().unwrap_or_else(|_| Err(Error::run("merge", "the writing thread ended")))?;
        journal.join().unwrap_or_else(|_| Err(Error::run("merge", "the noting thread ended")))?;
        made
    })?;
    writer.finish()?;
    read_back(folder)
}

/// A band on its way to the disk.
struct Band {
    tensor: String,
    offset: usize,
    bytes: Vec<u8>,
    /// How many of the bytes are the band's.
    length: usize,
    last: bool,
}

fn tensor(job: &Job<'_>, out: &Planned, cx: &mut dyn Context, spare: &Receiver<Vec<u8>>, send: &dyn Fn(Band) -> Result<()>) -> Result<()> {
    let held = gathered(job, out, held(job.sources, out)?)?;
    let slices = slices(&held, out)?;
    let merged = job.merger.merge(out, &slices, cx)?;
    if let tongues_kernel::Merged::Values(values) = &merged
        && values.len() != count(out)
    {
        return Err(Error::run(format!("tensor {}", out.name), format!("{} numbers were made for {:?}", values.len(), out.shape)));
    }
    let names: Vec<&str> = out.reads.iter().map(|r| job.names.get(r.input).copied().unwrap_or_default()).collect();
    let n = count(out);
    let mut start = 0;
    loop {
        let end = (start + BAND).min(n);
        let mut bytes = spare.try_recv().unwrap_or_default();
        let length = band(out, &merged, &slices, &names, start..end, job.dtype, &mut bytes)?;
        send(Band { tensor: out.name.clone(), offset: start * job.size(), bytes, length, last: end == n })?;
        start = end;
        if start == n {
            return Ok(());
        }
    }
}

fn held<'s>(sources: &'s [Source], out: &Planned) -> Result<Vec<Held<'s>>> {
    let source = |i: usize| sources.get(i).ok_or_else(|| Error::run(&out.name, format!("the merger's plan reads input {i}, which is not there")));
    out.reads.iter().map(|read| source(read.input)?.read(&read.name)).collect()
}

/// Where rows follow tokens: the inputs' rows in the order of the result's vocabulary.
fn gathered<'s>(job: &Job<'s>, out: &Planned, held: Vec<Held<'s>>) -> Result<Vec<Held<'s>>> {
    let Some((vocabulary, tables)) = job.rows else { return Ok(held) };
    if out.reads.iter().all(|read| !tables.contains(&read.name)) {
        return Ok(held);
    }
    let width = count(out) / vocabulary.rows.max(1);
    // Rows may come from inputs that the tensor itself is not read from.
    let all = job.sources.iter().map(|source| source.read(&out.name)).collect::<Result<Vec<_>>>()?;
    let slices: Vec<Slice<'_>> = all.iter().map(Held::slice).collect();
    out.reads.iter().map(|read| vocabulary.gather(read.input, &slices, width).map(Held::Owned)).collect()
}

/// Views of what is held; all of the size that the rule works on.
fn slices<'h>(held: &'h [Held<'_>], out: &Planned) -> Result<Vec<Slice<'h>>> {
    let slices: Vec<Slice<'_>> = held.iter().map(Held::slice).collect();
    match slices.iter().zip(&out.reads).find(|(s, _)| s.len() != slices[0].len()) {
        Some((s, read)) => Err(Error::run(format!("tensor {}", read.name), format!("{} numbers beside {}", s.len(), slices[0].len()))),
        None => Ok(slices),
    }
}

fn in_order<'p>(plan: &'p MergePlan, order: &[String]) -> Vec<&'p Planned> {
    let by_name: std::collections::BTreeMap<&str, &Planned> = plan.outputs.iter().map(|o| (o.name.as_str(), o)).collect();
    order.iter().filter_map(|name| by_name.get(name.as_str()).copied()).collect()
}

/// The disk's side: writes what comes, and hands on which tensors are whole.
fn keep(writer: &mut PlacedWriter, bands: Receiver<Band>, used: &Sender<Vec<u8>>, done: Sender<Vec<(String, u32)>>, flush_bytes: usize) -> Result<()> {
    let (mut crc, mut whole, mut since) = (crc32fast::Hasher::new(), vec![], 0);
    let hand_on = |whole| done.send(whole).map_err(|_| Error::run("merge", "the journal cannot be written"));
    for band in bands {
        let bytes = &band.bytes[..band.length];
        writer.write(&band.tensor, band.offset, bytes)?;
        crc.update(bytes);
        since += bytes.len();
        // No one waits for it after the last band.
        let _ = used.send(band.bytes);
        if band.last {
            whole.push((band.tensor, std::mem::take(&mut crc).finalize()));
            if since > flush_bytes {
                hand_on(std::mem::take(&mut whole))?;
                since = 0;
            }
        }
    }
    hand_on(whole)
}

/// Flushes and notes whole tensors, while others are written.
fn note(flusher: &Flusher, folder: &mut Pending, whole: Receiver<Vec<(String, u32)>>) -> Result<()> {
    for tensors in whole {
        flusher.flush()?;
        folder.note(&tensors)?;
    }
    Ok(())
}

/// What the ordinary reader finds in the files must be what was sent to them.
fn read_back(folder: &Pending) -> Result<()> {
    use rayon::prelude::*;
    let checkpoint = Checkpoint::open(folder.path())?;
    let all: Vec<(&String, &u32)> = folder.done.iter().collect();
    all.par_iter().try_for_each(|(name, expected)| {
        let found = crc32fast::hash(checkpoint.bytes(name)?);
        if found == **expected {
            return Ok(());
        }
        let what = format!("the file does not hold what was written (CRC-32 {found:08x}, expected {expected:08x}); the disk or the memory is faulty");
        Err(Error::run(format!("tensor {name}"), what))
    })
}
