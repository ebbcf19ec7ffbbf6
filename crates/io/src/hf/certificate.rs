//! The certificate of a saved folder: what the live model said on a probe batch, how far the files read back were from it, and the
//! hash of every file.

use super::keep::dtype_name;
use crate::{Dtype, config, sha256_file, write_atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Call, Error, Input, Model, Result, Stream, refuse, values};

/// Name of the file.
pub const CERTIFICATE: &str = "certificate.json";
/// Rows and tokens of the probe.
const PROBE: [usize; 2] = [2, 12];

/// What is known of a saved folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Version of this file.
    pub schema: u32,
    /// Dtype of the files.
    pub dtype: String,
    /// Nothing for a merge, which has no live model beside it: its tensors are compared one by one as they were written. Else the
    /// largest difference between the logits of the live model and those of the files read back, over the standard deviation of
    /// the live ones.
    pub difference: Option<f64>,
    /// The largest that was allowed.
    pub tolerance: f64,
    /// Folders of adapters, in order, that the logits belong to; beside this one.
    pub adapters: Vec<String>,
    /// The probe batch and what the files read back said.
    pub probe: Probe,
    /// All files of the folder but this one.
    pub files: BTreeMap<String, Mark>,
    /// SHA-256 of this file without this line.
    pub seal: String,
}

/// A batch of token ids, and the likeliest next token at every place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Token ids, a list a row.
    pub ids: Vec<Vec<u32>>,
    /// Of every place, row by row.
    pub places: Vec<Place>,
    /// Standard deviation of all logits.
    pub deviation: f64,
}

/// What a model says after one token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The likeliest next token.
    pub token: u32,
    /// Its logit.
    pub logit: f64,
    /// ln Σ e^logit.
    pub logsumexp: f64,
}

/// A file as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Its size.
    pub bytes: u64,
    /// Its hash.
    pub sha256: String,
}

/// How far logits may move by the rounding of a dtype, in standard deviations: its unit roundoff (2⁻²⁴, 2⁻¹¹, 2⁻⁸) with a wide margin for
/// the depth of the network.
fn tolerance(dtype: Dtype) -> f64 {
    match dtype {
        Dtype::BF16 => 0.2,
        Dtype::F16 => 0.03,
        _ => 1e-5,
    }
}

/// Ids that do not repeat soon, from the whole vocabulary.
fn ids(model: &Model) -> Vec<Vec<u32>> {
    let [rows, time] = PROBE;
    let room = if model.spec().max_positions > 0 { model.spec().max_positions.min(time) } else { time };
    let vocabulary = model.spec().vocabulary.max(1);
    (0..rows).map(|r| (0..room).map(|i| ((7919 * (r * room + i + 1) + 31 * (i + r) * (i + 1)) % vocabulary) as u32).collect()).collect()
}

fn logits(model: &Model, ids: &[Vec<u32>]) -> Result<Vec<f32>> {
    let model = model.inference();
    let (rows, time) = (ids.len(), ids.first().map_or(0, Vec::len));
    let device = model.plain_device();
    let numbers: Vec<i64> = ids.iter().flatten().map(|id| i64::from(*id)).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(numbers, [rows, time]), &device);
    let positions = Tensor::<1, Int>::arange(0..time as i64, &device).reshape([1, time]).expand([rows, time]);
    let stream = Stream { ids, rows: None, valid: None, positions, segments: None };
    Ok(values(model.logits(&Input::of(model.spec().main(), stream), Call::default())?))
}

