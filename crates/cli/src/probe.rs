//! `tongues probe`: ids and logits on fixed inputs, for comparison with other programs.

use crate::args::ProbeArgs;
use serde_json::json;
use std::path::Path;
use tongues_io::tensors::{Data, TensorOut, TensorSpec, pt_metadata, write};
use tongues_io::{Dtype, hf, write_atomic};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Call, Draws, Laid, Model, Sequence, values};

/// Rows and tokens of the probe.
const ROWS: usize = 3;
const TIME: usize = 16;

/// Writes `probe.safetensors` and `probe.json`.
pub fn run(args: &ProbeArgs) -> anyhow::Result<()> {
    let base = open(&args.base)?;
    let rows = rows(base.spec().vocabulary);
    let ids: Vec<u8> = rows.iter().flatten().flat_map(|id| i64::from(*id).to_le_bytes()).collect();
    let mut tensors = vec![TensorOut { spec: TensorSpec::new("input_ids", Dtype::I64, [ROWS, TIME]), data: Data::Bytes(ids) }];
    tensors.push(logits("logits_base", &base, &rows)?);
    if let Some(dir) = &args.adapter {
        let mut model = base.clone();
        hf::load_adapter(dir, "adapter", &mut model)?;
        tensors.push(logits("logits_adapter", &model, &rows)?);
    }
    if let Some(dir) = &args.folded {
        tensors.push(logits("logits_folded", &open(dir)?, &rows)?);
    }
    std::fs::create_dir_all(&args.out)?;
    write(&args.out.join("probe.safetensors"), &tensors, &pt_metadata())?;
    let tokenizer = base.tokenizer()?;
    let ids = args.text.iter().map(|t| tokenizer.encode(t)).collect::<Result<Vec<_>, _>>()?;
    let texts = json!({ "texts": args.text, "ids": ids });
    write_atomic(&args.out.join("probe.json"), texts.to_string().as_bytes())?;
    Ok(())
}

fn open(dir: &Path) -> anyhow::Result<Model> {
    let mut cx = Bare { device: Device::flex(), draws: Draws::new(0) };
    Ok(hf::load(dir, &hf::Reading::default(), &mut cx)?)
}

/// Ids drawn over the whole vocabulary, new rows included.
fn rows(vocabulary: usize) -> Vec<Vec<u32>> {
    let draws = Draws::new(1).stream("probe");
    let row = |r: u64| (0..TIME as u64).map(|t| draws.example(r).step(t).below(vocabulary) as u32).collect();
    (0..ROWS as u64).map(row).collect()
}

fn logits(name: &str, model: &Model, rows: &[Vec<u32>]) -> anyhow::Result<TensorOut> {
    let sequences: Vec<Sequence> = rows.iter().map(|r| Sequence::of("text", r.clone(), 1.0)).collect();
    let input = Laid::new(&sequences)?.input(model.spec().main(), &model.plain_device());
    let logits = model.inference().logits(&input, Call::default())?;
    let shape = logits.dims();
    Ok(TensorOut { spec: TensorSpec::new(name, Dtype::F32, shape), data: Data::F32(values(logits)) })
}
