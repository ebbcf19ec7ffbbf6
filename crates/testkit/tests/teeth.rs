//! The checks have teeth: plugins that keep every promise pass, and each broken promise is caught by its own check.

use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Adapter, At, Context, Coupling, Draws, Example, ExampleContext, Folded, Inner, MergeInputs, MergePlan, Merged, Merger, Model, Objective, OnDisk, Part,
    Pass, Planned, Record, Result, Role, Run, Sequence, Slice, Step, Term, Weights, burn, register, register_format, schemars, values,
};
use tongues_testkit::{AdapterCase, MergerCase, ObjectiveCase, logits, random_batch, spread, toy_model, toy_tied};

/// What a plugin does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    #[default]
    Nothing,
    Identity,
    Gradient,
    Fold,
    Save,
    Chance,
    Split,
    Weight,
    Plan,
    Values,
    Shapes,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    fault: Fault,
}

// ---- an adapter: stretches what goes into the query projection of the first layer

#[derive(Module, Debug)]
struct Stretch {
    by: Param<Tensor<1>>,
    #[module(skip)]
    fault: Fault,
}

static TURNS: AtomicU32 = AtomicU32::new(0);

impl Adapter for Options {
    fn attach(&self, model: &mut Model, _: &mut dyn Context) -> Result<()> {
        let by = match self.fault {
            Fault::Identity => 0.1,
            Fault::Chance => TURNS.fetch_add(1, Ordering::Relaxed) as f32,
            _ => 0.0,
        };
        attach(model, "stretch", Tensor::full([16], by, &model.device()), self.fault)
    }
}

fn attach(model: &mut Model, name: &str, by: Tensor<1>, fault: Fault) -> Result<()> {
    let site = model.spec().sites.iter().find(|i| i.site.role == Role::Query).expect("a query projection").site;
    model.attach(name, vec![site], Stretch { by: Param::from_tensor(by), fault })
}

impl Part for Stretch {
    fn around(&self, _: At<'_>, x: Tensor<3>, inner: Inner<'_>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let by = self.by.val();
        let by = if self.fault == Fault::Gradient { by.clone() * 0.5 + by.detach() * 0.5 } else { by };
        inner(x * (by + 1.0).unsqueeze::<3>(), pass)
    }
    fn fold(&self, weights: &mut Weights<'_>) -> Result<Folded> {
        let name = "model.layers.0.self_attn.q_proj.weight";
        let share = if self.fault == Fault::Fold { 0.99 } else { 1.0 };
        let delta = weights.get::<2>(name)?.without_autodiff() * (self.by.val().without_autodiff() * share).unsqueeze::<2>();
        weights.add(name, delta)?;
        Ok(Folded::Exact)
    }
    fn save(&self) -> Result<OnDisk> {
        let config = Map::from_iter([("peft_type".to_owned(), json!("STRETCH"))]);
        let by = values(self.by.val() * if self.fault == Fault::Save { 0.5 } else { 1.0 });
        Ok(OnDisk { config, tensors: BTreeMap::from([("by".to_owned(), (vec![16], by))]) })
    }
}

fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let by = Tensor::from_data(TensorData::new(disk.tensors["by"].1.clone(), [16]), &model.device());
    attach(model, name, by, Fault::Nothing)
}

register!(Adapter, "stretch", "test", Options);
register_format!("STRETCH", load);

fn stretched(fault: &str) -> AdapterCase {
    AdapterCase::new("stretch", json!({ "fault": fault })).without_draws()
}

/// The message of a check that fails.
fn caught(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("the check lets it pass");
    panic.downcast_ref::<String>().cloned().expect("a message")
}

#[test]
fn a_good_adapter_passes_on_both_toys() {
    stretched("nothing").check();
    stretched("nothing").with_model(toy_tied).check();
}

