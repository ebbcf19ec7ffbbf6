//! A merge from models to files: what is written, what a stop leaves, and what goes on.

use std::cell::RefCell;
use std::path::Path;
use tongues_io::{Checkpoint, Dtype};
use tongues_kernel::{Context, Draws, Error, MergeInputs, MergePlan, Merged, Merger, Model, Planned, Result, Slice};
use tongues_merge::{Job, Merging, Pending, Source, Watch, stream};
use tongues_testkit::{Surroundings, randomise, snapshot, toy_model};

/// The sum of the inputs.
struct Sum;

impl Merger for Sum {
    fn merge<'m>(&'m self, _: &'m Planned, _: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        Ok(Merged::elements(|p| p.out.iter_mut().enumerate().for_each(|(i, out)| *out = p.inputs.iter().map(|x| x[i]).sum())))
    }
}

/// Stops before the tensor with this number, and notes the names of those that began.
struct Stop(Option<usize>, RefCell<Vec<String>>);

impl Watch for Stop {
    fn tick(&self, at: Merging<'_>) -> Result<()> {
        if self.0 == Some(self.1.borrow().len()) {
            return Err(Error::interrupted("merge", "stopped", ""));
        }
        self.1.borrow_mut().push(at.name.to_owned());
        Ok(())
    }
}

fn models() -> [Model; 2] {
    [1, 2].map(|seed| {
        let mut model = toy_model(Draws::new(seed));
        randomise(&mut model, "", 0.5, Draws::new(seed));
        model
    })
}

fn planned(sources: &[Source]) -> MergePlan {
    let models = sources.iter().zip(["a", "b"]).map(|(s, name)| s.header(name).unwrap()).collect();
    Sum.plan(&MergeInputs { models, base: None, slices: vec![] }, &mut Surroundings::new(0)).unwrap()
}

fn merged(models: [Model; 2], target: &Path, stop: Option<usize>, change: impl Fn(&mut Job<'_>)) -> (Result<()>, Vec<String>) {
    let sources = models.map(|m| Source::Live(Box::new(m)));
    let plan = planned(&sources);
    let mut job = Job {
        merger: &Sum,
        plan: &plan,
        sources: &sources,
        names: &["a", "b"],
        dtype: Dtype::F32,
        shard_bytes: 20_000,
        flush_bytes: 0,
        memory: None,
        rows: None,
    };
    change(&mut job);
    let mut folder = Pending::open(target, "the same").unwrap();
    let watch = Stop(stop, RefCell::default());
    let result = stream(&job, &mut folder, &watch, &mut Surroundings::new(0)).and_then(|()| folder.commit().map(drop));
    (result, watch.1.into_inner())
}

fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> =
        std::fs::read_dir(folder).unwrap().flatten().map(|e| (e.file_name().to_string_lossy().into_owned(), std::fs::read(e.path()).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn every_tensor_is_written_in_shards_with_an_index() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("out");
    merged(models(), &target, None, |_| {}).0.unwrap();
    let [a, b] = models().map(|m| snapshot(&m, ""));
    let files = Checkpoint::open(&target).unwrap();
    assert!(target.join("model.safetensors.index.json").exists());
    assert_eq!(files.names().count(), a.len());
    for (name, a) in &a {
        let expected: Vec<f32> = a.iter().zip(&b[name]).map(|(a, b)| 0.0 + a + b).collect();
        assert_eq!(files.f32(name).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_stopped_merge_has_no_final_name_and_goes_on_to_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let (whole, stopped) = (root.path().join("whole"), root.path().join("stopped"));
    let (result, all) = merged(models(), &whole, None, |_| {});
    result.unwrap();
    let (result, first) = merged(models(), &stopped, Some(all.len() / 2), |_| {});
    assert!(result.is_err() && !stopped.exists() && root.path().join("stopped.merging").exists());
    let (result, rest) = merged(models(), &stopped, None, |_| {});
    result.unwrap();
    assert!(!root.path().join("stopped.merging").exists());
    assert!(bytes(&whole) == bytes(&stopped));
    // Nothing that lay on the disk was merged again.
    assert_eq!([first, rest].concat(), all);
}

#[test]
fn what_was_changed_on_the_disk_meanwhile_is_found() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("out");
    let (_, all) = merged(models(), &target, Some(9), |_| {});
    assert_eq!(all.len(), 9);
    let shard = root.path().join("out.merging/model-00001-of-00006.safetensors");
    let shard = if shard.exists() {
        shard
    } else {
        std::fs::read_dir(root.path().join("out.merging"))
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|x| x == "safetensors"))
            .min()
            .unwrap()
    };
    let mut damaged = std::fs::read(&shard).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&shard, damaged).unwrap();
    let error = merged(models(), &target, None, |_| {}).0.unwrap_err().to_string();
    assert!(error.contains("does not hold what was written"), "{error}");
}

#[test]
fn numbers_that_are_not_finite_and_too_little_memory_are_told() {
    let root = tempfile::tempdir().unwrap();
    let mut broken = models();
    let name = "model.layers.0.mlp.up_proj.weight";
    let entry = tongues_kernel::policy::tensor_names(&broken[1]).into_iter().find(|e| e.name == name).unwrap();
    tongues_testkit::disturb(&mut broken[1], entry.id, 3, f32::NAN);
    let error = merged(broken, &root.path().join("x"), None, |_| {}).0.unwrap_err().to_string();
    assert!(error.starts_with("model `b`, tensor model.layers.0.mlp.up_proj.weight: expected finite numbers, found NaN"), "{error}");
    let error = merged(models(), &root.path().join("y"), None, |job| job.memory = Some(1000)).0.unwrap_err().to_string();
    assert!(error.contains("memory: expected at least 1 MB for this merge"), "{error}");
}
