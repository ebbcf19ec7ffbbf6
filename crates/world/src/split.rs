//! Train, dev and test: the place of an event modulo ten.

/// Which sentences: no event of one split occurs in another, in any language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// Eight tenths of the events.
    Train,
    /// One tenth, to choose by.
    Dev,
    /// One tenth, to report.
    Test,
}

const TENTHS: u64 = 10;

impl Split {
    /// `train`, `dev` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }

    /// First residue of the split and how many it has.
    fn residues(self) -> (u64, u64) {
        match self {
            Self::Train => (0, 8),
            Self::Dev => (8, 1),
            Self::Test => (9, 1),
        }
    }

    /// The place of its `k`-th event among all events.
    pub(crate) fn place(self, k: u64) -> u64 {
        let (first, width) = self.residues();
        k / width * TENTHS + first + k % width
    }

    /// Whether the event at that place is its own.
    pub(crate) fn holds(self, place: u64) -> bool {
        let (first, width) = self.residues();
        (first..first + width).contains(&(place % TENTHS))
    }

    /// How many of `total` events it has.
    pub(crate) fn size(self, total: u64) -> u64 {
        let (first, width) = self.residues();
        total / TENTHS * width + (total % TENTHS).saturating_sub(first).min(width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_share_out_every_place_once() {
        for total in [0, 9, 10, 18, 19, 1237] {
            let mut places = Vec::new();
            for split in [Split::Train, Split::Dev, Split::Test] {
                let own = (0..split.size(total)).map(|k| split.place(k));
                places.extend(own.inspect(|place| assert!(split.holds(*place))));
            }
            places.sort_unstable();
            assert_eq!(places, (0..total).collect::<Vec<_>>());
        }
    }
}
