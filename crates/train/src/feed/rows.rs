//! Examples become rows, rows become batches.

use std::collections::BTreeMap;
use tongues_kernel::{Batch, Draws, Example, Name, Sequence};

use super::{Layout, Pool, Rows, Uniform};

/// Batches sorted together by length, in the bucketed layout.
const BUCKET_BATCHES: usize = 50;

/// The batches of one pass, from its order.
pub(super) fn batches(pool: &Pool, order: &[usize], layout: &Layout, draws: Draws) -> Vec<Batch> {
    match layout.uniform {
        Uniform::Any => one_group(pool, order, layout, draws),
        Uniform::Pure => {
            let groups = groups(pool, order);
            let all = groups.values().enumerate().flat_map(|(g, order)| one_group(pool, order, layout, draws.example(g as u64))).collect();
            shuffled(all, draws.stream("pure"))
        }
        Uniform::Balanced => balanced(pool, order, layout),
    }
}

fn one_group(pool: &Pool, order: &[usize], layout: &Layout, draws: Draws) -> Vec<Batch> {
    match layout.rows {
        Rows::Bucketed => {
            let longest = order.iter().map(|i| length(&pool.examples[*i])).max().unwrap_or(1).max(1);
            let bucket = (layout.batch_tokens / longest).max(1) * BUCKET_BATCHES;
            let bucketed = |part: &[usize]| {
                let mut part = part.to_vec();
                part.sort_by_key(|i| length(&pool.examples[*i]));
                filled(rows(pool, &part, layout), layout)
            };
            shuffled(order.chunks(bucket).flat_map(bucketed).collect(), draws.stream("buckets"))
        }
        Rows::Packed | Rows::Single => filled(rows(pool, order, layout), layout),
    }
}

/// Longest sequence of an example.
fn length(example: &Example) -> usize {
    example.sequences.values().map(Sequence::len).max().unwrap_or(0)
}

/// Positions of the examples by the value of the column, each in the order of the pass.
fn groups(pool: &Pool, order: &[usize]) -> BTreeMap<Name, Vec<usize>> {
    let mut groups: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
    for i in order {
        groups.entry(pool.keys.get(*i).cloned().unwrap_or_default()).or_default().push(*i);
    }
    groups
}

fn shuffled(batches: Vec<Batch>, draws: Draws) -> Vec<Batch> {
    let order = draws.permutation(batches.len());
    let mut slots: Vec<Option<Batch>> = batches.into_iter().map(Some).collect();
    order.into_iter().filter_map(|i| slots[i].take()).collect()
}

fn rows(pool: &Pool, order: &[usize], layout: &Layout) -> Vec<Example> {
    match layout.rows {
        Rows::Packed => packed(pool, order, layout.row_tokens),
        Rows::Bucketed | Rows::Single => order.iter().map(|i| pool.examples[*i].clone()).collect(),
    }
}

/// Fills batches with rows in order; a batch is a rectangle, so its longest row counts for all.
fn filled(rows: Vec<Example>, layout: &Layout) -> Vec<Batch> {
    let mut batches = vec![];
    let (mut batch, mut longest) = (Batch::default(), 0);
    for row in rows {
        let length = length(&row);
        longest = longest.max(length);
        if !batch.examples.is_empty() && (batch.examples.len() + 1) * longest > layout.batch_tokens {
            batches.push(std::mem::take(&mut batch));
            longest = length;
        }
        batch.examples.push(row);
    }
    batches.push(batch);
    batches
}

/// Every batch has equally many rows of every value; rows of rarer values come again until the commonest is through.
fn balanced(pool: &Pool, order: &[usize], layout: &Layout) -> Vec<Batch> {
    let groups: Vec<Vec<Example>> = groups(pool, order).values().map(|order| rows(pool, order, layout)).collect();
    let rounds = groups.iter().map(Vec::len).max().unwrap_or(0);
    let (mut batches, mut batch, mut longest) = (vec![], Batch::default(), 0);
    for round in 0..rounds {
        let row: Vec<Example> = groups.iter().map(|g| g[round % g.len()].clone()).collect();
        let widest = row.iter().map(length).max().unwrap_or(0);
        longest = longest.max(widest);
        if !batch.examples.is_empty() && (batch.examples.len() + row.len()) * longest > layout.batch_tokens {
            batches.push(std::mem::take(&mut batch));
            longest = widest;
        }
        batch.examples.extend(row);
    }
    batches.push(batch);
    batches
}

/// Joins texts in order until a row is full. Texts never see each other: `starts` says where each begins.
fn packed(pool: &Pool, order: &[usize], row_tokens: usize) -> Vec<Example> {
    let mut rows: Vec<Example> = vec![];
    let mut room = 0;
    for i in order {
        let example = &pool.examples[*i];
        let length = example.sequences.values().map(Sequence::len).sum::<usize>();
        match rows.last_mut().filter(|_| length <= room) {
            Some(row) => join(row, example),
            None => {
                rows.push(example.clone());
                room = row_tokens;
            }
        }
        room = room.saturating_sub(length);
    }
    rows
}

fn join(row: &mut Example, more: &Example) {
    for (name, sequence) in &more.sequences {
        let joined = row.sequences.entry(name.clone()).or_default();
        let start = joined.len();
        joined.starts.extend(std::iter::once(start).chain(sequence.starts.iter().map(|s| s + start)));
        joined.segments.extend(sequence.segments.iter().cloned());
    }
}
