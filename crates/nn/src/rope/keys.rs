//! The rotary keys of a configuration: the older form (`rope_theta`, `rope_scaling`), the newer one (`rope_parameters`), and
//! that one by layer type.

use super::RopeScaling;
use serde_json::{Map, Value as Json};
use tongues_kernel::{Result, nearest, refuse};

const SCALING: &str = "rope_scaling";
const PARAMETERS: &str = "rope_parameters";
const TYPES: [&str; 6] = ["default", "linear", "dynamic", "yarn", "longrope", "llama3"];
/// Every key that a type reads, and two that only tell where a scaling comes from.
const KNOWN: [&str; 17] = [
    "rope_type",
    "type",
    "rope_theta",
    "factor",
    "original_max_position_embeddings",
    "attention_factor",
    "beta_fast",
    "beta_slow",
    "mscale",
    "mscale_all_dim",
    "truncate",
    "short_factor",
    "long_factor",
    "low_freq_factor",
    "high_freq_factor",
    "finetuned",
    "partial_rotary_factor",
];

/// Where a layer type's rotary keys stand.
#[derive(Clone, Copy, Debug)]
pub struct LayerRope {
    /// The key in `rope_parameters`, e.g. `sliding_attention`.
    pub layer_type: &'static str,
    /// The older key of the base frequency.
    pub theta_key: &'static str,
    /// The older `rope_scaling` is this layer type's.
    pub scaled: bool,
    /// The base frequency where no key gives one.
    pub theta: f64,
}

/// Base frequency and scaling of a configuration with one set of rotary keys, in its older form, its newer one, or both,
/// which must then agree. The base is 10000 where absent.
///
/// # Errors
/// The two forms disagree, a needed key is missing, a key or the type is not known.
pub fn read_rope(config: &Map<String, Json>) -> Result<(f64, RopeScaling)> {
    let newer = table(config, PARAMETERS);
    if let Some(kind) = newer.and_then(|map| map.iter().find(|(_, v)| v.is_object())).map(|(k, _)| k) {
        return refuse(place(PARAMETERS), "one set of keys for all layers", format!("a table `{kind}`"), "this family has one rotation for all layers");
    }
    let older = Older { theta: number(config, "rope_theta"), scaling: table(config, SCALING) };
    agree(config, &older, newer, ("rope_theta", 10_000.0))
}

/// The same for one layer type of a family that rotates its layer types differently.
///
/// # Errors
/// As [`read_rope`].
pub fn read_layer_rope(config: &Map<String, Json>, of: LayerRope) -> Result<(f64, RopeScaling)> {
    let newer = table(config, PARAMETERS);
    if newer.is_some_and(|map| map.contains_key("rope_type") || map.contains_key("rope_theta")) {
        return refuse(place(PARAMETERS), "a table for each layer type", "one set of keys", "put the keys under `full_attention` and `sliding_attention`");
    }
    let older = Older { theta: number(config, of.theta_key), scaling: if of.scaled { table(config, SCALING) } else { None } };
    let newer = newer.and_then(|map| table(map, of.layer_type));
    agree(config, &older, newer, (of.theta_key, of.theta))
}

struct Older<'c> {
    theta: Option<f64>,
    scaling: Option<&'c Map<String, Json>>,
}

fn agree(config: &Map<String, Json>, older: &Older<'_>, newer: Option<&Map<String, Json>>, (key, default): (&str, f64)) -> Result<(f64, RopeScaling)> {
    let positions = number(config, "max_position_embeddings");
    // The base may also stand in the older table.
    let theta = older.theta.or_else(|| number(older.scaling?, "rope_theta"));
    let scaling = older.scaling.map(|map| scaling(map, SCALING, positions)).transpose()?;
    let Some(map) = newer else { return checked((theta.unwrap_or(default), scaling.unwrap_or(RopeScaling::None))) };
    let new = (number(map, "rope_theta").or(theta).unwrap_or(default), self::scaling(map, PARAMETERS, positions)?);
    if theta.is_some_and(|t| t != new.0) || scaling.is_some_and(|s| s != new.1) {
        return refuse(place(PARAMETERS), format!("the same as {key} and {SCALING}"), "another value", "remove the wrong one");
    }
    checked(new)
}

