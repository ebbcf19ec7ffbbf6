//! The part: the network behind the embeddings, its inverse in front of the head.

use crate::Form;
use crate::coupling::{Coupling, halves};
use serde_json::Number;
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{At, Draws, Folded, Hidden, Inner, Model, OnDisk, Part, Pass, Result, Role, Site, Weights, for_each_value, refuse};
use tongues_nn::insert::Settings;
use tongues_nn::insert::hub::{self, Folder, Host};

/// An invertible network on the embeddings.
#[derive(Module, Debug)]
pub struct Invertible {
    /// The network.
    pub net: Coupling,
    #[module(skip)]
    settings: Settings,
    #[module(skip)]
    name: String,
    #[module(skip)]
    host: Host,
}

/// Attaches a fresh network; `at` is the place that messages tell.
///
/// # Errors
/// The settings do not fit the model, or the name is taken.
pub fn attach(at: &str, name: &str, settings: Settings, draws: Draws, model: &mut Model) -> Result<()> {
    let part = fresh(at, name, settings, draws, model)?;
    put(name, part, model)
}

fn put(name: &str, part: Invertible, model: &mut Model) -> Result<()> {
    let stack = model.spec().main();
    model.attach(name, vec![Site::new(stack, 0, Role::Head)], part)
}

fn fresh(at: &str, name: &str, settings: Settings, draws: Draws, model: &Model) -> Result<Invertible> {
    hub::check_name(at, name)?;
    let hidden = model.spec().hidden;
    let factor = settings.inv_adapter_reduction_factor.as_ref().and_then(Number::as_f64).unwrap_or(2.0);
    let [a, b] = halves(hidden);
    let inner = [b, a].map(|width| (width as f64 / factor).floor());
    if !(factor > 0.0 && inner.iter().all(|i| *i >= 1.0 && *i <= 64.0 * hidden as f64)) {
        let expected = format!("a number above 0, up to half of the model's width of {hidden}");
        return refuse(format!("{at}: inv_adapter_reduction_factor"), expected, factor, "2 makes an inner width of a quarter of the model's");
    }
    let form = match settings.inv_adapter.as_deref() {
        Some("nice") => Form::Nice,
        Some("glow") => Form::Glow,
        other => return refuse(format!("{at}: inv_adapter"), "nice or glow", other.unwrap_or("null"), "correct the key"),
    };
    let net = Coupling::fresh(form, settings.activation(at)?, hidden, inner.map(|i| i as usize), draws, &model.device());
    Ok(Invertible { net, settings, name: name.into(), host: Host::of(model.spec()) })
}

/// Reads the invertible network of an AdapterHub folder that holds nothing else.
///
/// # Errors
/// A key that is not built, a tensor that lacks, is left over or has another shape, or a model of another width.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let mut folder = Folder::open(disk, model.spec())?;
    let settings = Settings::read(hub::PLACE, hub::settings_of(&disk.config)?)?;
    let mut part = fresh(hub::PLACE, name, Settings { leave_out: vec![], ..settings }, Draws::new(0), model)?;
    let prefix = format!("{}invertible_adapters.{}", folder.root, folder.name);
    let net = part.net.clone();
    folder.fill(&mut part.net, |own| format!("{prefix}.{}", net.on_disk(own)))?;
    folder.finish()?;
    put(name, part, model)
}

impl Part for Invertible {
    /// Behind the positions, where a family adds them to the embeddings: the package's place.
    fn embed(&self, hidden: Hidden, _: &mut Pass<'_>) -> Result<Hidden> {
        let x = self.net.forward(hidden.x.clone());
        Ok(hidden.with(x))
    }

    fn around(&self, at: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let x = if at.site.role == Role::Head { self.net.inverse(x) } else { x };
        inner(x, pass)
    }

    fn fold(&self, _: &mut Weights<'_>) -> Result<Folded> {
        Ok(Folded::No("its activation depends on the input".into()))
    }

    fn save(&self) -> Result<OnDisk> {
        let mut tensors = BTreeMap::new();
        let prefix = format!("{}invertible_adapters.{}", self.host.root, self.name);
        for_each_value(&self.net, "", &mut |own: &str, shape: &[usize], values: Vec<f32>| {
            tensors.insert(format!("{prefix}.{}", self.net.on_disk(own)), (shape.to_vec(), values));
            Ok(())
        })?;
        Ok(OnDisk { config: self.host.config(&self.name, self.settings.written()), tensors })
    }

    /// True while both subnets give zero.
    fn starts_as_identity(&self) -> bool {
        self.net.is_identity()
    }
}
