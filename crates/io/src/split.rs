//! Parts of a corpus: train, dev and test, cut between groups, so that neighbours do not end on both sides of a border.

use std::collections::{BTreeMap, HashSet};

use tongues_kernel::{Draws, InMemory, Name, Record, Records, Result, Value, refuse};

/// What stays together. A record that has a `group` stays with that group whatever is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Chapters where every id names one and there are at least 5, otherwise blocks of 20.
    Auto,
    /// Records whose ids agree up to the last dot: `GEN.1.1` and `GEN.1.2` are of the chapter `GEN.1`.
    Chapter,
    /// So many records in a row.
    Block(usize),
    /// Every record for itself.
    Record,
}

/// A corpus in three parts, each in the order of the corpus.
#[derive(Clone, Debug)]
pub struct Parts {
    /// To learn from.
    pub train: InMemory,
    /// To choose by; empty when its share is 0.
    pub dev: InMemory,
    /// To report; empty when its share is 0.
    pub test: InMemory,
    /// What stayed together: what [`By::Auto`] chose.
    pub by: By,
    /// Records left out of dev and test because their text occurs in train, or, for test, in dev.
    pub dropped_overlap: usize,
}

/// Fewest chapters for which [`By::Auto`] splits by chapter.
const CHAPTERS: usize = 5;
/// Records in a block that [`By::Auto`] chooses.
const BLOCK: usize = 20;

/// Splits a corpus; `dev` and `test` are shares of its records, and equal arguments give equal parts.
///
/// # Errors
/// A share lies outside 0..1, the ids name no chapters, there are too few groups, a part ends empty, or reading fails.
pub fn split(records: &dyn Records, by: By, dev: f64, test: f64, seed: u64) -> Result<Parts> {
    let at = format!("split of `{}`", records.name());
    check_shares(dev, test, &at)?;
    let all: Vec<Record> = records.open()?.collect::<Result<_>>()?;
    let by = chosen(by, &all);
    let groups = groups(&all, by, &at)?;
    let shares = [dev, test];
    check_count(&groups, shares, by, &at)?;
    let part = assign(&groups, shares, seed);
    collect(all, &part, by, records.name()).and_then(|parts| check_filled(parts, shares, &at))
}

fn check_shares(dev: f64, test: f64, at: &str) -> Result<()> {
    let share = |x: f64| (0.0..1.0).contains(&x);
    if share(dev) && share(test) && dev + test < 1.0 {
        return Ok(());
    }
    refuse(at, "shares from 0, below 1 together", format!("dev = {dev}, test = {test}"), "write for example dev = 0.1")
}

fn chosen(by: By, all: &[Record]) -> By {
    if by != By::Auto {
        return by;
    }
    let chapters: Option<HashSet<&str>> = all.iter().map(|r| chapter(&r.id)).collect();
    match chapters {
        Some(chapters) if chapters.len() >= CHAPTERS => By::Chapter,
        _ => By::Block(BLOCK),
    }
}

fn chapter(id: &str) -> Option<&str> {
    id.rsplit_once('.').map(|(chapter, _)| chapter).filter(|chapter| !chapter.is_empty())
}

/// The indices of each group, groups in the order of their first record.
fn groups(all: &[Record], by: By, at: &str) -> Result<Vec<Vec<usize>>> {
    if by == By::Block(0) {
        return refuse(at, "blocks of at least 1 record", 0, "write for example 20");
    }
    let (mut place, mut groups) = (BTreeMap::<Name, usize>::new(), Vec::<Vec<usize>>::new());
    for (i, record) in all.iter().enumerate() {
        let next = groups.len();
        let group = *place.entry(key(record, i, by, at)?).or_insert(next);
        if group == next {
            groups.push(vec![]);
        }
        groups[group].push(i);
    }
    Ok(groups)
}

