//! Zipf-like choice from an integer table: rank r has weight ~ 1 / (r + 3).

use crate::random::Stream;

/// Words with cumulated weights.
pub(crate) struct Zipf {
    items: Vec<u16>,
    cumulated: Vec<u64>,
}

impl Zipf {
    /// Words in order of rank, each with a factor on its weight.
    pub(crate) fn new(ranked: impl IntoIterator<Item = (u16, u64)>) -> Self {
        let mut table = Self { items: Vec::new(), cumulated: Vec::new() };
        let mut total = 0;
        for (rank, (item, factor)) in ranked.into_iter().enumerate() {
            total += factor * (1 << 20) / (rank as u64 + 3);
            table.items.push(item);
            table.cumulated.push(total);
        }
        table
    }

    /// A word; none from an empty table.
    pub(crate) fn draw(&self, stream: &mut Stream) -> Option<u16> {
        let target = stream.below(*self.cumulated.last()?);
        let index = self.cumulated.partition_point(|sum| *sum <= target);
        self.items.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_ranks_are_drawn_more_often() {
        let table = Zipf::new((0..50).map(|item| (item, 1)));
        let mut stream = Stream::new(3, "zipf", &[]);
        let mut counts = [0_u32; 50];
        for _ in 0..20_000 {
            counts[usize::from(table.draw(&mut stream).unwrap())] += 1;
        }
        // 1/3 against 1/12 and 1/52.
        assert!(counts[0] > 3 * counts[9] && counts[9] > 3 * counts[49]);
        assert!(counts[49] > 0);
    }
}