fn checked((theta, scaling): (f64, RopeScaling)) -> Result<(f64, RopeScaling)> {
    if theta.is_finite() && theta > 1.0 { Ok((theta, scaling)) } else { refuse(place("rope_theta"), "a number above 1", theta, "10000 is usual") }
}

fn scaling(map: &Map<String, Json>, key: &str, positions: Option<f64>) -> Result<RopeScaling> {
    let kind = map.get("rope_type").or_else(|| map.get("type")).and_then(Json::as_str).unwrap_or("default");
    let keys = Keys { map, key, kind, positions };
    keys.known()?;
    match kind {
        "default" => Ok(RopeScaling::None),
        "linear" => Ok(RopeScaling::Linear { factor: keys.factor()? }),
        "dynamic" => Ok(RopeScaling::Dynamic { factor: keys.factor()?, length: keys.positive("max_position_embeddings", positions)? }),
        "yarn" => keys.yarn(),
        "longrope" => keys.longrope(),
        "llama3" => {
            let (low, high) = (keys.need("low_freq_factor")?, keys.need("high_freq_factor")?);
            if low >= high {
                return refuse(keys.place("low_freq_factor"), format!("less than high_freq_factor, which is {high}"), low, "llama 3 has 1 and 4");
            }
            Ok(RopeScaling::Llama3 { factor: keys.factor()?, low, high, original: keys.original()? })
        }
        other => {
            let remedy = nearest(other, TYPES).map_or_else(String::new, |n| format!("did you mean \"{n}\"?"));
            refuse(keys.place("rope_type"), TYPES.join(", "), other, remedy)
        }
    }
}

/// A table of rotary keys.
struct Keys<'c> {
    map: &'c Map<String, Json>,
    key: &'c str,
    kind: &'c str,
    positions: Option<f64>,
}

