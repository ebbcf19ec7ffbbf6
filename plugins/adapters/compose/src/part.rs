//! The part that holds others and mixes what they give.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Bool;
use tongues_kernel::{
    At, Attached, Attention, Error, Folded, Hidden, Inner, InnerAttend, Model, OnDisk, Part, Pass, Result, Site, Weights, language_number, refuse, values,
};

/// How the choices act together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum How {
    /// A weighed sum of what they give.
    Sum {
        /// A weight each.
        weights: Vec<f64>,
        /// The weights train.
        learn: bool,
    },
    /// One a row, by language.
    Route {
        /// The language of each.
        languages: Vec<String>,
        /// Whose choice serves rows that say no language.
        default: String,
    },
}

/// Parts that act together as one choice, the first innermost.
#[derive(Module, Debug)]
pub struct Group {
    /// The parts.
    pub parts: Vec<Attached>,
}

/// Choices and how they act together.
#[derive(Module, Debug)]
pub struct Composed {
    /// The choices.
    pub choices: Vec<Group>,
    /// A weight each `[choices]`, where they train.
    pub weights: Option<Param<Tensor<1>>>,
    #[module(skip)]
    how: How,
}

/// Refuses parts that are not there or named twice, and options that do not fit them.
pub fn check(at: &str, choices: &[Vec<String>], how: &How, model: &Model) -> Result<()> {
    let have: Vec<&str> = model.net.parts.list().iter().map(|a| a.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    for name in choices.iter().flatten() {
        if !have.contains(&name.as_str()) {
            let expected = if have.is_empty() { "a part of the model, which has none".into() } else { format!("a part of the model: {}", have.join(", ")) };
            return refuse(format!("{at}: parts"), expected, name, "attach it before: an earlier adapter, or the model's `adapters`");
        }
        if !seen.insert(name) {
            return refuse(format!("{at}: parts"), "each part once", format!("{name} twice"), "load its folder twice under two names");
        }
    }
    if choices.is_empty() || choices.iter().any(Vec::is_empty) {
        return refuse(format!("{at}: parts"), "at least one part each choice", "an empty list", "name the parts");
    }
    fits(at, choices.len(), how)
}

fn fits(at: &str, count: usize, how: &How) -> Result<()> {
    match how {
        How::Sum { weights, .. } if weights.len() != count => {
            refuse(format!("{at}: weights"), format!("{count}, one a choice"), weights.len(), "correct the list")
        }
        How::Sum { weights, .. } if weights.iter().any(|w| !w.is_finite()) => {
            refuse(format!("{at}: weights"), "finite numbers", format!("{weights:?}"), "correct the list")
        }
        How::Route { languages, .. } if languages.len() != count => {
            refuse(format!("{at}: languages"), format!("{count}, one a choice"), languages.len(), "correct the list")
        }
        How::Route { languages, .. } if languages.iter().map(|l| language_number(l)).collect::<BTreeSet<_>>().len() != count => {
            refuse(format!("{at}: languages"), "a language of its own for each choice", languages.join(", "), "rename one")
        }
        How::Route { languages, default } if !languages.contains(default) => {
            refuse(format!("{at}: default"), format!("one of {}", languages.join(", ")), default, "name a language that has an adapter")
        }
        _ => Ok(()),
    }
}

fn taken(name: &str, model: &mut Model) -> Result<Attached> {
    model.net.parts.detach(name).ok_or_else(|| Error::run("compose", format!("the part {name} is gone")))
}

/// Puts parts back in this order.
pub fn restack(choices: &[Vec<String>], model: &mut Model) -> Result<()> {
    for name in choices.iter().flatten() {
        let Attached { name, sites, part } = taken(name, model)?;
        model.net.parts.attach_boxed(name, sites, part)?;
    }
    Ok(())
}

/// Takes the parts out of the model and puts them back inside one part.
pub fn attach(name: &str, choices: &[Vec<String>], how: How, model: &mut Model) -> Result<()> {
    let device = model.device();
    let group = |names: &Vec<String>, model: &mut Model| Ok(Group { parts: names.iter().map(|n| taken(n, model)).collect::<Result<_>>()? });
    let choices = choices.iter().map(|names| group(names, model)).collect::<Result<Vec<Group>>>()?;
    let sites: BTreeSet<Site> = choices.iter().flat_map(|g| &g.parts).flat_map(|a| a.sites.iter().copied()).collect();
    let weights = match &how {
        How::Sum { weights, learn: true } => {
            let weights: Vec<f32> = weights.iter().map(|w| *w as f32).collect();
            Some(Param::from_tensor(Tensor::from_data(TensorData::new(weights, [choices.len()]), &device)))
        }
        _ => None,
    };
    model.attach(name, sites.into_iter().collect(), Composed { choices, weights, how })
}

/// Parts around a place's function, the last outermost.
fn around(parts: &[Attached], at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
    let Some((outer, rest)) = parts.split_last() else { return inner(x, pass) };
    if !outer.sites.contains(&at.site) {
        return around(rest, at, x, inner, pass);
    }
    outer.part.around(at, x, &mut |x, pass: &mut Pass<'_>| around(rest, at, x, inner, pass), pass)
}

/// The same around an attention.
fn attend(parts: &[Attached], at: At<'_>, a: Attention, inner: InnerAttend<'_>, pass: &mut Pass<'_>) -> Result<Tensor<4>> {
    let Some((outer, rest)) = parts.split_last() else { return inner(a, pass) };
    if !outer.sites.contains(&at.site) {
        return attend(rest, at, a, inner, pass);
    }
    outer.part.attend(at, a, &mut |a, pass: &mut Pass<'_>| attend(rest, at, a, inner, pass), pass)
}

impl Composed {
    fn all(&self) -> impl Iterator<Item = &Attached> {
        self.choices.iter().flat_map(|group| &group.parts)
    }

    /// What the choices gave, mixed.
    fn mixed<const D: usize>(&self, given: Vec<Tensor<D>>, pass: &Pass<'_>) -> Result<Tensor<D>> {
        match &self.how {
            How::Sum { weights, .. } => self.sum(given, weights),
            How::Route { languages, default } => routed(given, &rows(languages, default, pass)?),
        }
    }

    fn sum<const D: usize>(&self, given: Vec<Tensor<D>>, fixed: &[f64]) -> Result<Tensor<D>> {
        let weigh = |(i, y): (usize, Tensor<D>)| match &self.weights {
            Some(learned) => y * learned.val().narrow(0, i, 1).unsqueeze::<D>(),
            None => y * fixed.get(i).copied().unwrap_or_default(),
        };
        let sum = given.into_iter().enumerate().map(weigh).reduce(|a, b| a + b);
        sum.ok_or_else(|| Error::run("compose", "no part is left"))
    }
}

/// The choice of every row; one alone where nobody says languages (probes, scores) and the default serves all.
fn rows(languages: &[String], default: &str, pass: &Pass<'_>) -> Result<Vec<usize>> {
    let place = |number: i64| languages.iter().position(|l| language_number(l) == number);
    let Ok(column) = pass.column("language") else { return Ok(place(language_number(default)).into_iter().collect()) };
    if pass.input.streams.values().any(|stream| stream.segments.is_some()) {
        return refuse("compose: route", "rows of one text each", "several texts packed into a row", "write `packing = false` in the stage's `train`");
    }
    let numbers: Vec<i64> = column.into_data().iter::<i64>().collect();
    let choice = |(row, number): (usize, &i64)| {
        let said = if *number == 0 { language_number(default) } else { *number };
        let expected = || format!("a language with an adapter: {}", languages.join(", "));
        place(said).ok_or_else(|| Error::input(format!("row {row}"), expected(), "another language", "add an adapter for it, or leave such rows out"))
    };
    numbers.iter().enumerate().map(choice).collect()
}

/// Each row of the choice that serves it.
fn routed<const D: usize>(given: Vec<Tensor<D>>, rows: &[usize]) -> Result<Tensor<D>> {
    if let [all] = rows {
        let only = given.into_iter().nth(*all);
        return only.ok_or_else(|| Error::run("compose", "no part is left"));
    }
    let mut mixed: Option<Tensor<D>> = None;
    for (index, y) in given.into_iter().enumerate() {
        mixed = Some(match mixed {
            None => y,
            Some(before) => {
                let mut shape = [1; D];
                shape[0] = rows.len();
                let own: Vec<bool> = rows.iter().map(|r| *r == index).collect();
                let mask = Tensor::<D, Bool>::from_data(TensorData::new(own, shape), &y.device().without_autodiff());
                before.mask_where(mask.expand(y.dims()), y)
            }
        });
    }
    mixed.ok_or_else(|| Error::run("compose", "no part is left"))
}

impl Part for Composed {
    fn embed(&self, hidden: Hidden, pass: &mut Pass<'_>) -> Result<Hidden> {
        let shape = hidden.x.dims();
        let mut given = vec![];
        for group in &self.choices {
            let walk = |hidden: Hidden, attached: &Attached, pass: &mut Pass<'_>| attached.part.embed(hidden, pass);
            given.push(group.parts.iter().try_fold(hidden.clone(), |hidden, attached| walk(hidden, attached, pass))?.x);
        }
        if given.iter().any(|x| x.dims() != shape) {
            return refuse("compose", "parts that keep the length of the stream", "one that changes it", "attach it beside the composition instead");
        }
        let x = self.mixed(given, pass)?;
        Ok(hidden.with(x))
    }

    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let mut given = vec![];
        for group in &self.choices {
            given.push(around(&group.parts, at, x.clone(), inner, pass)?);
        }
        self.mixed(given, pass)
    }

    fn attend(&self, at: At<'_>, a: Attention, inner: InnerAttend<'_>, pass: &mut Pass<'_>) -> Result<Tensor<4>> {
        let mut given = vec![];
        for group in &self.choices {
            given.push(attend(&group.parts, at, a.clone(), inner, pass)?);
        }
        self.mixed(given, pass)
    }

    fn fold(&self, _: &mut Weights<'_>) -> Result<Folded> {
        Ok(Folded::No("several adapters act, each on its own".into()))
    }

    fn save(&self) -> Result<OnDisk> {
        let (mut tensors, mut choices) = (BTreeMap::new(), vec![]);
        for group in &self.choices {
            let mut parts = vec![];
            for attached in &group.parts {
                let disk = attached.part.save()?;
                parts.push(json!({ "name": attached.name, "config": disk.config }));
                tensors.extend(disk.tensors.into_iter().map(|(name, t)| (format!("{}/{name}", attached.name), t)));
            }
            choices.push(Json::Array(parts));
        }
        let mut how = self.how.clone();
        if let (How::Sum { weights, .. }, Some(learned)) = (&mut how, &self.weights) {
            *weights = values(learned.val()).into_iter().map(f64::from).collect();
        }
        let how = serde_json::to_value(how).map_err(|e| Error::run("compose", e.to_string()))?;
        let config = [("peft_type", json!("COMPOSE")), ("how", how), ("choices", Json::Array(choices))];
        let config: Map<String, Json> = config.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        Ok(OnDisk { config, tensors })
    }

    /// True where every part starts so and one of them is chosen; a sum has rounding of its own.
    fn starts_as_identity(&self) -> bool {
        matches!(self.how, How::Route { .. }) && self.all().all(|attached| attached.part.starts_as_identity())
    }
}
