//! References between things: each is resolved, none may go in a circle, and nothing is used before it is made.

use crate::checks::Checks;
use crate::diagnostics::Finding;
use crate::place::Origin;
use crate::scope::{Scope, Thing};
use crate::visit::RefSpot;
use std::collections::BTreeSet;

/// `from` needs `to`, as written at `path`.
struct Edge {
    from: Thing,
    to: Thing,
    path: Vec<String>,
}

impl Checks<'_, '_> {
    /// Resolves all references and checks what they make together.
    pub(crate) fn references(&mut self, scope: &Scope, spots: &[RefSpot]) {
        let mut edges = vec![];
        for spot in spots {
            match (scope.resolve(spot), Thing::owner(&spot.path)) {
                (Ok(things), Some(from)) => edges.extend(things.into_iter().map(|to| Edge { from: from.clone(), to, path: spot.path.clone() })),
                (Ok(_), None) => {}
                (Err(finding), _) => self.tell(&spot.path, finding),
            }
        }
        self.circles(&edges);
        (0..scope.stages.len()).for_each(|i| self.in_time(i, scope, &edges));
        self.unused_overrides(&edges);
    }

    /// A tokenizer trained on data that a curator filters with a model that has this tokenizer, and the like.
    fn circles(&mut self, edges: &[Edge]) {
        let fixed: Vec<&Edge> = edges.iter().filter(|e| !is_stage(&e.from) && !is_stage(&e.to)).collect();
        let mut told = BTreeSet::new();
        for edge in &fixed {
            let within = reach(&edge.to, &fixed);
            if within.contains(&edge.from) && !within.iter().any(|t| told.contains(t)) {
                told.extend(within);
                let found = format!("a circle through {}", name(&edge.to));
                self.tell(&edge.path, Finding::new("something that does not need this in turn", found, "break the circle at one of its references"));
            }
        }
    }

    /// What stage `i` uses by way of models, data or tokenizers must not come from itself or from a later stage.
    fn in_time(&mut self, i: usize, scope: &Scope, edges: &[Edge]) {
        let fixed: Vec<&Edge> = edges.iter().filter(|e| e.from == Thing::Stage(i) || !is_stage(&e.from)).collect();
        let within = reach(&Thing::Stage(i), &fixed);
        for edge in fixed.iter().filter(|e| !is_stage(&e.from) && within.contains(&e.from)) {
            if let Thing::Stage(j) = edge.to
                && j >= i
            {
                let (user, made) = (&scope.stages[i].name, &scope.stages[j].name);
                let expected = format!("a stage before {user:?}, which uses {}", name(&edge.from));
                self.tell(&edge.path, Finding::new(expected, format!("{made:?}"), "name an earlier stage, or change the order of the stages"));
            }
        }
    }

    /// A new entry from the command line that nothing uses is a slip of the key, not a wish.
    fn unused_overrides(&mut self, edges: &[Edge]) {
        for section in ["data", "models", "tokenizers", "formats"] {
            for path in self.made_by_override(section) {
                if Thing::owner(&path).is_some_and(|thing| edges.iter().all(|e| e.to != thing)) {
                    let others = self.names(section).into_iter().filter(|n| *n != path[1]).collect::<Vec<_>>();
                    let near = tongues_kernel::nearest(&path[1], others.iter().map(String::as_str));
                    let remedy = near.map_or_else(|| "take it away, or use it in a stage".to_owned(), |n| format!("did you mean `{section}.{n}`?"));
                    let expected = format!("an entry of [{section}] that something uses: one of {}", others.join(", "));
                    self.tell_key(&path, Finding::new(expected, format!("the new entry `{}`", path[1]), remedy));
                }
            }
        }
    }

    fn names(&self, section: &str) -> Vec<String> {
        let entries = self.json.get(section).and_then(serde_json::Value::as_object);
        entries.into_iter().flatten().map(|(k, _)| k.clone()).collect()
    }

    fn made_by_override(&self, section: &str) -> Vec<Vec<String>> {
        let paths = self.names(section).into_iter().map(|name| vec![section.to_owned(), name]);
        paths.filter(|path| matches!(self.root.origin(path, true), Origin::Set(_))).collect()
    }
}

fn is_stage(thing: &Thing) -> bool {
    matches!(thing, Thing::Stage(_))
}

/// Everything `from` needs, itself included; stages it needs are ends.
fn reach(from: &Thing, edges: &[&Edge]) -> BTreeSet<Thing> {
    let mut seen = BTreeSet::from([from.clone()]);
    let mut todo = vec![from.clone()];
    while let Some(thing) = todo.pop() {
        for edge in edges.iter().filter(|e| e.from == thing) {
            if seen.insert(edge.to.clone()) {
                todo.push(edge.to.clone());
            }
        }
    }
    seen
}

fn name(thing: &Thing) -> String {
    match thing {
        Thing::Data(name) => format!("the data set {name:?}"),
        Thing::Tokenizer(name) => format!("the tokenizer {name:?}"),
        Thing::Format(name) => format!("the format {name:?}"),
        Thing::Model(name) => format!("the model {name:?}"),
        Thing::Stage(i) => format!("stage {i}"),
    }
}
