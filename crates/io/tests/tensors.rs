//! Checkpoints: what is written is read back, and a broken file is refused with its reason.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use tongues_io::{
    Checkpoint, CheckpointWriter, Dtype, TensorOut, TensorSpec, Writer, open_file,
    tensors::{Data, INDEX, pt_metadata, write},
};

fn spec(name: &str, dtype: Dtype, shape: &[usize]) -> TensorSpec {
    TensorSpec::new(name, dtype, shape)
}

/// A file with a given header text and so many bytes of data.
fn file_with(dir: &Path, header: &str, data: usize) -> std::path::PathBuf {
    let path = dir.join("model.safetensors");
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 1);
    fs::write(&path, bytes).unwrap();
    path
}

fn refusal(header: &str, data: usize) -> String {
    let dir = tempfile::tempdir().unwrap();
    open_file(&file_with(dir.path(), header, data)).unwrap_err().to_string()
}

#[test]
fn floats_of_all_types_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let values = [1.0f32, -2.5, 0.0, 65504.0, 0.5, f32::INFINITY];
    let types = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64];
    let plan: Vec<TensorSpec> = types.iter().map(|t| spec(&format!("{t:?}"), *t, &[2, 3])).collect();
    let path = dir.path().join("model.safetensors");
    let mut writer = Writer::create(&path, &plan, &pt_metadata()).unwrap();
    plan.iter().rev().for_each(|s| writer.push(&s.name, &values).unwrap());
    assert!(!path.exists(), "the name appears when the file is whole");
    writer.finish().unwrap();
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["BF16", "F16", "F32", "F64"]);
    for name in ["F32", "F16", "F64"] {
        assert_eq!(checkpoint.f32(name).unwrap(), values);
    }
    assert_eq!(checkpoint.f32("BF16").unwrap(), [1.0, -2.5, 0.0, 65536.0, 0.5, f32::INFINITY]);
    assert_eq!(checkpoint.info("F16").unwrap().shape, [2, 3]);
    assert_eq!(checkpoint.metadata().unwrap()["format"], "pt");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no partial file stays");
}

#[test]
fn the_reference_reader_reads_the_same_bytes_that_its_writer_writes() {
    use safetensors::{SafeTensors, tensor::TensorView};
    let dir = tempfile::tempdir().unwrap();
    let (a, b, c): (Vec<u8>, Vec<u8>, Vec<u8>) = ((0..24).collect(), (0..16).collect(), (0..3).collect());
    let parts = [("b.weight", Dtype::F32, vec![2, 3], &a), ("a.ids", Dtype::I64, vec![2], &b), ("m", Dtype::BOOL, vec![3], &c)];
    let out: Vec<TensorOut> =
        parts.iter().map(|(name, dtype, shape, bytes)| TensorOut { spec: spec(name, *dtype, shape), data: Data::Bytes(bytes.to_vec()) }).collect();
    let path = dir.path().join("x.safetensors");
    write(&path, &out, &pt_metadata()).unwrap();
    let ours = fs::read(&path).unwrap();
    let views = parts.iter().map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    let metadata = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
    assert_eq!(ours, safetensors::serialize(views, Some(metadata)).unwrap());
    assert_eq!(SafeTensors::deserialize(&ours).unwrap().tensor("b.weight").unwrap().data(), &a[..]);
    assert_eq!(open_file(&path).unwrap().i64("m").unwrap(), [0, 1, 2]);
}

#[test]
fn large_checkpoints_are_sharded_with_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let plan = [spec("c", Dtype::F32, &[4]), spec("a", Dtype::F32, &[2]), spec("b", Dtype::F32, &[100]), spec("d", Dtype::F32, &[1])];
    let mut writer = CheckpointWriter::create(dir.path(), &plan, 24).unwrap();
    for (i, s) in plan.iter().enumerate() {
        writer.push(&s.name, &vec![i as f32; s.shape[0]]).unwrap();
    }
    writer.finish().unwrap();
    let index: serde_json::Value = serde_json::from_str(&fs::read_to_string(dir.path().join(INDEX)).unwrap()).unwrap();
    assert_eq!(index["metadata"]["total_size"], 4 * 107);
    let map: BTreeMap<String, String> = serde_json::from_value(index["weight_map"].clone()).unwrap();
    let shard = |i: usize| format!("model-{i:05}-of-00003.safetensors");
    assert_eq!(map, BTreeMap::from([("c", 1), ("a", 1), ("b", 2), ("d", 3)].map(|(n, i)| (n.to_string(), shard(i)))));
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(checkpoint.f32("b").unwrap(), vec![2.0; 100]);
    assert_eq!(checkpoint.names().count(), 4);
}