#[test]
fn every_broken_promise_of_an_adapter_is_caught() {
    assert!(caught(|| stretched("identity").starts_as_promised()).contains("logits after attaching"));
    assert!(caught(|| stretched("gradient").gradients()).contains("tensor parts.stretch.by, entry"));
    assert!(caught(|| stretched("fold").folds()).contains("logits after folding"));
    assert!(caught(|| stretched("save").round_trip()).contains("after saving and loading"));
    assert!(caught(|| stretched("chance").is_deterministic()).contains("equal draws gave different parameters"));
    let silent = AdapterCase::new("stretch", json!({ "fault": "nothing" }));
    assert!(caught(|| silent.is_deterministic()).contains("another seed gave the same parameters"));
    assert!(caught(|| tongues_testkit::check_refusals(tongues_kernel::Kind::Adapter, "lenient", &json!({}))).contains("no_such_key"));
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Lenient {}

impl Adapter for Lenient {
    fn attach(&self, _: &mut Model, _: &mut dyn Context) -> Result<()> {
        Ok(())
    }
}
register!(Adapter, "lenient", "test", Lenient);

// ---- an objective: next tokens

#[derive(Module, Debug)]
struct NextToken {
    #[module(skip)]
    fault: Fault,
}

impl Objective for NextToken {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        let ids = cx.tokenizer.encode(record.text("text")?)?;
        Ok(vec![Example::of_text(record.id.clone(), Sequence::of("text", ids, 1.0))])
    }
    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        let mut out = step.run("text", &Run::default())?;
        if self.fault == Fault::Gradient {
            out.hidden.x = out.hidden.x.clone() * 0.5 + out.hidden.x.detach() * 0.5;
        }
        if self.fault == Fault::Weight {
            out.weights = out.weights.clone().ones_like();
        }
        let mut sum = tongues_nn::cross_entropy(step.model, &out, false)?;
        match self.fault {
            Fault::Split => sum = sum / step.batch.examples.len() as f64,
            Fault::Chance => sum = sum * (1.0 + f64::from(TURNS.fetch_add(1, Ordering::Relaxed)) * 1e-3),
            _ => {}
        }
        Ok(vec![Term { name: "nll".into(), sum, over: step.batch.loss_tokens(), weight: 1.0 }])
    }
    fn coupling(&self) -> Coupling {
        Coupling::Token
    }
}

register!(Objective, "next-token", "test", Options => |o: Options, _: &mut dyn Context| Ok(NextToken { fault: o.fault }));

fn predicted(fault: &str) -> ObjectiveCase {
    ObjectiveCase::new("next-token", json!({ "fault": fault }))
}

#[test]
fn a_good_objective_passes() {
    predicted("nothing").check();
    predicted("nothing").with_model(toy_tied(Draws::new(4))).check();
}

#[test]
fn every_broken_promise_of_an_objective_is_caught() {
    assert!(caught(|| predicted("gradient").gradients()).contains("finite difference"));
    assert!(caught(|| predicted("split").splits()).contains("added up"));
    assert!(caught(|| predicted("weight").weightless_tokens()).contains("no weight"));
    assert!(caught(|| predicted("chance").is_deterministic()).contains("another loss or gradient"));
}

// ---- a merger: the mean

struct Mean(Fault);

impl Merger for Mean {
    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        let mut inputs = inputs.clone();
        if self.0 == Fault::Shapes {
            let first = inputs.models[0].clone();
            inputs.models.iter_mut().for_each(|m| *m = first.clone());
        }
        let mut plan = inputs.aligned(cx)?;
        if self.0 == Fault::Plan {
            plan.outputs.pop();
        }
        Ok(plan)
    }
    fn merge<'m>(&'m self, _: &'m Planned, slices: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let n = slices.len() as f32 + if self.0 == Fault::Values { 0.01 } else { 0.0 };
        let wobble = if self.0 == Fault::Chance { TURNS.fetch_add(1, Ordering::Relaxed) as f32 } else { 0.0 };
        Ok(Merged::elements(move |p| p.out.iter_mut().enumerate().for_each(|(i, out)| *out = p.inputs.iter().map(|x| x[i]).sum::<f32>() / n + wobble)))
    }
}

register!(Merger, "mean", "test", Options => |o: Options, _: &mut dyn Context| Ok(Mean(o.fault)));

fn merged(fault: &str) -> MergerCase {
    MergerCase::new("mean", json!({ "fault": fault }), 3)
}

#[test]
fn a_good_merger_passes() {
    merged("nothing").check();
}

#[test]
fn every_broken_promise_of_a_merger_is_caught() {
    assert!(caught(|| merged("plan").plan_covers_everything()).contains("is not planned"));
    assert!(caught(|| merged("values").merging_one_with_itself_gives_it()).contains("merged with itself"));
    assert!(caught(|| merged("shapes").mismatched_inputs_are_refused()).contains("was accepted"));
    assert!(caught(|| merged("chance").is_deterministic()).contains("other values"));
}

// ---- the toys

#[test]
fn the_toys_are_alive_everywhere() {
    let batch = random_batch(Draws::new(2), 3, 10, 259);
    let (plain, shape) = logits(&toy_model(Draws::new(1)), &batch);
    assert_eq!(shape, [3, 10, 259]);
    assert!((0.3..30.0).contains(&spread(&plain)), "{}", spread(&plain));
    assert_eq!(plain, logits(&toy_model(Draws::new(1)), &batch).0);
    let model = toy_model(Draws::new(1));
    for entry in tongues_kernel::policy::tensor_names(&model) {
        let mut changed = model.clone();
        let used = batch.examples[0].sequences["text"].ids().next().expect("a token") as usize;
        let index = if entry.name.contains("embed") { used * 16 } else { 0 };
        tongues_testkit::disturb(&mut changed, entry.id, index, 0.5);
        assert_ne!(logits(&changed, &batch).0, plain, "{} does not matter", entry.name);
    }
}
