//! Names that choose modules, and patterns that give single modules values of their own.

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Error, Result, Role, SiteInfo, SitePattern, Spec, refuse};

const ALL: &str = "all-linear";

/// Which modules, as in PEFT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Names {
    /// `all-linear` for every projection but the head, or a regular expression that a whole path must match.
    Text(String),
    /// Module names: a path equal to the entry or ending in `.entry`.
    List(Vec<String>),
}

impl Names {
    /// A list.
    pub fn list(names: &[&str]) -> Self {
        Self::List(names.iter().map(|n| (*n).to_owned()).collect())
    }

    /// The places with these names, in the model's order. An expression chooses among projections and embeddings.
    ///
    /// # Errors
    /// A name or the expression matches nothing, or the expression is none that can be read.
    pub fn select(&self, spec: &Spec) -> Result<Vec<SiteInfo>> {
        let listed = |names: &[String]| SitePattern { target_modules: names.to_vec(), ..SitePattern::default() }.select(spec);
        match self {
            Self::Text(word) if word == ALL => listed(std::slice::from_ref(word)),
            Self::List(names) => listed(names),
            Self::Text(expression) => {
                let is = whole(expression)?;
                let found: Vec<SiteInfo> = spec.sites.iter().filter(|i| is_module(i) && is.is_match(&i.path)).cloned().collect();
                let remedy = "the expression must match a whole path; `tongues inspect` lists all places";
                if found.is_empty() {
                    refuse("target_modules", "a module of this model", format!("\"{expression}\", which matches nothing"), remedy)
                } else {
                    Ok(found)
                }
            }
        }
    }

    /// Whether a path has one of these names.
    ///
    /// # Errors
    /// The expression is none that can be read.
    pub fn names(&self, path: &str) -> Result<bool> {
        match self {
            Self::Text(expression) => Ok(whole(expression)?.is_match(path)),
            Self::List(names) => Ok(names.iter().any(|n| path.strip_suffix(n.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))),
        }
    }
}

/// Modules that parts can sit on, where the walk also stops at places without one.
fn is_module(info: &SiteInfo) -> bool {
    info.weight || matches!(info.site.role, Role::Embeddings | Role::Head)
}

/// The value of the first pattern that matches: the whole path, or its end behind a point.
///
/// # Errors
/// A pattern is no regular expression that can be read.
pub fn by_pattern<'p, V>(patterns: impl IntoIterator<Item = (&'p String, V)>, path: &str) -> Result<Option<V>> {
    for (pattern, value) in patterns {
        if compiled(pattern, &format!(r"^(?:(?:.*\.)?(?:{pattern}))$"))?.is_match(path) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn whole(expression: &str) -> Result<Regex> {
    compiled(expression, &format!("^(?:{expression})$"))
}

fn compiled(told: &str, expression: &str) -> Result<Regex> {
    Regex::new(expression).map_err(|e| Error::input(format!("pattern \"{told}\""), "a regular expression without look-around", e, "write the paths out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_those_of_the_reference() {
        let path = "model.layers.1.self_attn.v_proj";
        let of = |pattern: &str| by_pattern([(&pattern.to_owned(), 1)], path).expect("an expression").is_some();
        assert!(["v_proj", "self_attn.v_proj", path, "^model.layers.1.self_attn.v_proj", "layers\\.[01].*", ".*v_proj", "q_proj|v_proj"].iter().all(|p| of(p)));
        assert!(!["proj", "v_pro", "^self_attn.v_proj", "layers.1", "layers\\.0.*", ""].iter().any(|p| of(p)));
        assert!(by_pattern([(&"(?=x)".to_owned(), 1)], path).expect_err("look-around").to_string().contains("(?=x)"));
        let both = ["v_proj".to_owned(), ".*proj".to_owned()];
        assert_eq!(by_pattern(both.iter().zip([1, 2]), path).expect("expressions"), Some(1));
    }
}
