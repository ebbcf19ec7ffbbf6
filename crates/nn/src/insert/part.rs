//! The part: inserted networks at the sub-layers of all blocks.

use super::hub::{self, Folder, Host};
use super::settings::decoder;
use super::{Block, Rule, Settings};
use crate::ByPath;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{At, Draws, Folded, Inner, Model, OnDisk, Part, Pass, Result, Role, Site, Spec, Stack, Weights, for_each_value, part_format, refuse};

/// Inserted networks, named by the paths that the files have for them.
#[derive(Module, Debug)]
pub struct Inserts {
    /// A network each place.
    pub at: ByPath<Block>,
    /// Small factors of PHM projections, where they are the same everywhere.
    pub shared: Rule,
    #[module(skip)]
    settings: Settings,
    #[module(skip)]
    seats: BTreeMap<Site, Seat>,
    #[module(skip)]
    name: String,
    #[module(skip)]
    host: Host,
}

/// What is done at a place, for the network of that index.
#[derive(Clone, Copy, Debug)]
enum Seat {
    /// The residual stream is noted on its way into the norm.
    Before(usize),
    /// The network acts on what the sub-layer gives.
    Behind(usize),
}

/// One sub-layer of one block.
struct Place {
    path: String,
    before: Option<Site>,
    behind: Site,
}

/// The sub-layers that have a network, in the order of the walk.
fn places(settings: &Settings, spec: &Spec, at: &str) -> Result<Vec<Place>> {
    let stack = decoder(at, spec)?;
    if !settings.mh_adapter && !settings.output_adapter {
        return refuse(at, "mh_adapter or output_adapter", "neither", "switch one of them on");
    }
    let kinds = [
        (settings.mh_adapter, "attention_adapters", [Role::AttentionNorm, Role::SelfAttention, Role::AttentionOutNorm]),
        (settings.output_adapter, "output_adapters", [Role::FeedForwardNorm, Role::FeedForward, Role::FeedForwardOutNorm]),
    ];
    let mut places = vec![];
    for layer in settings.layers(at, spec)? {
        for (_, word, roles) in kinds.iter().filter(|(there, ..)| *there) {
            places.push(place(settings, spec, at, (stack, layer), word, *roles)?);
        }
    }
    if places.is_empty() { refuse(format!("{at}: leave_out"), "a layer that is left", "none", "shorten the list") } else { Ok(places) }
}

fn place(settings: &Settings, spec: &Spec, at: &str, (stack, layer): (Stack, usize), word: &str, [norm, inside, norm_behind]: [Role; 3]) -> Result<Place> {
    let info = |role| spec.info(Site::new(stack, layer, role));
    let (Some(block), Some(sub)) = (info(Role::Block), info(inside)) else {
        let found = format!("a {} model without one in layer {layer}", spec.family);
        return refuse(at, format!("blocks with a {}", inside.word()), found, "this family cannot have inserted networks");
    };
    let before = info(norm).map(|i| i.site);
    if settings.needs_stream() && before.is_none() {
        let found = format!("a {} model without one", spec.family);
        return refuse(at, "a norm in front of each sub-layer, where the residual stream is read", found, "set original_ln_before and is_parallel to false");
    }
    // A norm behind the sub-layer belongs to it: the block adds what that norm gives.
    let behind = info(norm_behind).unwrap_or(sub).site;
    Ok(Place { path: format!("{}.{word}", block.path), before: before.filter(|_| settings.needs_stream()), behind })
}

/// Attaches fresh networks as a part of that name; `at` is the place that messages tell.
///
/// # Errors
/// The settings do not fit the model, or the name is taken.
pub fn attach(at: &str, name: &str, settings: Settings, draws: Draws, model: &mut Model) -> Result<()> {
    let (sites, part) = fresh(at, name, settings, draws, model)?;
    model.attach(name, sites, part)
}

fn fresh(at: &str, name: &str, settings: Settings, draws: Draws, model: &Model) -> Result<(Vec<Site>, Inserts)> {
    hub::check_name(at, name)?;
    let (spec, device) = (model.spec(), model.device());
    let places = places(&settings, spec, at)?;
    let activation = settings.activation(at)?;
    let (mut list, mut seats) = (vec![], BTreeMap::new());
    for (i, place) in places.into_iter().enumerate() {
        let inner = settings.inner(at, usize::from(place.behind.layer), spec.hidden)?;
        list.push((place.path.clone(), Block::fresh([spec.hidden, inner], &settings, activation, draws.stream(&place.path), &device)));
        seats.extend(place.before.map(|site| (site, Seat::Before(i))));
        seats.insert(place.behind, Seat::Behind(i));
    }
    let shared = Rule::fresh(&settings, draws.stream("shared"), &device);
    let sites = seats.keys().copied().collect();
    Ok((sites, Inserts { at: ByPath::new(list), shared, settings, seats, name: name.into(), host: Host::of(spec) }))
}

