//! What must be right with the settings of a merge before anything is read.

use super::{MergeInputs, MergePlan, Planned, Setting, Settings};
use crate::{Result, refuse};

/// Which numbers a setting may have.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// Any that is finite.
    Finite,
    /// From 0 to 1.
    Share,
    /// 0 or 1: false or true.
    Flag,
}

impl Range {
    fn has(self, x: f64) -> bool {
        match self {
            Self::Finite => x.is_finite(),
            Self::Share => (0.0..=1.0).contains(&x),
            Self::Flag => x == 0.0 || x == 1.0,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Finite => "finite numbers",
            Self::Share => "numbers from 0 to 1",
            Self::Flag => "true or false",
        }
    }
}

impl MergeInputs {
    /// Looks at every number of a setting, wherever it stands: in the merger's options, with a slice, with a model.
    ///
    /// # Errors
    /// One is out of its range.
    pub fn check(&self, method: &str, key: &str, option: Option<&Setting>, range: Range) -> Result<()> {
        let look = |at: String, setting: Option<&Setting>| match setting.map(Setting::numbers).unwrap_or_default().iter().find(|x| !range.has(**x)) {
            Some(x) => refuse(format!("{method}: {key}{at}"), range.words(), x, ""),
            None => Ok(()),
        };
        let own = |at: String, settings: &Settings| look(at, settings.get(key));
        look(String::new(), option)?;
        self.models.iter().try_for_each(|m| own(format!(" of model `{}`", m.name), &m.settings))?;
        for (i, slice) in self.slices.iter().enumerate() {
            own(format!(" of slice {i}"), &slice.settings)?;
            slice.sources.iter().try_for_each(|s| own(format!(" of `{}` in slice {i}", self.name(s.input)), &s.settings))?;
        }
        Ok(())
    }

    /// An input's name.
    pub fn name(&self, input: usize) -> &str {
        self.models.get(input).map_or("", |m| &m.name)
    }

    /// The models of every tensor but the base must have a setting.
    ///
    /// # Errors
    /// One has none.
    pub fn require(&self, plan: &MergePlan, method: &str, key: &str, option: Option<&Setting>) -> Result<()> {
        let lacking = |out: &Planned| out.others().find(|read| out.number(*read, key, option).is_none());
        match plan.outputs.iter().find_map(|out| Some((out, lacking(out)?))) {
            Some((out, read)) => {
                let at = format!("{method}: {key} of model `{}`, tensor {}", self.name(out.reads[read].input), out.name);
                refuse(at, "a number", "none", format!("give `{key}` for all models, or with every model; a list of filters may end in an entry without one"))
            }
            None => Ok(()),
        }
    }
}

impl Planned {
    /// The read of the base model.
    ///
    /// # Errors
    /// The tensor has none.
    pub fn base_read(&self, method: &str) -> Result<usize> {
        let wrong = || {
            refuse(
                format!("{method}: tensor {}", self.name),
                "a base model among its sources",
                "none",
                "name it as `base_model`; with slices, also as a source of each",
            )
        };
        self.base.map_or_else(wrong, Ok)
    }

    /// A setting of the tensor as a whole that is true or false.
    pub fn flag(&self, key: &str, option: Option<&Setting>, default: bool) -> bool {
        self.whole(key, option).map_or(default, |x| x != 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MergeInput, MergeSlice, MergeSource, Read};
    use serde_json::{from_value, json};
    use std::sync::Arc;

    fn settings(x: f64) -> Arc<Settings> {
        Arc::new(Settings::from([("density".into(), Setting::Gradient(vec![0.5, x]))]))
    }

    #[test]
    fn numbers_out_of_range_are_named_with_their_place() {
        let told = |models: f64, slice: f64, source: f64, option: f64| {
            let source = MergeSource { settings: settings(source), ..MergeSource::default() };
            let inputs = MergeInputs {
                models: vec![MergeInput { name: "a".into(), settings: settings(models), ..MergeInput::default() }],
                slices: vec![MergeSlice { sources: vec![source], count: 1, settings: settings(slice) }],
                base: None,
            };
            inputs.check("m", "density", Some(&Setting::Number(option)), Range::Share).map_err(|e| e.to_string()).err().unwrap_or_default()
        };
        assert_eq!(told(1.0, 0.0, 1.0, 0.0), "");
        assert_eq!(told(1.5, 0.0, 1.0, 0.0), "m: density of model `a`: expected numbers from 0 to 1, found 1.5");
        assert!(told(1.0, f64::NAN, 1.0, 0.0).starts_with("m: density of slice 0: "));
        assert!(told(1.0, 1.0, -0.1, 0.0).starts_with("m: density of `a` in slice 0: "));
        assert!(told(1.0, 1.0, 1.0, f64::INFINITY).starts_with("m: density: "));
        assert!(!Range::Finite.has(f64::NAN) && Range::Finite.has(-3.0) && !Range::Flag.has(0.5) && Range::Flag.has(1.0));
    }

    #[test]
    fn models_without_a_setting_are_named_with_the_tensor() {
        let own: Settings = from_value(json!({ "weight": [{ "filter": "mlp", "value": 1 }] })).unwrap();
        let mut read = Read::of(1, "norm");
        read.settings = Arc::new(own);
        let out = Planned { name: "norm".into(), reads: vec![Read::of(0, "norm"), read], base: Some(0), ..Planned::default() };
        let named = |name: &str| MergeInput { name: name.into(), ..MergeInput::default() };
        let inputs = MergeInputs { models: vec![named("a"), named("b")], ..MergeInputs::default() };
        let plan = MergePlan { outputs: vec![out], ..MergePlan::default() };
        let told = inputs.require(&plan, "m", "weight", None).unwrap_err().to_string();
        assert!(told.starts_with("m: weight of model `b`, tensor norm: expected a number, found none"), "{told}");
        // Where its own list takes no tensor of this name, what is said for all models counts.
        assert!(inputs.require(&plan, "m", "weight", Some(&Setting::Number(1.0))).is_ok());
    }
}
