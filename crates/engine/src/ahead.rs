//! Looking at models before they are merged: what a person is shown of it.

use crate::merged_tokens::Tokens;
use crate::merging::{Inputs, Request, merger};
use crate::surroundings::Surroundings;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use tongues_kernel::Result;
use tongues_kernel::merging::Comparison;
use tongues_merge::{Look, Watch, look};
use tongues_report::{Ahead, Heat, Sheet};

/// Looks at the inputs of a merge, without merging. Changes are counted from the base, or from the first model.
///
/// # Errors
/// The inputs do not fit together, or cannot be read.
pub fn ahead(request: &Request<'_>, watch: &dyn Watch) -> Result<Look> {
    let mut inputs = Inputs::of(request.shop, request.merge)?;
    // Rows that follow their tokens are left out: only tensors of equal shapes can be compared place by place.
    let shapes = inputs.headers.clone();
    Tokens::of(request.merge, &mut inputs)?;
    let mut cx = Surroundings::new(request.shop, request.name);
    let plan = merger(request.merge, &mut cx)?.plan(&inputs.headers, &mut cx)?;
    look(&plan.outputs, &shapes.models, &inputs.sources, inputs.headers.base.unwrap_or(0), watch)
}

/// The page of a look.
pub fn page(title: &str, found: &Look) -> Ahead {
    let about = format!("Changes of {} from {}, tensor by tensor, before any merge.", found.models.join(", "), found.base);
    Ahead { title: title.into(), warnings: found.warnings(), about, tables: tables(found), maps: maps(found) }
}

fn tables(found: &Look) -> Vec<Sheet> {
    let whole = found.whole();
    let columns = ["model", "change / base", "norm / base", "cosine to base", "mean |change|"].map(String::from).to_vec();
    let one =
        |(i, name): (usize, &String)| (name.clone(), vec![whole.relative(i), whole.norm(i), whole.cosine_to_base(i), whole.models[i].absolute / whole.count]);
    let models = Sheet { title: "What each model changed".into(), columns, rows: found.models.iter().enumerate().map(one).collect() };
    let columns = ["models", "cosine of changes", "opposite signs"].map(String::from).to_vec();
    let pair = |(p, (i, j)): (usize, (usize, usize))| (pair_name(found, i, j), vec![whole.cosine(i, j, p), whole.conflicts(p)]);
    let rows: Vec<_> = found.pairs().into_iter().enumerate().map(pair).collect();
    let pairs = Sheet { title: "How the changes agree".into(), columns, rows };
    if pairs.rows.is_empty() { vec![models] } else { vec![models, pairs] }
}

fn pair_name(found: &Look, i: usize, j: usize) -> String {
    format!("{} and {}", found.models[i], found.models[j])
}

fn maps(found: &Look) -> Vec<Heat> {
    let mut maps = vec![];
    for (i, name) in found.models.iter().enumerate() {
        let note = "Norm of the change over the norm of the base's tensor.";
        maps.push(map(found, format!("Change of {name}"), note, false, &|c| c.relative(i)));
    }
    for (p, (i, j)) in found.pairs().into_iter().enumerate() {
        let name = pair_name(found, i, j);
        let note = "Cosine between the changes: near 1 they say the same, near 0 they do not disturb each other, below 0 they undo each other.";
        maps.push(map(found, format!("Cosine of the changes of {name}"), note, true, &|c| c.cosine(i, j, p)));
        let note = "Share of numbers that the two changed in opposite directions; 0.5 is chance.";
        maps.push(map(found, format!("Opposite signs of {name}"), note, false, &|c| c.conflicts(p)));
    }
    maps
}

/// Kinds of tensors down, layers across; tensors outside the layers have no place in it.
fn map(found: &Look, title: String, note: &str, signed: bool, value: &dyn Fn(&Comparison) -> f64) -> Heat {
    let inside = || found.tensors.iter().filter(|t| t.block.is_some());
    let rows: Vec<String> = inside().map(|t| t.kind.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let blocks: Vec<usize> = inside().filter_map(|t| t.block).collect::<BTreeSet<_>>().into_iter().collect();
    let at = |kind: &String, block: usize| inside().find(|t| t.kind == *kind && t.block == Some(block)).map_or(f64::NAN, |t| value(&t.found));
    let values = rows.iter().map(|kind| blocks.iter().map(|b| at(kind, *b)).collect()).collect();
    Heat { title, note: note.into(), rows, columns: blocks.iter().map(usize::to_string).collect(), values, signed }
}

/// The numbers of a look, for programs.
pub fn json(found: &Look) -> Json {
    let numbers = |c: &Comparison| {
        let model = |(i, name): (usize, &String)| {
            let own = json!({ "relative_change": c.relative(i), "norm_ratio": c.norm(i), "cosine_to_base": c.cosine_to_base(i), "mean_absolute_change": c.models[i].absolute / c.count });
            (name.clone(), own)
        };
        let pair = |(p, (i, j)): (usize, (usize, usize))| json!({ "models": [found.models[i], found.models[j]], "cosine": c.cosine(i, j, p), "sign_conflicts": c.conflicts(p) });
        json!({ "models": found.models.iter().enumerate().map(model).collect::<serde_json::Map<_, _>>(), "pairs": found.pairs().into_iter().enumerate().map(pair).collect::<Vec<_>>() })
    };
    let tensors: serde_json::Map<String, Json> = found.tensors.iter().map(|t| (t.name.clone(), numbers(&t.found))).collect();
    let layers: serde_json::Map<String, Json> = found.by_block().iter().map(|(block, c)| (block.to_string(), numbers(c))).collect();
    json!({ "schema": 1, "base": found.base, "warnings": found.warnings(), "whole": numbers(&found.whole()), "layers": layers, "tensors": tensors })
}