#[test]
fn a_writer_holds_to_its_plan() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.safetensors");
    let mut writer = Writer::create(&path, &[spec("a", Dtype::F16, &[2]), spec("b", Dtype::F32, &[1])], &pt_metadata()).unwrap();
    let unknown = writer.push("z", &[1.0]).unwrap_err().to_string();
    assert!(unknown.contains("expected a planned tensor, once, found `z`"), "{unknown}");
    let range = writer.push("a", &[1.0, 70000.0]).unwrap_err().to_string();
    assert!(range.contains("expected numbers within ±65504 for F16, found 70000"), "{range}");
    let count = writer.push("b", &[1.0, 2.0]).unwrap_err().to_string();
    assert!(count.contains("expected 1 numbers for [1], found 2"), "{count}");
    drop(writer);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let writer = Writer::create(&path, &[spec("a", Dtype::F16, &[2])], &pt_metadata()).unwrap();
    let early = writer.finish().unwrap_err().to_string();
    assert!(early.contains("1 of them still missing, first `a`") && !path.exists(), "{early}");
    assert!(Writer::create(&path, &[spec("a", Dtype::F16, &[2]), spec("a", Dtype::F32, &[2])], &pt_metadata()).is_err());
}

#[test]
fn a_header_length_that_looks_like_a_pickle_is_no_pickle() {
    let header = format!("{:<640}", r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#);
    assert_eq!(640u64.to_le_bytes()[..2], *b"\x80\x02");
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(open_file(&file_with(dir.path(), &header, 1)).unwrap().i64("a").unwrap(), [1]);
    let path = dir.path().join("model.safetensors");
    fs::write(&path, b"\x80\x02\x8a\x0al\xfc\x9cF\xf9").unwrap();
    assert!(open_file(&path).unwrap_err().to_string().contains("found a pickle"));
}

#[test]
fn a_lying_header_is_refused_with_its_reason() {
    let one = |entry: &str| format!(r#"{{"a":{{{entry}}}}}"#);
    let cases = [
        (one(r#""dtype":"F32","shape":[2],"data_offsets":[0,9]"#), 9, "tensor `a`: expected 8 bytes for [2] of F32, found 9"),
        (one(r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#), 4, "within the file's 4 bytes of data, found [0, 8]"),
        (one(r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#), 9, "expected 8 bytes of tensors, as in the header, found 9"),
        (one(r#""dtype":"F32","shape":[0],"data_offsets":[8,4]"#), 8, "found [8, 4]"),
        (one(r#""dtype":"F31","shape":[2],"data_offsets":[0,8]"#), 8, "expected a known dtype"),
        (one(r#""dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]"#), 8, "expected a shape that fits in memory"),
        (one(r#""dtype":"F32","shape":[-1],"data_offsets":[0,8]"#), 8, "expected a header in JSON"),
        (one(r#""dtype":"F32","shape":[2]"#), 8, "missing field `data_offsets`"),
        ("{\"a\":}".into(), 0, "byte 6 of the header: expected a header in JSON"),
        ("[]".into(), 0, "expected a header that begins with {"),
        (
            r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#.into(),
            4,
            "expected every name once, found the name twice",
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#.into(),
            4,
            "tensor `b`: expected tensors that follow one another in the file, found an overlap",
        ),
        (r#"{"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#.into(), 4, "found a hole before it"),
    ];
    for (header, data, expected) in cases {
        let message = refusal(&header, data);
        assert!(message.contains(expected), "{header}\n{message}");
    }
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let cases: [(&[u8], &str); 6] = [
        (b"", "expected a safetensors file (at least 8 bytes), found 0 bytes"),
        (b"\x01\x02", "found 2 bytes"),
        (b"\xff\x00\x00\x00\x00\x00\x00\x00{}", "expected a header inside the file (10 bytes), found a header length of 255 bytes"),
        (b"\x02\x00\x00\x00\x00\x00\x00\x00{\xff", "expected a header in UTF-8, found byte 0xff at byte 9"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "found a Git LFS pointer\n  help: fetch the file itself: `git lfs pull`"),
        (b"PK\x03\x04rest of an archive", "found a pickle"),
    ];
    for (bytes, expected) in cases {
        fs::write(&path, bytes).unwrap();
        let message = Checkpoint::open(dir.path()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_folder_without_a_checkpoint_says_what_was_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let message = |path: &Path| Checkpoint::open(path).unwrap_err().to_string();
    let empty = message(dir.path());
    assert!(empty.contains("expected model.safetensors or model.safetensors.index.json, found an empty folder"), "{empty}");
    assert!(message(&dir.path().join("none")).contains("found no such folder"));
    fs::write(dir.path().join("adapter_model.safetensors"), "").unwrap();
    assert!(message(dir.path()).contains("this folder holds an adapter"));
    fs::write(dir.path().join("pytorch_model.bin"), "\x03").unwrap();
    let pickle = message(dir.path());
    assert!(pickle.contains("pytorch_model.bin: expected a safetensors file, found a pickle") && pickle.contains("safe_serialization"), "{pickle}");
    assert!(open_file(&dir.path().join("x.pt")).unwrap_err().to_string().contains("a pickle"));
}

/// Two shards `a` and `b` of one tensor each, and an index that says `map`.
fn sharded(map: serde_json::Value) -> String {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("model");
    fs::create_dir(&dir).unwrap();
    for (path, name) in [(dir.join("s1.safetensors"), "a"), (dir.join("s2.safetensors"), "b"), (outer.path().join("s3.safetensors"), "c")] {
        write(&path, &[TensorOut { spec: spec(name, Dtype::U8, &[1]), data: Data::Bytes(vec![7]) }], &pt_metadata()).unwrap();
    }
    fs::write(dir.join(INDEX), serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    match Checkpoint::open(&dir) {
        Ok(checkpoint) => format!("{:?}", checkpoint.names().map(|n| checkpoint.i64(n).unwrap()[0]).collect::<Vec<_>>()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_index_must_agree_with_its_shards_and_stay_in_its_folder() {
    use serde_json::json;
    assert_eq!(sharded(json!({"a": "s1.safetensors", "b": "s2.safetensors"})), "[7, 7]");
    let cases = [
        (json!({"a": "s9.safetensors"}), "expected the shard s9.safetensors, found no such file"),
        (json!({"z": "s1.safetensors"}), "expected the tensor `z` in "),
        (json!({"a": "../s3.safetensors"}), "expected a file in the same folder, found `../s3.safetensors`"),
        (json!({"a": "/etc/passwd"}), "expected a file in the same folder"),
        (json!({"a": "./s1.safetensors/.."}), "expected a file in the same folder"),
        (json!({"a": 3}), "expected the name of a file, found 3"),
        (json!({}), "expected at least one tensor in `weight_map`"),
        (json!(null), "expected the object `weight_map`"),
    ];
    for (map, expected) in cases {
        let message = sharded(map.clone());
        assert!(message.contains(expected), "{map}: {message}");
    }
}

#[cfg(unix)]
#[test]
fn links_to_shards_elsewhere_are_followed() {
    let store = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let blob = store.path().join("blob");
    write(&blob, &[TensorOut { spec: spec("a", Dtype::F32, &[1]), data: Data::F32(vec![3.0]) }], &pt_metadata()).unwrap();
    std::os::unix::fs::symlink(&blob, dir.path().join("model.safetensors")).unwrap();
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(checkpoint.f32("a").unwrap(), [3.0]);
    let missing = checkpoint.f32("b").unwrap_err().to_string();
    assert!(missing.contains("expected the tensor `b`, found 1 others\n  help: the nearest name there is `a`"), "{missing}");
    assert!(checkpoint.i64("a").unwrap_err().to_string().contains("found F32"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        fs::write(&path, &bytes).unwrap();
        let _ = Checkpoint::open(dir.path());
        let mut framed = (bytes.len() as u64).to_le_bytes().to_vec();
        framed.extend(&bytes);
        fs::write(&path, framed).unwrap();
        let _ = Checkpoint::open(dir.path());
    }

    #[test]
    fn no_damage_to_a_good_file_makes_it_panic(at in 0usize..120, byte: u8, cut in 0usize..140) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        let plan = [spec("a", Dtype::F32, &[2]), spec("b", Dtype::I64, &[1])];
        let data = [Data::F32(vec![1.0, 2.0]), Data::Bytes(vec![0; 8])];
        let out: Vec<TensorOut> = plan.into_iter().zip(data).map(|(spec, data)| TensorOut { spec, data }).collect();
        write(&path, &out, &pt_metadata()).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        if let Some(slot) = bytes.get_mut(at) { *slot = byte; }
        bytes.truncate(bytes.len().min(cut.max(at)));
        fs::write(&path, &bytes).unwrap();
        if let Ok(checkpoint) = Checkpoint::open(dir.path()) {
            for name in checkpoint.names() {
                let _ = (checkpoint.f32(name), checkpoint.i64(name), checkpoint.bytes(name).unwrap().len());
            }
        }
    }
}
