//! Several data sets in one stream, with shares.

use std::ops::Range;
use tongues_kernel::{Draws, Result, refuse};

/// When a pass over a mixture ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// After as many examples as its members have together.
    Total,
    /// When the first member has nothing new.
    First,
    /// When every member was seen once; small ones repeat until then.
    All,
    /// After exactly so many examples of every member; the shares say nothing.
    Each(usize),
}

/// How members are mixed.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// The member's share of the examples; positive, not necessarily with sum 1.
    pub shares: Vec<f64>,
    /// When a pass ends.
    pub stop: Stop,
}

/// A pass longer than this many times its data is a slip of the shares.
const LONGEST: usize = 1000;

/// The examples of one pass in order, and how many each member has then given since the training began.
pub(super) struct Order {
    pub(super) indices: Vec<usize>,
    pub(super) given: Vec<u64>,
}

impl Mixture {
    /// The shares that sizes give: `size^(1/temperature)`, as in multilingual pre-training (Arivazhagan et al. 2019, §2).
    /// 1 keeps the proportions, larger values even them out.
    pub fn tempered(sizes: &[f64], temperature: f64) -> Vec<f64> {
        let raised: Vec<f64> = sizes.iter().map(|s| s.powf(1.0 / temperature)).collect();
        let sum: f64 = raised.iter().sum();
        raised.iter().map(|r| r / sum).collect()
    }

    /// The order of a pass. `before` says what each member gave in earlier passes, so that a member goes on where it
    /// stopped. At every place the member that lags furthest behind its share comes next: after any number of draws the
    /// realised share is within two examples of the asked one.
    pub(super) fn order(&self, members: &[Range<usize>], epoch: u64, before: &[u64], draws: Draws) -> Result<Order> {
        let sum: f64 = self.shares.iter().sum();
        let total: usize = members.iter().map(ExactSizeIterator::len).sum();
        let phase = draws.stream("phase").step(epoch).uniform(members.len());
        let (mut indices, mut given) = (vec![], vec![0u64; members.len()]);
        let mut passes: Vec<Passes> = members.iter().enumerate().map(|(m, range)| Passes::new(range.clone(), draws.stream(&format!("member {m}")))).collect();
        while !self.ended(indices.len(), total, &given, members) {
            if indices.len() > LONGEST * total {
                let found = format!("more than {LONGEST} times its {total} examples");
                return refuse("mixture", "a pass of reasonable length", found, "raise the smallest share, or choose `stop = \"total\"` or \"first\"");
            }
            let lag = |m: usize| self.shares[m] / sum * (indices.len() + 1) as f64 + f64::from(phase[m]) - given[m] as f64;
            let open = (0..members.len()).filter(|m| self.open(given[*m]));
            let Some(next) = open.max_by(|a, b| lag(*a).total_cmp(&lag(*b)).then(b.cmp(a))) else { break };
            if self.stop == Stop::First && given[next] as usize >= members[next].len() {
                break;
            }
            let so_far = before.get(next).copied().unwrap_or(0) + given[next];
            indices.push(passes[next].index(so_far));
            given[next] += 1;
        }
        let given = given.iter().enumerate().map(|(m, g)| g + before.get(m).copied().unwrap_or(0)).collect();
        Ok(Order { indices, given })
    }

    fn open(&self, given: u64) -> bool {
        !matches!(self.stop, Stop::Each(n) if given as usize >= n)
    }

    fn ended(&self, drawn: usize, total: usize, given: &[u64], members: &[Range<usize>]) -> bool {
        match self.stop {
            Stop::Total => drawn >= total,
            Stop::First => false,
            Stop::All => given.iter().zip(members).all(|(g, m)| *g as usize >= m.len()),
            Stop::Each(n) => given.iter().all(|g| *g as usize >= n),
        }
    }
}

/// One member's examples, shuffled anew in each of its own passes.
struct Passes {
    range: Range<usize>,
    draws: Draws,
    current: Option<(u64, Vec<usize>)>,
}

impl Passes {
    fn new(range: Range<usize>, draws: Draws) -> Self {
        Self { range, draws, current: None }
    }

    fn index(&mut self, so_far: u64) -> usize {
        let size = self.range.len() as u64;
        let (pass, place) = (so_far / size, (so_far % size) as usize);
        if self.current.as_ref().is_none_or(|(p, _)| *p != pass) {
            self.current = Some((pass, self.draws.step(pass).permutation(self.range.len())));
        }
        self.range.start + self.current.as_ref().map_or(0, |(_, order)| order[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(indices: &[usize], members: &[Range<usize>]) -> Vec<usize> {
        members.iter().map(|m| indices.iter().filter(|i| m.contains(i)).count()).collect()
    }

    #[test]
    fn realised_shares_are_the_asked_ones_at_every_place() {
        let members = [0..9000, 9000..9500, 9500..10_000];
        let mixture = Mixture { shares: vec![0.2, 0.5, 0.3], stop: Stop::Total };
        let order = mixture.order(&members, 0, &[0, 0, 0], Draws::new(1)).expect("an order");
        assert_eq!(order.indices.len(), 10_000);
        for upto in [1, 10, 333, 10_000] {
            for (count, share) in counts(&order.indices[..upto], &members).iter().zip(&mixture.shares) {
                assert!((*count as f64 - share * upto as f64).abs() <= 2.0, "{count} of {upto} for {share}");
            }
        }
    }

    #[test]
    fn a_member_gives_everything_once_before_it_repeats_also_across_passes() {
        let members = [0..7, 7..10];
        let mixture = Mixture { shares: vec![1.0, 1.0], stop: Stop::Total };
        let first = mixture.order(&members, 0, &[0, 0], Draws::new(1)).expect("an order");
        let second = mixture.order(&members, 1, &first.given, Draws::new(1)).expect("an order");
        let joined: Vec<usize> = first.indices.iter().chain(&second.indices).copied().filter(|i| *i < 7).take(7).collect();
        let mut sorted = joined.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..7).collect::<Vec<_>>(), "{joined:?}");
        assert_ne!(first.indices, second.indices);
    }

    #[test]
    fn passes_end_where_they_should() {
        let members = [0..8, 8..10];
        let length = |stop, shares: [f64; 2]| {
            let order = Mixture { shares: shares.to_vec(), stop }.order(&members, 0, &[0, 0], Draws::new(2)).expect("an order");
            (order.indices.len(), counts(&order.indices, &members))
        };
        assert_eq!(length(Stop::Total, [0.5, 0.5]).0, 10);
        let (_, first) = length(Stop::First, [0.5, 0.5]);
        assert_eq!(first[1], 2, "{first:?}");
        let (_, all) = length(Stop::All, [0.5, 0.5]);
        assert!(all[0] == 8 && all[1] >= 7, "{all:?}");
        assert_eq!(length(Stop::Each(4), [0.9, 0.1]).1, [4, 4]);
        let slip = Mixture { shares: vec![1e-9, 1.0], stop: Stop::All }.order(&members, 0, &[0, 0], Draws::new(2));
        assert!(slip.err().expect("refused").to_string().contains("1000 times"));
    }

    #[test]
    fn temperature_evens_shares_out() {
        let close = |found: Vec<f64>, expected: [f64; 2]| assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12), "{found:?}");
        close(Mixture::tempered(&[900.0, 100.0], 1.0), [0.9, 0.1]);
        close(Mixture::tempered(&[900.0, 100.0], 2.0), [0.75, 0.25]);
    }
}
