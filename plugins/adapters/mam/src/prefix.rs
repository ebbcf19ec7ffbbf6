//! The prefix: keys and values in front of those of every attention.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    At, Attention, Draws, Error, Folded, Hidden, InnerAttend, Linear, Model, OnDisk, Part, Pass, Result, Role, Site, Weights, for_each_value, refuse,
};
use tongues_nn::Activation;
use tongues_nn::insert::hub::{self, Host};

/// The keys of AdapterHub's `PrefixTuningConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrefixSettings {
    /// Always `prefix_tuning`.
    pub architecture: String,
    /// In an encoder; there is none here.
    pub encoder_prefix: bool,
    /// In cross-attentions; there are none here.
    pub cross_prefix: bool,
    /// Layers without, counted from 0.
    pub leave_out: Vec<usize>,
    /// Keys and values are parameters themselves.
    pub flat: bool,
    /// Keys and values in front of each attention.
    pub prefix_length: usize,
    /// Width between the projections.
    pub bottleneck_size: usize,
    /// Activation between the projections.
    pub non_linearity: String,
    /// Share that is dropped while training.
    pub dropout: f64,
    /// Not built.
    pub use_gating: bool,
    /// The seed of the first values; says nothing about what was learned.
    pub init_weights_seed: Option<u64>,
    /// Says nothing without gates.
    pub shared_gating: bool,
}

impl Default for PrefixSettings {
    fn default() -> Self {
        Self {
            architecture: "prefix_tuning".into(),
            encoder_prefix: true,
            cross_prefix: true,
            leave_out: vec![],
            flat: false,
            prefix_length: 30,
            bottleneck_size: 512,
            non_linearity: "tanh".into(),
            dropout: 0.0,
            use_gating: false,
            init_weights_seed: None,
            shared_gating: true,
        }
    }
}

impl PrefixSettings {
    /// From the keys of a file; keys that are null count as absent.
    ///
    /// # Errors
    /// An unknown key that is not null, a value of another type, or gates.
    pub fn read(mut keys: Map<String, Json>) -> Result<Self> {
        keys.retain(|_, value| !value.is_null());
        let read = serde_json::from_value::<Self>(Json::Object(keys));
        let settings = read.map_err(|e| Error::input(hub::PLACE, "the keys of a prefix, others null", e, "a plugin that builds this must read it"))?;
        if settings.use_gating {
            return refuse(format!("{}: use_gating", hub::PLACE), "false: the gate is a mean over the row, later tokens included", true, "train without it");
        }
        Ok(settings)
    }

    /// The settings fit together; gives the activation.
    fn check(&self, at: &str) -> Result<Activation> {
        let places = 1_000_000;
        if !(1..=places).contains(&self.prefix_length) || !(1..=places).contains(&self.bottleneck_size) || !(0.0..1.0).contains(&self.dropout) {
            let found = format!("{}, {}, {}", self.prefix_length, self.bottleneck_size, self.dropout);
            let expected = "whole numbers from 1 to a million, and a share from 0, below 1";
            return refuse(format!("{at}: prefix_length, bottleneck_size, dropout"), expected, found, "30, 800 and 0 are the paper's");
        }
        let unknown = || Error::input(format!("{at}: non_linearity"), Activation::NAMES.join(", "), &self.non_linearity, "name one of these");
        Activation::named(&self.non_linearity.to_lowercase()).ok_or_else(unknown)
    }
}

/// Learned keys and values.
#[derive(Module, Debug)]
pub struct Prefix {
    /// `[l, hidden]`, where not flat.
    pub wte: Option<Param<Tensor<2>>>,
    /// `[hidden]` → `[bottleneck_size]`.
    pub down: Option<Linear>,
    /// To `[layers · 2 · key heads · head_dim]`.
    pub up: Option<Linear>,
    /// `[l · layers · 2 · key heads · head_dim]`, where flat.
    pub control_trans: Option<Param<Tensor<1>>>,
    #[module(skip)]
    settings: PrefixSettings,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    layers: BTreeMap<Site, usize>,
    #[module(skip)]
    name: String,
    #[module(skip)]
    host: Host,
}

/// Attaches a fresh prefix; `at` is the place that messages tell.
///
/// # Errors
/// The settings do not fit the model, or the name is taken.
pub fn attach(at: &str, name: &str, settings: PrefixSettings, draws: Draws, model: &mut Model) -> Result<()> {
    let prefix = Prefix::fresh(at, name, settings, draws, model)?;
    prefix.put(name, model)
}