fn deviation(x: &[f32]) -> f64 {
    let n = x.len().max(1) as f64;
    let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    (x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt()
}

fn places(logits: &[f32], count: usize) -> Vec<Place> {
    let width = logits.len() / count.max(1);
    let place = |row: &[f32]| {
        let (token, logit) = row.iter().enumerate().fold((0, f32::MIN), |best, (i, x)| if *x > best.1 { (i, *x) } else { best });
        let sum: f64 = row.iter().map(|x| f64::from(x - logit).exp()).sum();
        Place { token: token as u32, logit: f64::from(logit), logsumexp: f64::from(logit) + sum.ln() }
    };
    logits.chunks(width.max(1)).map(place).collect()
}

/// Compares the live model with the one read back from the files of `dir`, and writes the certificate there.
///
/// # Errors
/// They differ by more than the dtype explains, logits are not finite, or the disk fails.
pub fn certify(live: &Model, read_back: &Model, dtype: Dtype, adapters: &[String], dir: &Path) -> Result<()> {
    let ids = ids(live);
    let (a, b) = (logits(live, &ids)?, logits(read_back, &ids)?);
    let deviation = deviation(&a);
    let apart = a.iter().zip(&b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    let difference = if deviation > 0.0 { apart / deviation } else { apart };
    let tolerance = tolerance(dtype);
    let finite = a.iter().chain(&b).all(|x| x.is_finite());
    if !finite || a.len() != b.len() || difference > tolerance {
        let found = if finite { format!("a difference of {difference:.2e}") } else { "logits that are not finite".into() };
        let expected = format!("files that give the logits of the model in memory within {tolerance:.0e} standard deviations ({})", dtype_name(dtype));
        return Err(Error::run(dir.display(), format!("expected {expected}, found {found}; nothing was replaced")));
    }
    let probe = Probe { places: places(&b, ids.iter().map(Vec::len).sum()), ids, deviation };
    let adapters = adapters.to_vec();
    let dtype = dtype_name(dtype).to_owned();
    write(dir, Certificate { schema: 1, dtype, difference: Some(difference), tolerance, adapters, probe, files: marks(dir)?, seal: String::new() })
}

/// Writes the certificate of a merged folder, read back by the ordinary loader. No live model exists beside it: that the files hold the
/// merged numbers is checked tensor by tensor before, and here that the model says something.
///
/// # Errors
/// Logits are not finite, or the disk fails.
pub fn certify_merged(read_back: &Model, dtype: Dtype, dir: &Path) -> Result<()> {
    let ids = ids(read_back);
    let (logits, files) = std::thread::scope(|scope| {
        let files = scope.spawn(|| marks(dir));
        let logits = logits(read_back, &ids);
        (logits, files.join().unwrap_or_else(|_| Err(Error::run(dir.display(), "the hashing thread ended"))))
    });
    let (logits, files) = (logits?, files?);
    if logits.iter().any(|x| !x.is_finite()) {
        let what = "expected a merged model with finite logits, found others; its inputs have no common coordinates, or weights are too large";
        return Err(Error::run(dir.display(), what));
    }
    let probe = Probe { places: places(&logits, ids.iter().map(Vec::len).sum()), ids, deviation: deviation(&logits) };
    let (tolerance, dtype) = (tolerance(dtype), dtype_name(dtype).to_owned());
    write(dir, Certificate { schema: 1, dtype, difference: None, tolerance, adapters: vec![], probe, files, seal: String::new() })
}

/// Writes it with the seal that belongs to it.
fn write(dir: &Path, mut certificate: Certificate) -> Result<()> {
    certificate.seal = seal(&certificate)?;
    let text = serde_json::to_string_pretty(&certificate).map_err(|e| Error::run(CERTIFICATE, e))?;
    write_atomic(&dir.join(CERTIFICATE), (text + "\n").as_bytes())
}

fn seal(certificate: &Certificate) -> Result<String> {
    let open = Certificate { seal: String::new(), ..certificate.clone() };
    let text = serde_json::to_string(&open).map_err(|e| Error::run(CERTIFICATE, e))?;
    Ok(Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect())
}

fn marks(dir: &Path) -> Result<BTreeMap<String, Mark>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).map_err(|e| crate::failed(dir, &e))?.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_file() && name != CERTIFICATE && !name.contains(".partial-") {
            let bytes = entry.metadata().map_err(|e| crate::failed(&path, &e))?.len();
            all.insert(name, Mark { bytes, sha256: sha256_file(&path)? });
        }
    }
    Ok(all)
}

