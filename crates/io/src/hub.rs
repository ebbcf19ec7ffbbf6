//! Models of the Hugging Face hub by name: `hf:org/name` or `hf:org/name@revision`, from the local hub cache, or fetched into it.
//!
//! What lies in the cache is used without asking the network. `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean
//! what they mean elsewhere. A token goes to the hub and nowhere else; names, not paths, go into manifests and cards.

use crate::tensors::{INDEX, SINGLE};
use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use std::collections::BTreeSet;
use std::env::var;
use std::path::{Path, PathBuf};
use tongues_kernel::{Error, Result, refuse};

/// What begins the name of a model of the hub.
const SCHEME: &str = "hf:";
/// Files that are taken along where the hub has them.
const OPTIONAL: [&str; 6] =
    ["generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "tokenizer.json", "README.md"];

/// Where a model lies, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The folder to read.
    pub dir: PathBuf,
    /// Its name for people and files: the path as given, or `hf:org/name@commit`.
    pub name: String,
}

/// The folder of a path or of a hub name.
///
/// # Errors
/// The name is malformed, a file is neither in the cache nor to be had, or the hub has no safetensors of it.
pub fn locate(reference: &str) -> Result<Located> {
    let Some(name) = reference.strip_prefix(SCHEME) else { return Ok(Located { dir: reference.into(), name: reference.into() }) };
    let wanted = Wanted::parse(name, reference)?;
    if let Some(found) = wanted.cached()? {
        return Ok(found);
    }
    if offline() {
        let missing = wanted.missing();
        let remedy = "unset HF_HUB_OFFLINE to fetch it, or copy the folder here and name its path";
        return refuse(reference, format!("{missing} in the local hub cache (HF_HUB_OFFLINE is set)"), "no such file", remedy);
    }
    wanted.fetch()?;
    match wanted.cached()? {
        Some(found) => Ok(found),
        None => refuse(reference, format!("{} after fetching", wanted.missing()), "no such file", "fetch it again, or name another revision"),
    }
}

/// A path for people and files: one inside the hub's cache as `hf:org/name@commit/file`, any other without the user's home.
pub fn shown(path: &str) -> String {
    let inside = Path::new(path).strip_prefix(cache()).ok().and_then(|rest| {
        let mut pieces = rest.iter().map(|p| p.to_string_lossy());
        let repo = pieces.next()?.strip_prefix("models--")?.replace("--", "/");
        (pieces.next()? == "snapshots").then_some(())?;
        let commit = pieces.next()?;
        let file: Vec<_> = pieces.collect();
        Some(format!("{SCHEME}{repo}@{commit}/{}", file.join("/")))
    });
    inside.unwrap_or_else(|| crate::private(path))
}

/// A name and a revision.
struct Wanted {
    repo: String,
    revision: String,
}

impl Wanted {
    fn parse(name: &str, reference: &str) -> Result<Self> {
        let (repo, revision) = name.split_once('@').unwrap_or((name, "main"));
        let word = |w: &str| !w.is_empty() && !w.contains("..") && w.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let pieces: Vec<&str> = repo.split('/').collect();
        if pieces.len() > 2 || !pieces.iter().all(|p| word(p)) || !revision.split('/').all(word) {
            return refuse(reference, "hf:org/name, or hf:org/name@revision", name, "write it as on the hub");
        }
        Ok(Self { repo: repo.into(), revision: revision.into() })
    }

    fn folder(&self) -> PathBuf {
        cache().join(format!("models--{}", self.repo.replace('/', "--")))
    }

    /// The commit that the revision means here, and its folder.
    fn snapshot(&self) -> Option<(String, PathBuf)> {
        let commit = match std::fs::read_to_string(self.folder().join("refs").join(&self.revision)) {
            Ok(commit) => commit.trim().to_owned(),
            Err(_) => self.revision.clone(),
        };
        let known = commit.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !commit.contains("..");
        let dir = self.folder().join("snapshots").join(&commit);
        (known && dir.is_dir()).then_some((commit, dir))
    }

    /// The model, where all its files are in the cache.
    fn cached(&self) -> Result<Option<Located>> {
        let Some((commit, dir)) = self.snapshot() else { return Ok(None) };
        let whole = first_missing(&dir)?.is_none();
        Ok(whole.then(|| Located { dir, name: format!("{SCHEME}{}@{commit}", self.repo) }))
    }

    fn missing(&self) -> String {
        let file = self.snapshot().and_then(|(_, dir)| first_missing(&dir).ok().flatten()).unwrap_or_else(|| "config.json".into());
        format!("the file {file} of {} ({})", self.repo, self.revision)
    }