impl Keys<'_> {
    fn place(&self, key: &str) -> String {
        format!("config.json: {}.{key}", self.key)
    }

    fn known(&self) -> Result<()> {
        if let Some((key, value)) = self.map.iter().find(|(k, v)| !KNOWN.contains(&k.as_str()) && !v.is_null()) {
            return refuse(self.place(key), format!("one of {}", KNOWN.join(", ")), format!("{key} = {value}"), "it may change the rotation, and is not read");
        }
        match number(self.map, "partial_rotary_factor") {
            Some(part) if part != 1.0 => refuse(self.place("partial_rotary_factor"), "1: whole heads are rotated", part, "this family rotates whole heads"),
            _ => Ok(()),
        }
    }

    fn positive(&self, key: &str, value: Option<f64>) -> Result<f64> {
        match value {
            Some(value) if value > 0.0 && value.is_finite() => Ok(value),
            Some(value) => refuse(self.place(key), "a number above 0", value, ""),
            None => refuse(self.place(key), "a number", "none", format!("rope type {} needs it", self.kind)),
        }
    }

    fn need(&self, key: &str) -> Result<f64> {
        self.positive(key, number(self.map, key))
    }

    fn factor(&self) -> Result<f64> {
        let factor = self.need("factor")?;
        if factor >= 1.0 { Ok(factor) } else { refuse(self.place("factor"), "at least 1", factor, "texts do not become shorter") }
    }

    /// The length before the scaling; the whole length where the keys do not say it.
    fn original(&self) -> Result<f64> {
        let key = "original_max_position_embeddings";
        self.positive(key, number(self.map, key).or(self.positions))
    }

    /// How much longer texts become: the key, or what both lengths say.
    fn longer(&self, original: f64) -> Result<f64> {
        match (number(self.map, "factor"), self.positions) {
            (None, Some(positions)) => Ok(positions / original),
            _ => self.factor(),
        }
    }

    fn yarn(&self) -> Result<RopeScaling> {
        let original = self.original()?;
        let factor = self.longer(original)?;
        let by = |mscale: f64| if factor <= 1.0 { 1.0 } else { 0.1 * mscale * factor.ln() + 1.0 };
        let given = |key| number(self.map, key).filter(|v| *v != 0.0);
        let attention = match (number(self.map, "attention_factor"), given("mscale"), given("mscale_all_dim")) {
            (Some(attention), _, _) => attention,
            (None, Some(mscale), Some(all)) => by(mscale) / by(all),
            _ => by(1.0),
        };
        let (fast, slow) = (given("beta_fast").unwrap_or(32.0), given("beta_slow").unwrap_or(1.0));
        if fast < slow {
            return refuse(self.place("beta_fast"), format!("at least beta_slow, which is {slow}"), fast, "the paper has 32 and 1");
        }
        let truncate = self.map.get("truncate").and_then(Json::as_bool).unwrap_or(true);
        Ok(RopeScaling::Yarn { factor, original, fast, slow, attention, truncate })
    }

    fn longrope(&self) -> Result<RopeScaling> {
        let original = self.original()?;
        let factor = self.longer(original)?;
        let paper = || if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / original.ln()).sqrt() };
        let attention = number(self.map, "attention_factor").unwrap_or_else(paper);
        Ok(RopeScaling::Longrope { short: self.list("short_factor")?, long: self.list("long_factor")?, original, factor, attention })
    }

    fn list(&self, key: &str) -> Result<Vec<f64>> {
        let numbers = self.map.get(key).and_then(Json::as_array).map(|list| list.iter().map(Json::as_f64).collect::<Option<Vec<f64>>>());
        match numbers.flatten() {
            Some(list) if list.iter().all(|x| *x > 0.0) => Ok(list),
            _ => refuse(self.place(key), "a list of numbers above 0, one a pair", self.map.get(key).unwrap_or(&Json::Null), "rope type longrope needs it"),
        }
    }
}

fn table<'c>(map: &'c Map<String, Json>, key: &str) -> Option<&'c Map<String, Json>> {
    map.get(key).and_then(Json::as_object)
}

fn number(map: &Map<String, Json>, key: &str) -> Option<f64> {
    map.get(key).and_then(Json::as_f64)
}

fn place(key: &str) -> String {
    format!("config.json: {key}")
}

/// Puts the rotary keys of one rotation into a configuration in both spellings, so that every reader is content.
pub fn write_rope(map: &mut Map<String, Json>) {
    let theta = read_rope(map).map_or(10_000.0, |(theta, _)| theta);
    let mut rotary = table(map, PARAMETERS).or_else(|| table(map, SCALING)).cloned().unwrap_or_default();
    standard(&mut rotary);
    map.insert(SCALING.into(), older_table(&rotary));
    map.insert("rope_theta".into(), theta.into());
    rotary.insert("rope_theta".into(), theta.into());
    map.insert(PARAMETERS.into(), Json::Object(rotary));
}

/// The same for a family that rotates its layer types differently.
pub fn write_layer_ropes(map: &mut Map<String, Json>, all: &[LayerRope]) {
    let mut nested = Map::new();
    for of in all {
        let theta = read_layer_rope(map, *of).map_or(of.theta, |(theta, _)| theta);
        let newer = table(map, PARAMETERS).and_then(|m| table(m, of.layer_type));
        let older = if of.scaled { table(map, SCALING) } else { None };
        let mut rotary = newer.or(older).cloned().unwrap_or_default();
        standard(&mut rotary);
        if of.scaled {
            map.insert(SCALING.into(), older_table(&rotary));
        }
        map.insert(of.theta_key.into(), theta.into());
        rotary.insert("rope_theta".into(), theta.into());
        nested.insert(of.layer_type.into(), Json::Object(rotary));
    }
    map.insert(PARAMETERS.into(), Json::Object(nested));
}