/// Marks the files of a certified folder anew, after one of them was rewritten with intent (the model card).
///
/// # Errors
/// There is no readable certificate, or the disk fails.
pub fn remark(dir: &Path) -> Result<()> {
    let certificate = read(dir)?;
    write(dir, Certificate { files: marks(dir)?, ..certificate })
}

/// The certificate of a folder.
///
/// # Errors
/// There is none, or it was changed.
pub fn read(dir: &Path) -> Result<Certificate> {
    let path = dir.join(CERTIFICATE);
    if !path.exists() {
        return refuse(
            path.display(),
            "the certificate that tongues writes beside a checkpoint or adapter",
            "no such file",
            "only folders written by tongues can be verified",
        );
    }
    let wrong =
        |e: &dyn std::fmt::Display| Error::input(path.display(), "an unchanged certificate", e, "the folder cannot be trusted; take it from its source again");
    let certificate: Certificate = serde_json::from_value(config::read_json(&path)?).map_err(|e| wrong(&e))?;
    if seal(&certificate)? != certificate.seal {
        return Err(wrong(&"another seal than its content has"));
    }
    // The same content in another layout is another file.
    let text = serde_json::to_string_pretty(&certificate).map_err(|e| Error::run(CERTIFICATE, e))? + "\n";
    if std::fs::read(&path).map_err(|e| crate::failed(&path, &e))? != text.as_bytes() {
        return Err(wrong(&"bytes that tongues did not write"));
    }
    Ok(certificate)
}

/// Checks every file against its certificate.
///
/// # Errors
/// A file is missing, changed, or not in the certificate.
pub fn check_files(dir: &Path) -> Result<Certificate> {
    let certificate = read(dir)?;
    let now = marks(dir)?;
    let remedy = "the folder is not what was saved; take it from its source again";
    for (name, mark) in &certificate.files {
        let at = dir.join(name);
        match now.get(name) {
            None => return refuse(at.display(), "the file that was saved", "no such file", remedy),
            Some(found) if found.bytes != mark.bytes => return refuse(at.display(), format!("{} bytes", mark.bytes), found.bytes, remedy),
            Some(found) if found != mark => return refuse(at.display(), format!("SHA-256 {}", mark.sha256), &found.sha256, remedy),
            Some(_) => {}
        }
    }
    match now.keys().find(|name| !certificate.files.contains_key(*name)) {
        Some(name) => refuse(dir.join(name).display(), "only files of the certificate", "one more", "remove it, or keep it elsewhere: readers may use it"),
        None => Ok(certificate),
    }
}

/// Compares a model read from a certified folder with what its certificate says; returns the largest difference in standard deviations.
///
/// # Errors
/// They differ by more than the order of sums on another machine explains.
pub fn check_model(model: &Model, certificate: &Certificate, dir: &Path) -> Result<f64> {
    const ELSEWHERE: f64 = 1e-3;
    let found = places(&logits(model, &certificate.probe.ids)?, certificate.probe.places.len());
    let scale = certificate.probe.deviation.max(f64::MIN_POSITIVE);
    let apart = |(a, b): (&Place, &Place)| ((a.logit - b.logit).abs().max((a.logsumexp - b.logsumexp).abs())) / scale;
    let difference = found.iter().zip(&certificate.probe.places).map(apart).fold(0.0, f64::max);
    if found.len() != certificate.probe.places.len() || difference.is_nan() || difference > ELSEWHERE {
        let expected = format!("the logits of its certificate within {ELSEWHERE:.0e} standard deviations");
        return refuse(
            dir.display(),
            expected,
            format!("a difference of {difference:.2e}"),
            "the program or the base model is another one than when it was saved",
        );
    }
    Ok(difference)
}
