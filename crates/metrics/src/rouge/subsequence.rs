//! Longest common subsequences.

use rustc_hash::FxHashMap;

/// Lengths for all beginnings of both lists: row i, column j for i of the first and j of the second.
fn table(one: &[String], other: &[String]) -> Vec<Vec<u32>> {
    let mut table = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 1..=one.len() {
        for j in 1..=other.len() {
            table[i][j] = if one[i - 1] == other[j - 1] { table[i - 1][j - 1] + 1 } else { table[i - 1][j].max(table[i][j - 1]) };
        }
    }
    table
}

/// The length of the longest common subsequence.
pub(super) fn length(one: &[String], other: &[String]) -> usize {
    table(one, other)[one.len()][other.len()] as usize
}

/// Marks the words of `target` that are in one longest common subsequence: of several that one which the reference reads out.
fn mark(target: &[String], prediction: &[String], marked: &mut [bool]) {
    let table = table(target, prediction);
    let (mut i, mut j) = (target.len(), prediction.len());
    while i > 0 && j > 0 {
        if target[i - 1] == prediction[j - 1] {
            marked[i - 1] = true;
            i -= 1;
            j -= 1;
        } else if table[i][j - 1] > table[i - 1][j] {
            j -= 1;
        } else {
            i -= 1;
        }
    }
}

/// Words of the target's lines in a common subsequence with any line of the prediction; none counts more often than it occurs in
/// either text.
pub(super) fn union_hits(target: &[Vec<String>], prediction: &[Vec<String>]) -> usize {
    let counts = |lines: &'_ [Vec<String>]| {
        let mut counts: FxHashMap<String, usize> = FxHashMap::default();
        lines.iter().flatten().for_each(|w| *counts.entry(w.clone()).or_default() += 1);
        counts
    };
    let (mut left, mut left_target) = (counts(prediction), counts(target));
    let mut hits = 0;
    for line in target {
        let mut marked = vec![false; line.len()];
        prediction.iter().for_each(|other| mark(line, other, &mut marked));
        for word in line.iter().zip(marked).filter_map(|(w, m)| m.then_some(w)) {
            if let (Some(a @ 1..), Some(b @ 1..)) = (left.get_mut(word), left_target.get_mut(word)) {
                *a -= 1;
                *b -= 1;
                hits += 1;
            }
        }
    }
    hits
}
