//! Which seeds are for what.

/// Development looks at these; a confirming run never does.
pub const DEVELOPMENT: std::ops::Range<u64> = 101..1001;

/// The first `n` development seeds.
pub fn development(n: usize) -> Vec<u64> {
    DEVELOPMENT.take(n).collect()
}

/// The next `n` confirming seeds: 1 to 100, then from 1001 on, never one that was used.
pub fn fresh(used: &[u64], n: usize) -> Vec<u64> {
    let first = used.iter().max().map_or(1, |last| last + 1);
    (first..).filter(|s| !DEVELOPMENT.contains(s)).take(n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirming_seeds_are_new_and_none_of_development() {
        assert_eq!(fresh(&[], 5), [1, 2, 3, 4, 5]);
        assert_eq!(fresh(&[1, 2, 7], 2), [8, 9]);
        assert_eq!(fresh(&[98], 4), [99, 100, 1001, 1002]);
        assert_eq!(development(2), [101, 102]);
    }
}