/// `rope_type` for its older spelling, and no base frequency.
fn standard(rotary: &mut Map<String, Json>) {
    if let Some(kind) = rotary.remove("type") {
        rotary.entry("rope_type").or_insert(kind);
    }
    rotary.entry("rope_type").or_insert("default".into());
    rotary.remove("rope_theta");
}

fn older_table(rotary: &Map<String, Json>) -> Json {
    if rotary["rope_type"] == "default" { Json::Null } else { Json::Object(rotary.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Json) -> Result<(f64, RopeScaling)> {
        read_rope(value.as_object().expect("an object"))
    }

    #[test]
    fn both_forms_mean_the_same_and_a_conflict_is_refused() {
        let old = read(json!({"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}})).expect("older form");
        let new = read(json!({"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0}})).expect("newer form");
        assert_eq!(old, new);
        let error = read(json!({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}})).expect_err("conflict");
        assert!(error.to_string().contains("rope_parameters"), "{error}");
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same_in_both_forms() {
        for scaling in [
            json!(null),
            json!({"type": "dynamic", "factor": 3.0}),
            json!({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "mscale": 1.0, "mscale_all_dim": 0.5}),
            json!({"rope_type": "longrope", "short_factor": [1.0, 2.0], "long_factor": [3.0, 4.0], "original_max_position_embeddings": 64}),
        ] {
            let mut map = json!({"rope_theta": 500.0, "rope_scaling": scaling, "max_position_embeddings": 256}).as_object().expect("an object").clone();
            let before = read_rope(&map).expect("good keys");
            write_rope(&mut map);
            assert_eq!(read_rope(&map).expect("both forms"), before);
            map.remove("rope_theta");
            map.remove("rope_scaling");
            assert_eq!(read_rope(&map).expect("the newer form"), before);
        }
    }

    #[test]
    fn layer_types_have_their_own_keys() {
        let full = LayerRope { layer_type: "full_attention", theta_key: "rope_theta", scaled: true, theta: 1e6 };
        let near = LayerRope { layer_type: "sliding_attention", theta_key: "rope_local_base_freq", scaled: false, theta: 1e4 };
        let old = json!({"rope_scaling": {"rope_type": "linear", "factor": 8.0}, "rope_local_base_freq": 50.0});
        let mut map = old.as_object().expect("an object").clone();
        write_layer_ropes(&mut map, &[full, near]);
        for key in ["rope_scaling", "rope_theta", "rope_local_base_freq"] {
            let mut newer = map.clone();
            newer.remove(key);
            assert_eq!(read_layer_rope(&newer, full).expect("full"), (1e6, RopeScaling::Linear { factor: 8.0 }));
            assert_eq!(read_layer_rope(&newer, near).expect("near"), (50.0, RopeScaling::None));
        }
        map.insert("rope_local_base_freq".into(), 60.0.into());
        assert!(read_layer_rope(&map, near).expect_err("conflict").to_string().contains("rope_local_base_freq"));
    }

    #[test]
    fn mistakes_name_their_key() {
        let wrong = |value: Json| read(value).expect_err("refused").to_string();
        assert!(wrong(json!({"rope_scaling": {"rope_type": "yarm", "factor": 2.0}})).contains("did you mean \"yarn\"?"));
        assert!(wrong(json!({"rope_scaling": {"rope_type": "linear"}})).contains("rope_scaling.factor"));
        assert!(wrong(json!({"rope_scaling": {"rope_type": "linear", "factor": 0.5}})).contains("at least 1"));
        assert!(wrong(json!({"rope_scaling": {"rope_type": "default", "mrope_section": [1]}})).contains("mrope_section"));
        assert!(wrong(json!({"rope_parameters": {"full_attention": {}}})).contains("full_attention"));
        assert!(wrong(json!({"rope_theta": 0.0})).contains("rope_theta"));
    }
}
