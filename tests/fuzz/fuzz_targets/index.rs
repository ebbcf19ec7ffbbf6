//! An index of any bytes beside a good shard.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tongues_io::{Checkpoint, Dtype, TensorOut, TensorSpec, tensors};

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    let tensor = |name: &str| TensorOut { spec: TensorSpec::new(name, Dtype::F32, vec![2]), data: tensors::Data::F32(vec![1.0, 2.0]) };
    tensors::write(&dir.path().join("a.safetensors"), &[tensor("x"), tensor("y")], &tensors::pt_metadata()).expect("a shard");
    dir
});

fuzz_target!(|data: &[u8]| {
    std::fs::write(DIR.path().join("model.safetensors.index.json"), data).expect("written");
    if let Ok(checkpoint) = Checkpoint::open(DIR.path()) {
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["x", "y"]);
    }
});
