//! What can be wrong in a paper file beyond its keys: names that lead nowhere, claims without a form.

use super::claims::Claim;
use super::paper::{Check, FOLDER, Paper, Settings};
use super::places;
use std::collections::BTreeSet;
use std::path::Path;

/// All problems, each with its place and a remedy.
pub fn of(root: &Path, slug: &str, paper: &Paper) -> Vec<String> {
    let mut found = Found { paper, problems: vec![] };
    found.head(slug);
    found.names();
    found.recipes(root);
    found.placeholders();
    found.choices();
    paper.checks.iter().for_each(|check| found.check(check));
    paper.claims.iter().for_each(|claim| found.claim(claim));
    let missing = super::scored::missing(root, paper);
    found.problems.extend(missing);
    found.problems
}

struct Found<'p> {
    paper: &'p Paper,
    problems: Vec<String>,
}

impl Found<'_> {
    fn tell(&mut self, wrong: bool, problem: impl FnOnce() -> String) {
        if wrong {
            self.problems.push(problem());
        }
    }

    fn head(&mut self, slug: &str) {
        let (version, name) = (self.paper.repro, self.paper.slug.clone());
        self.tell(version != 1, || format!("repro = {version}: 1 was expected; a newer tongues may read it"));
        self.tell(name != slug, || format!("slug = \"{name}\": the file's name \"{slug}\" was expected; rename one of them"));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        self.tell(!name.chars().all(plain), || format!("slug = \"{name}\": small letters, digits and `-` were expected"));
    }

    fn names(&mut self) {
        let paper = self.paper;
        let arms = paper.arms.iter().map(|a| a.name.as_str()).chain(paper.best.iter().map(|b| b.name.as_str()));
        let lists: [(&str, Vec<&str>); 3] = [
            ("arm and best", arms.collect()),
            ("metric", paper.metrics.iter().map(|m| m.name.as_str()).collect()),
            ("claim", paper.claims.iter().map(|c| c.id.as_str()).collect()),
        ];
        for (kind, names) in lists {
            let mut seen = BTreeSet::new();
            for name in &names {
                self.tell(!seen.insert(*name), || format!("[[{kind}]] {name}: a name of its own was expected, found it twice"));
                self.tell(name.is_empty() || name.contains([':', '/', ' ']), || {
                    format!("[[{kind}]] \"{name}\": a name without `:`, `/` and spaces was expected")
                });
            }
            self.tell(names.is_empty(), || format!("[[{kind}]]: at least one was expected"));
        }
    }

    fn recipes(&mut self, root: &Path) {
        let paper = self.paper;
        let scales = [&paper.scales.smoke, &paper.scales.mini, &paper.scales.full];
        let mut seen = BTreeSet::new();
        for settings in scales.into_iter().flatten() {
            let replaced = |base: &&String| settings.needs.iter().any(|n| n.name == **base);
            let bases = paper.bases.iter().filter(|(name, _)| !replaced(name)).map(|(_, b)| b.recipe.as_str());
            for recipe in bases.chain(paper.arms.iter().map(|a| a.recipe.as_str())) {
                let path = recipe_path(&paper.slug, settings, recipe);
                self.tell(seen.insert(path.clone()) && !root.join(&path).is_file(), || format!("recipe = \"{recipe}\": a file {path} was expected; write it"));
            }
        }
        self.tell(scales.iter().all(|s| s.is_none()), || "[scales]: at least one of smoke, mini, full was expected".into());
    }

    fn placeholders(&mut self) {
        let paper = self.paper;
        let scales = [&paper.scales.smoke, &paper.scales.mini, &paper.scales.full];
        for settings in scales.into_iter().flatten() {
            let known: Vec<&str> =
                places::ALWAYS.into_iter().chain(paper.bases.keys().map(String::as_str)).chain(settings.needs.iter().map(|n| n.name.as_str())).collect();
            let bases = paper.bases.values().flat_map(|b| &b.set).chain(&settings.base);
            for text in bases.chain(paper.arms.iter().flat_map(|a| &a.set)).chain(&settings.arm) {
                for name in places::unknown(text, &known) {
                    let problem = format!("set \"{text}\": {{{name}}} is none of {}", known.join(", "));
                    if !self.problems.contains(&problem) {
                        self.problems.push(problem);
                    }
                }
            }
        }
        for name in paper.bases.keys() {
            self.tell(in_circle(paper, name, &mut vec![]), || format!("[bases.{name}]: it needs itself; take the circle out of `set`"));
        }
    }

    fn choices(&mut self) {
        if let Some(grid) = &self.paper.grid {
            self.metric(&grid.metric, "[grid]");
            let good = grid.values.len() >= 2 && grid.values.iter().all(|v| v.is_finite());
            self.tell(!good, || "[grid] values: at least two finite numbers were expected".into());
            self.tell(grid.seeds == 0 || grid.seeds > 99, || "[grid] seeds: 1 to 99 were expected".into());
        }
        for best in &self.paper.best {
            best.of.iter().for_each(|arm| self.arm(arm, &format!("[[best]] {}", best.name)));
            self.tell(best.of.len() < 2, || format!("[[best]] {}: at least two arms were expected in `of`", best.name));
            self.tell(self.paper.grid.is_none(), || format!("[[best]] {}: a [grid] was expected, whose metric on development seeds chooses", best.name));
        }
    }

    fn check(&mut self, check: &Check) {
        let place = format!("[[check]] {}", check.name);
        for text in std::iter::once(&check.of).chain(&check.above) {
            self.side(text, &check.metric, &place);
            let arm = text.split(':').next().unwrap_or_default();
            self.tell(self.paper.best.iter().any(|b| b.name == arm), || format!("{place}: an arm was expected, \"{arm}\" is the best of several"));
        }
        self.tell(check.between.is_some() == check.above.is_some(), || format!("{place}: one of `between` and `above` was expected"));
    }

    fn claim(&mut self, claim: &Claim) {
        let place = format!("[[claim]] {}", claim.id);
        let minus = claim.minus.iter().flat_map(|gain| [&gain.left, &gain.right]);
        let controls = claim.controls.iter().flat_map(|c| std::iter::once(&c.arm).chain(&c.right));
        for text in std::iter::once(&claim.left).chain(&claim.right).chain(minus).chain(controls) {
            self.side(text, &claim.metric, &place);
        }
        self.tell(claim.right.is_some() == claim.value.is_some(), || format!("{place}: one of `right` and `value` was expected"));
        self.tell(claim.minus.is_some() && claim.right.is_none(), || format!("{place}: `minus` takes a gain off a gain; give `right`"));
        let numbers = [Some(claim.margin), claim.value].into_iter().flatten().all(f64::is_finite);
        self.tell(!numbers, || format!("{place}: finite numbers were expected in `margin` and `value`"));
        let empty = [&claim.text, &claim.published, &claim.source].iter().any(|t| t.trim().is_empty());
        self.tell(empty, || format!("{place}: `text`, `published` and `source` were expected; a claim without its number and place is nobody's"));
    }

    fn side(&mut self, text: &str, metric: &str, place: &str) {
        let (arm, metric) = text.split_once(':').unwrap_or((text, metric));
        self.metric(metric, place);
        if !self.paper.best.iter().any(|b| b.name == arm) {
            self.arm(arm, place);
        }
    }

    fn arm(&mut self, arm: &str, place: &str) {
        let known: Vec<&str> = self.paper.arms.iter().map(|a| a.name.as_str()).collect();
        self.tell(!known.contains(&arm), || format!("{place}: arm \"{arm}\" is none of {}", known.join(", ")));
    }

    fn metric(&mut self, metric: &str, place: &str) {
        let known: Vec<&str> = self.paper.metrics.iter().map(|m| m.name.as_str()).collect();
        self.tell(!known.contains(&metric), || format!("{place}: metric \"{metric}\" is none of {}", known.join(", ")));
    }
}

/// A recipe's path in the repository.
pub fn recipe_path(slug: &str, settings: &Settings, recipe: &str) -> String {
    match &settings.folder {
        Some(folder) => format!("{FOLDER}/{slug}/{folder}/{recipe}"),
        None => format!("{FOLDER}/{slug}/{recipe}"),
    }
}

fn in_circle(paper: &Paper, name: &str, above: &mut Vec<String>) -> bool {
    if above.iter().any(|a| a == name) {
        return true;
    }
    above.push(name.to_owned());
    let set = paper.bases.get(name).map(|b| b.set.join(" ")).unwrap_or_default();
    let circle = paper.bases.keys().filter(|other| places::named(&set, other)).any(|other| in_circle(paper, other, above));
    above.pop();
    circle
}
