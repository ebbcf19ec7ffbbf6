//! Options of optimisers: each key belongs to some of them.

use crate::ast::OptimizerName;
use crate::checks::Checks;
use crate::diagnostics::Finding;
use serde_json::Value as Json;

impl Checks<'_, '_> {
    /// The optimisers of a stage that trains: its own and those of its weight rules.
    pub(crate) fn optimizers(&mut self, path: &[String], stage: &Json) {
        let mut all = vec![(vec!["train".to_owned()], stage.get("train"))];
        let rules = stage.get("weights").and_then(Json::as_array).into_iter().flatten().enumerate();
        all.extend(rules.map(|(i, rule)| (vec!["weights".to_owned(), i.to_string()], Some(rule))));
        for (at, owner) in all {
            if let Some(entry) = owner.and_then(|o| o.get("optimizer")) {
                self.optimizer_keys(&[path, &at, &["optimizer".to_owned()]].concat(), entry);
            }
        }
    }

    fn optimizer_keys(&mut self, path: &[String], entry: &Json) {
        let (Some(options), Some(word)) = (entry.as_object(), entry.get("use")) else { return };
        let Ok(name) = serde_json::from_value::<OptimizerName>(word.clone()) else { return };
        let all = [OptimizerName::AdamW, OptimizerName::Adafactor, OptimizerName::Lion, OptimizerName::Muon];
        let others: Vec<&str> = all.iter().flat_map(|o| o.keys()).copied().filter(|k| !name.keys().contains(k)).collect();
        for key in options.keys().filter(|k| others.contains(&k.as_str())) {
            let finding =
                Finding::new(format!("one of {}, the options of {word}", name.keys().join(", ")), format!("`{key}`, of another optimiser"), "take it out");
            self.tell_key(&[path, std::slice::from_ref(key)].concat(), finding);
        }
    }
}
