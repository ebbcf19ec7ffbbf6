//! Edit distance in a band around the diagonal, with the edits where they are asked for.

/// Half the width of the band.
const BEAM: usize = 25;
/// A cell outside the band.
const FAR: u32 = u32::MAX / 2;

/// An edit that turns the hypothesis into the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    Keep,
    Substitute,
    Insert,
    Delete,
}

/// Distances of a hypothesis's beginnings to a reference's: row i, column j are for i words and j words.
pub(super) struct Distance<'a> {
    reference: &'a [u32],
    /// Rows of the hypothesis at hand.
    cost: Vec<u32>,
    edits: Vec<Edit>,
    /// Rows of a changed hypothesis.
    spare: Vec<u32>,
    words: usize,
}

impl<'a> Distance<'a> {
    /// For hypotheses of so many words.
    pub(super) fn new(reference: &'a [u32], words: usize) -> Self {
        let columns = reference.len() + 1;
        let mut cost = vec![FAR; (words + 1) * columns];
        (0..columns).for_each(|j| cost[j] = j as u32);
        let edits = vec![Edit::Insert; (words + 1) * columns];
        Self { reference, cost, edits, spare: vec![FAR; 2 * columns], words }
    }

    /// The columns of row `i` that are computed.
    fn band(&self, i: usize) -> std::ops::Range<usize> {
        let ratio = self.reference.len() as f64 / self.words as f64;
        let beam = if (BEAM as f64) < ratio / 2.0 { (ratio / 2.0 + BEAM as f64).ceil() as usize } else { BEAM };
        let diagonal = (i as f64 * ratio).floor() as usize;
        let end = if i == self.words { self.reference.len() + 1 } else { (diagonal + beam).min(self.reference.len() + 1) };
        diagonal.saturating_sub(beam)..end
    }

    /// Computes the distance of a hypothesis and keeps its rows; the distance.
    pub(super) fn set(&mut self, hypothesis: &[u32]) -> u32 {
        let columns = self.reference.len() + 1;
        for i in 1..=self.words {
            let band = self.band(i);
            let (before, here) = self.cost.split_at_mut(i * columns);
            let (before, here) = (&before[(i - 1) * columns..], &mut here[..columns]);
            here.fill(FAR);
            row(self.reference, hypothesis[i - 1], before, here, band, &mut |j, edit| self.edits[i * columns + j] = edit);
        }
        self.cost[self.words * columns + columns - 1]
    }

    /// The distance of another hypothesis whose first `same` words are those of the one at hand.
    pub(super) fn changed(&mut self, hypothesis: &[u32], same: usize) -> u32 {
        let columns = self.reference.len() + 1;
        let mut spare = std::mem::take(&mut self.spare);
        let (mut before, mut here) = spare.split_at_mut(columns);
        before.copy_from_slice(&self.cost[same * columns..(same + 1) * columns]);
        for i in same + 1..=self.words {
            here.fill(FAR);
            row(self.reference, hypothesis[i - 1], before, here, self.band(i), &mut |_, _| ());
            std::mem::swap(&mut before, &mut here);
        }
        let distance = before[columns - 1];
        self.spare = spare;
        distance
    }

    /// The edits of the hypothesis at hand, from its first word to its last.
    pub(super) fn trace(&self) -> Vec<Edit> {
        let columns = self.reference.len() + 1;
        let (mut i, mut j) = (self.words, self.reference.len());
        let mut trace = vec![];
        while i > 0 || j > 0 {
            // Rows reach each other inside the band, so that the way never leaves the matrix.
            let edit = if i == 0 {
                Edit::Insert
            } else if j == 0 {
                Edit::Delete
            } else {
                self.edits[i * columns + j]
            };
            trace.push(edit);
            i -= usize::from(edit != Edit::Insert);
            j -= usize::from(edit != Edit::Delete);
        }
        trace.reverse();
        trace
    }
}

/// One row. Of equal edits the first of keep or substitute, delete, insert is taken, which is Tercom's order seen from the
/// reference.
fn row(reference: &[u32], word: u32, before: &[u32], here: &mut [u32], band: std::ops::Range<usize>, chosen: &mut impl FnMut(usize, Edit)) {
    for j in band {
        if j == 0 {
            here[0] = before[0] + 1;
            chosen(0, Edit::Delete);
            continue;
        }
        let same = word == reference[j - 1];
        let (mut best, mut edit) = (before[j - 1] + u32::from(!same), if same { Edit::Keep } else { Edit::Substitute });
        if before[j] + 1 < best {
            (best, edit) = (before[j] + 1, Edit::Delete);
        }
        if here[j - 1] + 1 < best {
            (best, edit) = (here[j - 1] + 1, Edit::Insert);
        }
        if best < FAR {
            here[j] = best;
            chosen(j, edit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_edits() {
        let reference = [1, 2, 3, 4];
        let mut distance = Distance::new(&reference, 3);
        assert_eq!(distance.set(&[1, 3, 4]), 1);
        assert_eq!(distance.trace(), [Edit::Keep, Edit::Insert, Edit::Keep, Edit::Keep]);
        assert_eq!(distance.changed(&[1, 4, 3], 1), 2);
        assert_eq!(distance.set(&[2, 9, 4]), 2);
        assert_eq!(Distance::new(&reference, 0).set(&[]), 4);
    }

    #[test]
    fn rows_of_very_unequal_lengths_reach_each_other() {
        let reference: Vec<u32> = (0..400).collect();
        let mut distance = Distance::new(&reference, 2);
        assert_eq!(distance.set(&[399, 500]), 400);
        assert_eq!(distance.trace().len(), 400);
    }
}