fn key(record: &Record, i: usize, by: By, at: &str) -> Result<Name> {
    if let Some(group) = &record.group {
        return Ok(format!("group {group}").into());
    }
    match by {
        By::Block(n) => Ok(format!("block {}", i / n).into()),
        By::Record => Ok(format!("record {i}").into()),
        By::Chapter | By::Auto => match chapter(&record.id) {
            Some(chapter) => Ok(format!("chapter {chapter}").into()),
            None => refuse(at, "ids such as GEN.1.1", format!("`{}`", record.id), "split by block or by record"),
        },
    }
}

fn check_count(groups: &[Vec<usize>], shares: [f64; 2], by: By, at: &str) -> Result<()> {
    let needed = 1 + shares.iter().filter(|s| **s > 0.0).count();
    if groups.len() >= needed {
        return Ok(());
    }
    let records: usize = groups.iter().map(Vec::len).sum();
    let (what, remedy) = match by {
        By::Block(n) => (format!("at least {} records for {needed} blocks of {n}", (needed - 1) * n + 1), "add text, or use smaller blocks or single records"),
        By::Chapter | By::Auto => (format!("at least {needed} chapters"), "add text, or split by block or by record"),
        By::Record => (format!("at least {needed} records"), "add text, or leave out dev or test"),
    };
    refuse(at, what, format!("{records} records in {} groups", groups.len()), remedy)
}

/// The part of each record: 0 train, 1 dev, 2 test.
///
/// Groups are taken in a random order, for test and then for dev, while taking one more comes nearer to the share; a part
/// with a share gets at least one group and leaves one for every part after it.
fn assign(groups: &[Vec<usize>], shares: [f64; 2], seed: u64) -> Vec<u8> {
    let total: usize = groups.iter().map(Vec::len).sum();
    let mut part = vec![0u8; total];
    let order = Draws::new(seed).stream("split").permutation(groups.len());
    let mut next = 0;
    let wanted = [(2u8, shares[1], 1 + usize::from(shares[0] > 0.0)), (1, shares[0], 1)];
    for (name, share, reserved) in wanted.into_iter().filter(|(_, share, _)| *share > 0.0) {
        let (target, mut taken) = (share * total as f64, 0usize);
        while next + reserved < groups.len() {
            let group = &groups[order[next]];
            let nearer = (taken + group.len()) as f64 - target <= target - taken as f64;
            if taken > 0 && !nearer {
                break;
            }
            group.iter().for_each(|i| part[*i] = name);
            taken += group.len();
            next += 1;
        }
    }
    part
}

fn collect(all: Vec<Record>, part: &[u8], by: By, name: &str) -> Result<Parts> {
    let (mut parts, mut texts) = ([vec![], vec![], vec![]], [HashSet::new(), HashSet::new()]);
    for (record, p) in all.iter().zip(part).filter(|(_, p)| **p < 2) {
        texts[usize::from(*p)].insert(text(record));
    }
    let mut dropped_overlap = 0;
    for (record, p) in all.into_iter().zip(part) {
        let p = usize::from(*p);
        let key = text(&record);
        if texts[..p].iter().any(|seen| seen.contains(&key)) {
            dropped_overlap += 1;
        } else {
            parts[p].push(record);
        }
    }
    let [train, dev, test] = parts;
    let part = |what: &str, records| InMemory { name: format!("{name}.{what}"), records };
    Ok(Parts { train: part("train", train), dev: part("dev", dev), test: part("test", test), by, dropped_overlap })
}

/// What makes two records the same: the text without spaces around it, or all fields where there is no text.
fn text(record: &Record) -> String {
    match record.fields.get("text") {
        Some(Value::Text(text)) => text.trim().to_string(),
        _ => format!("{:?}", record.fields),
    }
}

fn check_filled(parts: Parts, shares: [f64; 2], at: &str) -> Result<Parts> {
    let wanted = [("train", &parts.train, 1.0), ("dev", &parts.dev, shares[0]), ("test", &parts.test, shares[1])];
    for (name, part, share) in wanted {
        if share > 0.0 && part.records.is_empty() {
            let found = format!("none left ({} were dropped: their texts occur in another part)", parts.dropped_overlap);
            return refuse(at, format!("records in {name}"), found, "remove repeated texts from the data, or add text");
        }
    }
    Ok(parts)
}