    fn fetch(&self) -> Result<()> {
        let failed = |what: &str, e: &dyn std::fmt::Display| {
            let remedy = "check the name, the network and HF_TOKEN (for gated models), or copy the folder here and name its path";
            Error::input(format!("{SCHEME}{}@{}", self.repo, self.revision), format!("{what} from the hub"), e, remedy)
        };
        let api = api().map_err(|e| failed("an answer", &e))?;
        let repo = api.repo(Repo::with_revision(self.repo.clone(), RepoType::Model, self.revision.clone()));
        let listed: BTreeSet<String> = repo.info().map_err(|e| failed("its list of files", &e))?.siblings.into_iter().map(|s| s.rfilename).collect();
        let get = |file: &str| repo.get(file).map_err(|e| failed(&format!("the file {file}"), &e));
        for file in self.wanted(&listed)? {
            let path = get(&file)?;
            if file == INDEX {
                shards(&path)?.iter().try_for_each(|shard| get(shard).map(drop))?;
            }
        }
        Ok(())
    }

    /// Files to fetch: the small ones, then weights.
    fn wanted(&self, listed: &BTreeSet<String>) -> Result<Vec<String>> {
        let has = |name: &str| listed.contains(name);
        let (config, weights) = if has("adapter_config.json") && !has("config.json") {
            ("adapter_config.json", if has("adapter.safetensors") { "adapter.safetensors" } else { "adapter_model.safetensors" })
        } else {
            ("config.json", if has(SINGLE) { SINGLE } else { INDEX })
        };
        if !has(weights) {
            let pickle = listed.iter().find(|f| f.ends_with(".bin") || f.ends_with(".pt"));
            let found = pickle.map_or_else(|| "none".into(), |f| format!("only {f}, a pickle, which can run code when opened"));
            return refuse(format!("{SCHEME}{}", self.repo), "weights as safetensors", found, crate::tensors::CONVERT);
        }
        let small = OPTIONAL.iter().filter(|f| has(f)).map(|f| (*f).to_owned());
        Ok(std::iter::once(config.to_owned()).chain(small).chain([weights.to_owned()]).collect())
    }
}

fn api() -> std::result::Result<Api, hf_hub::api::sync::ApiError> {
    let mut builder = ApiBuilder::from_cache(Cache::new(cache())).with_retries(2).with_progress(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    if let Ok(endpoint) = var("HF_ENDPOINT") {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').into());
    }
    builder.with_token(token()).build()
}

fn token() -> Option<String> {
    let file = var("HF_TOKEN_PATH").map_or_else(|_| home().join("token"), PathBuf::from);
    let token = var("HF_TOKEN").ok().or_else(|| std::fs::read_to_string(file).ok())?;
    Some(token.trim().to_owned()).filter(|t| !t.is_empty())
}

/// The folder of everything that belongs to the hub.
fn home() -> PathBuf {
    let base = || var("XDG_CACHE_HOME").map_or_else(|_| PathBuf::from(var("HOME").unwrap_or_else(|_| ".".into())).join(".cache"), PathBuf::from);
    var("HF_HOME").map_or_else(|_| base().join("huggingface"), PathBuf::from)
}

fn cache() -> PathBuf {
    let named = var("HF_HUB_CACHE").or_else(|_| var("HUGGINGFACE_HUB_CACHE"));
    named.map_or_else(|_| home().join("hub"), PathBuf::from)
}

fn offline() -> bool {
    var("HF_HUB_OFFLINE").is_ok_and(|v| ["1", "on", "yes", "true"].contains(&v.to_ascii_lowercase().as_str()))
}

/// The first needed file that a snapshot lacks.
fn first_missing(dir: &Path) -> Result<Option<String>> {
    let has = |name: &str| dir.join(name).exists();
    if has("adapter_config.json") && !has("config.json") {
        return Ok((!has("adapter_model.safetensors") && !has("adapter.safetensors")).then(|| "adapter_model.safetensors".into()));
    }
    if !has("config.json") {
        return Ok(Some("config.json".into()));
    }
    if has(SINGLE) {
        return Ok(None);
    }
    if !has(INDEX) {
        return Ok(Some(SINGLE.into()));
    }
    Ok(shards(&dir.join(INDEX))?.into_iter().find(|shard| !has(shard)))
}

/// The files that an index names; only those of its own folder.
fn shards(index: &Path) -> Result<Vec<String>> {
    let names: Vec<String> = crate::tensors::index::shards(index)?.into_keys().collect();
    match names.iter().find(|n| n.contains(['/', '\\']) || n.contains("..")) {
        Some(name) => refuse(INDEX, "files in the same folder", format!("`{name}`"), "an index may name only files in its own folder"),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_before_anything_is_asked_for() {
        for good in ["gpt2", "org/name", "org/name.v2@main", "org/name@refs/pr/1"] {
            assert!(Wanted::parse(good, good).is_ok(), "{good}");
        }
        for bad in ["", "a/b/c", "../x", "a/..", "a b", "org/name@../..", "org/name@", "org/na\nme"] {
            let error = Wanted::parse(bad, bad).err().expect("refused").to_string();
            assert!(error.contains("hf:org/name"), "{error}");
        }
        assert_eq!(locate("models/x").expect("a path").dir, Path::new("models/x"));
    }
}
