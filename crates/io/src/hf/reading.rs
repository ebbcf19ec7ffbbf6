//! How a checkpoint is read: in which dtype, and which of its tensors.

use super::keep::Keep;
use serde_json::{Map, Value as Json};
use std::path::{Path, PathBuf};
use tongues_kernel::{Result, refuse};

/// Keys that say how many blocks a network has.
const LAYER_KEYS: [&str; 3] = ["num_hidden_layers", "n_layer", "num_layers"];
/// Keys with an entry a block.
const LISTS: [&str; 1] = ["layer_types"];

/// How a checkpoint is read; by default whole and as it is.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// In which dtype its matrices are kept.
    pub keep: Keep,
    /// Tensors that the configuration does not explain are left out and told, where they are an error otherwise.
    pub allow_unused: bool,
    /// Blocks taken, in order, by their numbers in the files; all where empty.
    pub layers: Vec<usize>,
    /// Tensors taken from other checkpoints.
    pub from: Vec<From>,
    /// Tensors that are drawn anew, as in a model from scratch; `*` matches any run of characters.
    pub fresh: Vec<String>,
}

/// Tensors of another checkpoint.
#[derive(Clone, Debug)]
pub struct From {
    /// Its folder.
    pub dir: PathBuf,
    /// Their names there; `*` matches any run of characters.
    pub tensors: String,
    /// What stands in the place of the text before the first `*`; the names stay where absent.
    pub into: Option<String>,
}

impl From {
    /// The name here of a tensor there.
    pub(super) fn renamed(&self, name: &str) -> Option<String> {
        if !tongues_kernel::policy::matches(&self.tensors, name) {
            return None;
        }
        let Some(into) = &self.into else { return Some(name.into()) };
        let head = self.tensors.split('*').next().unwrap_or("");
        Some(format!("{into}{}", &name[head.len()..]))
    }
}

impl Reading {
    /// Whether the model is what its files hold.
    pub fn is_whole(&self) -> bool {
        self.layers.is_empty() && self.from.is_empty() && self.fresh.is_empty()
    }

    /// What was done, for people.
    pub(super) fn told(&self) -> Vec<String> {
        let mut steps = vec![];
        if !self.layers.is_empty() {
            steps.push(format!("blocks {:?} of the checkpoint", self.layers));
        }
        for from in &self.from {
            let name = from.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            steps.push(format!("{} from {name}", from.tensors));
        }
        if !self.fresh.is_empty() {
            steps.push(format!("drawn anew: {}", self.fresh.join(", ")));
        }
        steps
    }

    /// The configuration of the model with the chosen blocks.
    ///
    /// # Errors
    /// A block that the checkpoint does not have.
    pub(super) fn config(&self, written: &Map<String, Json>, place: &Path) -> Result<Map<String, Json>> {
        let mut config = written.clone();
        if self.layers.is_empty() {
            return Ok(config);
        }
        let Some((key, count)) = LAYER_KEYS.iter().find_map(|k| Some((*k, config.get(*k)?.as_u64()? as usize))) else {
            return refuse(place.display(), "a key with the number of blocks", "none", "choose no `layers`, or add num_hidden_layers");
        };
        if let Some(layer) = self.layers.iter().find(|l| **l >= count) {
            return refuse("layers", format!("blocks below the checkpoint's {count}"), layer, "count from 0");
        }
        config.insert(key.into(), self.layers.len().into());
        for key in LISTS {
            if let Some(list) = config.get_mut(key).and_then(Json::as_array_mut) {
                let chosen = self.layers.iter().filter_map(|l| list.get(*l).cloned()).collect();
                *list = chosen;
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_move_by_the_text_before_the_star() {
        let from = |tensors: &str, into: Option<&str>| From { dir: "x".into(), tensors: tensors.into(), into: into.map(String::from) };
        assert_eq!(from("encoder.*", Some("model.encoder.")).renamed("encoder.layer.0.w"), Some("model.encoder.layer.0.w".into()));
        assert_eq!(from("encoder.*", None).renamed("encoder.w"), Some("encoder.w".into()));
        assert_eq!(from("encoder.*", None).renamed("decoder.w"), None);
    }

    #[test]
    fn chosen_blocks_change_what_the_configuration_says_of_blocks() {
        let config = json!({"num_hidden_layers": 3, "layer_types": ["a", "b", "c"], "hidden_size": 4});
        let read = |layers: &[usize]| Reading { layers: layers.to_vec(), ..Reading::default() }.config(config.as_object().unwrap(), Path::new("config.json"));
        let chosen = read(&[2, 0]).unwrap();
        assert_eq!((&chosen["num_hidden_layers"], &chosen["layer_types"]), (&json!(2), &json!(["c", "a"])));
        assert!(read(&[3]).unwrap_err().to_string().contains("blocks below the checkpoint's 3"));
    }
}
