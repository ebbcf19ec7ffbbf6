//! Shifts of words that bring a hypothesis closer to its reference.
//!
//! Which shifts are tried, in which order, and which of equal ones wins are Tercom's heuristics; scores depend on all of them.

use super::distance::{Distance, Edit};

/// Longest shifted piece.
const SIZE: usize = 10;
/// Farthest shift.
const FAR: usize = 50;
/// Shifts that are tried for a segment.
const CANDIDATES: usize = 1000;

/// Edits from hypothesis to reference, where a shift is one edit.
pub(super) fn edits(hypothesis: &[u32], reference: &[u32]) -> u64 {
    if reference.is_empty() {
        return hypothesis.len() as u64;
    }
    let mut distance = Distance::new(reference, hypothesis.len());
    let mut words = hypothesis.to_vec();
    let (mut shifts, mut tried) = (0, 0);
    loop {
        let current = distance.set(&words);
        let found = best_shift(&words, reference, &mut distance, current, &mut tried);
        match found {
            Some(better) if tried < CANDIDATES && better.gain > 0 => {
                words = better.words;
                shifts += 1;
            }
            _ => return shifts + u64::from(current),
        }
    }
}

struct Shift {
    gain: i64,
    length: usize,
    start: usize,
    target: usize,
    words: Vec<u32>,
}

impl Shift {
    /// More gain first, then the longer piece, the earlier one, the earlier target.
    fn beats(&self, other: &Self) -> bool {
        let rank = |s: &Self| (s.gain, s.length, -(s.start as i64), -(s.target as i64));
        rank(self) > rank(other)
    }
}

/// Where the words of the reference stand in the hypothesis, and which words of both are wrong (as sums from the start).
struct Alignment {
    /// For each word of the reference the place after the word of the hypothesis that it stands at; 0 before the first.
    after: Vec<usize>,
    wrong_reference: Vec<u32>,
    wrong_hypothesis: Vec<u32>,
}

impl Alignment {
    fn new(trace: &[Edit]) -> Self {
        let (mut after, mut wrong_reference, mut wrong_hypothesis) = (vec![], vec![0], vec![0]);
        let mut place = 0;
        let add = |sums: &mut Vec<u32>, wrong: bool| sums.push(sums.last().copied().unwrap_or(0) + u32::from(wrong));
        for edit in trace {
            if *edit != Edit::Insert {
                place += 1;
                add(&mut wrong_hypothesis, *edit != Edit::Keep);
            }
            if *edit != Edit::Delete {
                after.push(place);
                add(&mut wrong_reference, *edit != Edit::Keep);
            }
        }
        Self { after, wrong_reference, wrong_hypothesis }
    }

    /// Whether a shift of a piece can help: it is wrong where it stands, its match in the reference is wrong too, and does not
    /// stand inside the piece.
    fn worth(&self, start: usize, reference: usize, length: usize) -> bool {
        let wrong = |sums: &[u32], from: usize| sums[from + length] > sums[from];
        let stands = self.after[reference];
        wrong(&self.wrong_hypothesis, start) && wrong(&self.wrong_reference, reference) && !(start < stands && stands <= start + length)
    }
}

/// The best shift among those tried; `tried` goes on counting.
fn best_shift(words: &[u32], reference: &[u32], distance: &mut Distance, current: u32, tried: &mut usize) -> Option<Shift> {
    let alignment = Alignment::new(&distance.trace());
    let mut best: Option<Shift> = None;
    for (start, other, length) in pairs(words, reference) {
        if !alignment.worth(start, other, length) {
            continue;
        }
        let mut last = None;
        // In front of the match's first word, and behind each of its words.
        for place in other..=other + length {
            let target = match place.checked_sub(1) {
                None => 0,
                Some(before) => match alignment.after.get(before) {
                    Some(after) => *after,
                    None => break,
                },
            };
            if last == Some(target) {
                continue;
            }
            last = Some(target);
            let moved = shifted(words, start, length, target);
            let same = moved.iter().zip(words).take_while(|(a, b)| a == b).count();
            let gain = i64::from(current) - i64::from(distance.changed(&moved, same));
            let shift = Shift { gain, length, start, target, words: moved };
            *tried += 1;
            if best.as_ref().is_none_or(|b| shift.beats(b)) {
                best = Some(shift);
            }
        }
        if *tried >= CANDIDATES {
            break;
        }
    }
    best
}

/// Pieces that stand in both, as (place in the hypothesis, place in the reference, length).
fn pairs<'a>(words: &'a [u32], reference: &'a [u32]) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
    let near = move |start: usize| start.saturating_sub(FAR)..reference.len().min(start + FAR + 1);
    (0..words.len()).flat_map(move |start| {
        near(start).flat_map(move |other| {
            let same = words[start..].iter().zip(&reference[other..]).take(SIZE).take_while(|(a, b)| a == b).count();
            (1..=same).map(move |length| (start, other, length))
        })
    })
}

/// The words with the piece at `start` put before `target`; inside its own reach, so many words further on.
fn shifted(words: &[u32], start: usize, length: usize, target: usize) -> Vec<u32> {
    let end = start + length;
    let piece = &words[start..end];
    if target < start {
        [&words[..target], piece, &words[target..start], &words[end..]].concat()
    } else if target > end {
        [&words[..start], &words[end..target], piece, &words[target..]].concat()
    } else {
        let reach = words.len().min(length + target);
        [&words[..start], &words[end..reach], piece, &words[reach..]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_move_forwards_backwards_and_within_reach() {
        let words = [0, 1, 2, 3, 4, 5];
        assert_eq!(shifted(&words, 3, 2, 1), [0, 3, 4, 1, 2, 5]);
        assert_eq!(shifted(&words, 1, 2, 5), [0, 3, 4, 1, 2, 5]);
        assert_eq!(shifted(&words, 1, 2, 2), [0, 3, 1, 2, 4, 5]);
        assert_eq!(shifted(&words, 3, 2, 5), [0, 1, 2, 5, 3, 4]);
    }

    #[test]
    fn pairs_are_the_common_pieces_in_order() {
        assert_eq!(pairs(&[7, 8], &[8, 7, 8]).collect::<Vec<_>>(), [(0, 1, 1), (0, 1, 2), (1, 0, 1), (1, 2, 1)]);
    }
}
