//! JSON configurations: read with the place of a mistake, asked key by key with the type of a mistake.

use std::{fs, path::Path};

use serde_json::{Map, Value as Json};
use tongues_kernel::{Error, Result, nearest, refuse};

/// Reads a JSON file.
///
/// # Errors
/// The file is missing, not UTF-8 or not JSON; the message has file, line and column.
pub fn read_json(path: &Path) -> Result<Json> {
    read_as(path)
}

/// Reads a JSON file of a known form.
pub(crate) fn read_as<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).map_err(|e| unreadable(path, &e))?;
    serde_json::from_slice(&bytes).map_err(|e| {
        let at = format!("{}:{}:{}", path.display(), e.line(), e.column());
        Error::input(at, "JSON", plain(&e), "correct the file, or copy it again if it was cut off")
    })
}

/// Reads a JSON file whose root is an object.
///
/// # Errors
/// As [`read_json`], and the root is something else.
pub fn read_object(path: &Path) -> Result<Map<String, Json>> {
    match read_json(path)? {
        Json::Object(map) => Ok(map),
        other => refuse(path.display(), "a JSON object", kind(&other), "the file should begin with {"),
    }
}

/// Reads `config.json` of a model folder.
///
/// # Errors
/// As [`read_object`]; a missing file says what else lies there.
pub fn read_config(dir: &Path) -> Result<Map<String, Json>> {
    let path = dir.join("config.json");
    if !dir.is_dir() {
        return refuse(dir.display(), "a model folder", "no such folder", "check the path");
    }
    if !path.exists() {
        let adapter = dir.join("adapter_config.json").exists();
        let remedy =
            if adapter { "this folder holds an adapter; name the folder of its base model" } else { "a model folder holds config.json beside its weights" };
        return refuse(path.display(), "the model's configuration", "no such file", remedy);
    }
    read_object(&path)
}

/// The message of a JSON error without the position, which the place already tells.
pub(crate) fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |cut| text[..cut].to_string())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let remedy = "check the path and the permissions";
    Error::input(path.display(), "a readable file", error, remedy)
}

macro_rules! getter {
    ($needed:ident, $with_default:ident, $type:ty, $what:literal, $get:expr) => {
        #[doc = concat!("The value of `key`: ", $what, ".")]
        ///
        /// # Errors
        /// The key is absent or null, or its value has another type.
        pub fn $needed(map: &Map<String, Json>, key: &str, file: &Path) -> Result<$type> {
            match map.get(key) {
                None | Some(Json::Null) => Err(missing(map, key, file)),
                Some(value) => typed(value, $get, (key, $what, file)),
            }
        }

        #[doc = concat!("The value of `key`: ", $what, "; the default where it is absent or null.")]
        ///
        /// # Errors
        /// The value has another type.
        pub fn $with_default(map: &Map<String, Json>, key: &str, default: $type, file: &Path) -> Result<$type> {
            match map.get(key) {
                None | Some(Json::Null) => Ok(default),
                Some(value) => typed(value, $get, (key, $what, file)),
            }
        }
    };
}

getter!(need_usize, usize_or, usize, "a whole number from 0", whole);
getter!(need_f64, f64_or, f64, "a number", Json::as_f64);
getter!(need_bool, bool_or, bool, "true or false", Json::as_bool);
getter!(need_str, str_or, String, "text in quotes", |v: &Json| v.as_str().map(String::from));

/// A whole number, also where a writer made 4 into 4.0.
fn whole(value: &Json) -> Option<usize> {
    let exact = |x: &f64| x.fract() == 0.0 && (0.0..=9e15).contains(x);
    match value.as_u64() {
        Some(n) => usize::try_from(n).ok(),
        None => value.as_f64().filter(exact).map(|x| x as usize),
    }
}

fn typed<T>(value: &Json, get: impl Fn(&Json) -> Option<T>, (key, what, file): (&str, &str, &Path)) -> Result<T> {
    match get(value) {
        Some(value) => Ok(value),
        None => refuse(format!("{}, key `{key}`", file.display()), what, kind(value), ""),
    }
}

fn missing(map: &Map<String, Json>, key: &str, file: &Path) -> Error {
    let remedy = match nearest(key, map.keys().map(String::as_str)) {
        Some(near) if near != key => format!("did you mean it by `{near}`?"),
        _ => format!("add `{key}` to the file"),
    };
    Error::input(file.display(), format!("the key `{key}`"), "none", remedy)
}

/// What a value is, in words, short.
pub(crate) fn kind(value: &Json) -> String {
    match value {
        Json::Null => "null".into(),
        Json::Object(_) => "an object".into(),
        Json::Array(_) => "a list".into(),
        Json::String(text) => format!("the text {:?}", text.chars().take(40).collect::<String>()),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map() -> Map<String, Json> {
        let value = json!({"hidden_size": 64, "heads": "8", "eps": 1e-5, "tie": true, "act": "silu", "none": null, "f": 4.0, "neg": -1});
        value.as_object().unwrap().clone()
    }

    #[test]
    fn keys_have_their_types_and_defaults() {
        let (m, f) = (map(), Path::new("config.json"));
        assert_eq!(need_usize(&m, "hidden_size", f).unwrap(), 64);
        assert_eq!(need_usize(&m, "f", f).unwrap(), 4);
        assert_eq!(usize_or(&m, "none", 7, f).unwrap(), 7);
        assert_eq!(f64_or(&m, "eps", 1.0, f).unwrap(), 1e-5);
        assert_eq!(f64_or(&m, "hidden_size", 1.0, f).unwrap(), 64.0);
        assert!(need_bool(&m, "tie", f).unwrap());
        assert_eq!(str_or(&m, "act", "gelu".into(), f).unwrap(), "silu");
        assert_eq!(str_or(&m, "other", "gelu".into(), f).unwrap(), "gelu");
    }

    #[test]
    fn mistakes_name_file_key_and_types() {
        let (m, f) = (map(), Path::new("m/config.json"));
        let wrong = need_usize(&m, "heads", f).unwrap_err().to_string();
        assert_eq!(wrong, "m/config.json, key `heads`: expected a whole number from 0, found the text \"8\"");
        let negative = usize_or(&m, "neg", 1, f).unwrap_err().to_string();
        assert_eq!(negative, "m/config.json, key `neg`: expected a whole number from 0, found -1");
        let missing = need_usize(&m, "hiden_size", f).unwrap_err().to_string();
        assert_eq!(missing, "m/config.json: expected the key `hiden_size`, found none\n  help: did you mean it by `hidden_size`?");
    }

    #[test]
    fn a_broken_file_is_named_with_line_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let none = read_config(folder.path()).unwrap_err().to_string();
        assert!(none.contains("expected the model's configuration, found no such file"), "{none}");
        fs::write(&path, "{\n  \"a\": 1,\n  \"b\" 2\n}").unwrap();
        let broken = read_config(folder.path()).unwrap_err().to_string();
        assert!(broken.contains("config.json:3:7: expected JSON, found expected `:`"), "{broken}");
        fs::write(&path, "[1]").unwrap();
        let list = read_config(folder.path()).unwrap_err().to_string();
        assert!(list.contains("expected a JSON object, found a list"), "{list}");
    }
}