impl Prefix {
    /// A fresh one for a model: tables N(0, 1), projections uniform within 1/√in, as torch draws them.
    ///
    /// # Errors
    /// The settings do not fit the model.
    pub fn fresh(at: &str, name: &str, settings: PrefixSettings, draws: Draws, model: &Model) -> Result<Self> {
        hub::check_name(at, name)?;
        let activation = settings.check(at)?;
        let (spec, device) = (model.spec(), model.device());
        let attentions = spec.sites.iter().filter(|i| i.site.role == Role::Attention && i.site.stack == spec.main());
        let kept: Vec<_> = attentions.filter(|i| !settings.leave_out.contains(&usize::from(i.site.layer))).collect();
        let count = spec.layers(spec.main());
        if let Some(lost) = settings.leave_out.iter().find(|l| **l >= count) {
            return refuse(format!("{at}: leave_out"), format!("layers of this model, 0 to {}", count.saturating_sub(1)), lost, "correct the list");
        }
        let Some(width) = kept.first().and_then(|i| spec.info(Site { role: Role::Key, ..i.site })).map(|i| i.width[1]) else {
            return refuse(at, "an attention with keys that is not left out", format!("none in this {} model", spec.family), "shorten leave_out");
        };
        let (length, out) = (settings.prefix_length, kept.len() * 2 * width);
        let linear = |name: &str, [inn, out]: [usize; 2]| {
            let bound = 1.0 / (inn as f64).sqrt();
            let bias = draws.stream(name).step(1).uniform_tensor([out], bound, &device);
            Linear::new(draws.stream(name).uniform_tensor([out, inn], bound, &device), Some(bias))
        };
        let deep = !settings.flat;
        let layers = kept.iter().enumerate().map(|(n, i)| (i.site, n)).collect();
        Ok(Self {
            wte: deep.then(|| Param::from_tensor(draws.stream("wte").normal_tensor([length, spec.hidden], 1.0, &device))),
            down: deep.then(|| linear("down", [spec.hidden, settings.bottleneck_size])),
            up: deep.then(|| linear("up", [settings.bottleneck_size, out])),
            control_trans: settings.flat.then(|| Param::from_tensor(draws.stream("flat").normal_tensor([length * out], 1.0, &device))),
            settings,
            activation,
            layers,
            name: name.into(),
            host: Host::of(spec),
        })
    }

    /// Attaches it to all its attentions.
    ///
    /// # Errors
    /// The name is taken.
    pub fn put(self, name: &str, model: &mut Model) -> Result<()> {
        let sites = self.layers.keys().copied().collect();
        model.attach(name, sites, self)
    }

    /// All keys and values `[1, l, layers · 2 · key heads · head_dim]`.
    fn all(&self) -> Option<Tensor<3>> {
        let length = self.settings.prefix_length;
        match (&self.control_trans, &self.wte, &self.down, &self.up) {
            (Some(flat), ..) => {
                let flat = flat.val();
                let width = flat.dims()[0] / length;
                Some(flat.reshape([1, length, width]))
            }
            (_, Some(wte), Some(down), Some(up)) => Some(up.forward(self.activation.of(down.forward(wte.val().unsqueeze())))),
            _ => None,
        }
    }

    fn key(&self) -> String {
        format!("{} prefix", self.name)
    }

    /// The name that a parameter has in the files.
    pub fn on_disk(own: &str) -> String {
        match own.split_once('.') {
            Some(("down", rest)) => format!("control_trans.0.{rest}"),
            Some(("up", rest)) => format!("control_trans.2.{rest}"),
            _ if own == "wte" => "wte.weight".into(),
            _ => own.to_owned(),
        }
    }

    /// Where the tensors of a prefix of that name lie.
    pub fn place(root: &str, name: &str) -> String {
        format!("{root}prefix_tuning.prefix_tunings.{name}.self_prefix")
    }
}

impl Part for Prefix {
    /// Keys and values of all layers are made once a pass.
    fn embed(&self, hidden: Hidden, pass: &mut Pass<'_>) -> Result<Hidden> {
        if let (Some(all), Some(site)) = (self.all(), self.layers.keys().next()) {
            let all = pass.dropout(all, self.settings.dropout, *site);
            pass.sides.insert(self.key().into(), all);
        }
        Ok(hidden)
    }

    fn attend(&self, at: At<'_>, mut a: Attention, inner: InnerAttend<'_>, pass: &mut Pass<'_>) -> Result<Tensor<4>> {
        let Some(layer) = self.layers.get(&at.site) else { return inner(a, pass) };
        let ([batch, heads, _, width], length) = (a.k.dims(), self.settings.prefix_length);
        let own = pass.side(&self.key())?.reshape([length, self.layers.len() * 2, heads, width]);
        let one = |index: usize| own.clone().narrow(1, index, 1).squeeze_dim::<3>(1).swap_dims(0, 1).unsqueeze::<4>().expand([batch, heads, length, width]);
        a.k = Tensor::cat(vec![one(2 * layer), a.k], 2);
        a.v = Tensor::cat(vec![one(2 * layer + 1), a.v], 2);
        a.mask = a.mask.prepend_visible(length);
        a.new_keys = a.new_keys.start + length..a.new_keys.end + length;
        inner(a, pass)
    }

    fn fold(&self, _: &mut Weights<'_>) -> Result<Folded> {
        Ok(Folded::No("keys and values in front are no weights of the model".into()))
    }

    fn save(&self) -> Result<OnDisk> {
        let mut tensors = BTreeMap::new();
        let place = Self::place(&self.host.root, &self.name);
        for_each_value(self, "", &mut |own: &str, shape: &[usize], values: Vec<f32>| {
            tensors.insert(format!("{place}.{}", Self::on_disk(own)), (shape.to_vec(), values));
            Ok(())
        })?;
        let keys = serde_json::to_value(&self.settings).map_err(|e| Error::run("mam", e.to_string()))?;
        Ok(OnDisk { config: self.host.config(&self.name, keys.as_object().cloned().unwrap_or_default()), tensors })
    }

    fn starts_as_identity(&self) -> bool {
        false
    }
}