/// Reads an AdapterHub folder and attaches its networks; an invertible one in it becomes a part of its own, `<name>-invertible`.
///
/// # Errors
/// A key that is not built, a tensor that lacks, is left over or has another shape, or a model of another width.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let (mut folder, mut settings) = (Folder::open(disk, model.spec())?, Settings::read(hub::PLACE, hub::settings_of(&disk.config)?)?);
    let alone = !settings.mh_adapter && !settings.output_adapter;
    if settings.inv_adapter.is_some() {
        let part = if alone { name.to_owned() } else { format!("{name}-invertible") };
        let reader = part_format("adapterhub-invertible")?;
        (reader.load)(&folder.split_off_invertible(&disk.config), &part, model)?;
        (settings.inv_adapter, settings.inv_adapter_reduction_factor) = (None, None);
        if alone {
            return folder.finish();
        }
    }
    let (sites, mut part) = fresh(hub::PLACE, name, settings, Draws::new(0), model)?;
    let (hub_name, norm_in_front) = (folder.name.clone(), part.settings.ln_before);
    let mut filled = part.at.clone().into_list();
    for (path, block) in &mut filled {
        folder.drop_alias(&format!("{path}.adapters.{hub_name}"), norm_in_front);
        folder.fill(block, |own| format!("{path}.adapters.{hub_name}.{}", on_disk(own, norm_in_front)))?;
    }
    part.at = ByPath::new(filled);
    let root = part.host.root.clone();
    folder.fill(&mut part.shared, |own| format!("{root}shared_parameters.{hub_name}.{own}"))?;
    folder.finish()?;
    model.attach(name, sites, part)
}

/// The package keeps norm, down and activation in one list: the name of down has its index.
fn on_disk(own: &str, norm_in_front: bool) -> String {
    match own.strip_prefix("adapter_down.") {
        Some(rest) => format!("adapter_down.{}.{rest}", usize::from(norm_in_front)),
        None => own.to_owned(),
    }
}

impl Inserts {
    fn behind(&self, index: usize, y: Tensor<3>, stream: Option<Tensor<3>>, site: Site, pass: &Pass<'_>) -> Tensor<3> {
        let Some(block) = self.at.get(index) else { return y };
        let s = &self.settings;
        let sum = |y: &Tensor<3>| stream.clone().map_or_else(|| y.clone(), |stream| y.clone() + stream);
        let read = match (s.is_parallel, s.original_ln_before) {
            (true, _) => stream.clone().unwrap_or_else(|| y.clone()),
            (_, true) => sum(&y),
            _ => y.clone(),
        };
        let given = pass.dropout(block.forward(read, &self.shared), s.dropout, site);
        let out = if s.adapter_residual_before_ln && !s.is_parallel {
            let residual = if s.reads_sum_as_residual() { sum(&y) } else { y };
            block.normed(given + residual)
        } else {
            block.normed(given) + y
        };
        match (stream, s.streams()) {
            (Some(stream), times) if times != 0.0 => out + stream * times,
            _ => out,
        }
    }

    fn key(&self, index: usize) -> String {
        format!("{} stream {index}", self.name)
    }
}

impl Part for Inserts {
    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        match self.seats.get(&at.site) {
            Some(Seat::Before(index)) => {
                pass.sides.insert(self.key(*index).into(), x.clone());
                inner(x, pass)
            }
            Some(Seat::Behind(index)) => {
                let stream = pass.sides.remove(self.key(*index).as_str());
                let y = inner(x, pass)?;
                Ok(self.behind(*index, y, stream, at.site, pass))
            }
            None => inner(x, pass),
        }
    }

    fn fold(&self, _: &mut Weights<'_>) -> Result<Folded> {
        Ok(Folded::No("its activation depends on the input".into()))
    }

    fn save(&self) -> Result<OnDisk> {
        let mut tensors = BTreeMap::new();
        let norm_in_front = self.settings.ln_before;
        for (path, block) in self.at.iter() {
            let place = format!("{path}.adapters.{}", self.name);
            for_each_value(block, "", &mut |own: &str, shape: &[usize], values: Vec<f32>| {
                if let (Some(rest), true) = (own.strip_prefix("adapter_norm_before."), norm_in_front) {
                    // The package has this norm twice, under one name as a field and under another in the list.
                    tensors.insert(format!("{place}.adapter_down.0.{rest}"), (shape.to_vec(), values.clone()));
                }
                tensors.insert(format!("{place}.{}", on_disk(own, norm_in_front)), (shape.to_vec(), values));
                Ok(())
            })?;
        }
        let shared = format!("{}shared_parameters.{}", self.host.root, self.name);
        for_each_value(&self.shared, &shared, &mut |own: &str, shape: &[usize], values: Vec<f32>| {
            tensors.insert(own.to_owned(), (shape.to_vec(), values));
            Ok(())
        })?;
        Ok(OnDisk { config: self.host.config(&self.name, self.settings.written()), tensors })
    }

    /// True while every network gives zero and nothing is added behind it.
    fn starts_as_identity(&self) -> bool {
        self.settings.streams() == 0.0 && self.at.iter().all(|(_, block)| block.is_zero())
    }
}

/// Settings of a folder that holds an invertible network only.
pub(super) fn only_invertible(config: &Map<String, serde_json::Value>) -> Map<String, serde_json::Value> {
    let mut only = config.clone();
    only.extend([("mh_adapter".to_owned(), json!(false)), ("output_adapter".to_owned(), json!(false))]);
    only
}
