//! Recipe 1 of the paper: which models are averaged.

use tongues_kernel::{Context, DataRef, Evaluation, Folded, MergeInputs, Model, ModelRef, Result, Rolling, Tensors, for_each_value, refuse, restore_values};

/// Numbers of the inputs that are taken, in the order of the inputs.
///
/// # Errors
/// A model cannot be had, or the texts cannot be scored.
pub fn choose(inputs: &MergeInputs, models: &[usize], data: &DataRef, reading: &Rolling, cx: &mut dyn Context) -> Result<Vec<usize>> {
    let mut losses = vec![];
    for input in models {
        losses.push((*input, loss(&model(inputs.name(*input), cx)?, data, reading, cx)?));
    }
    // Sorted by loss; among equals the first stays the first.
    losses.sort_by(|a, b| a.1.total_cmp(&b.1));
    let told: Vec<String> = losses.iter().map(|(input, loss)| format!("{} {loss:.4}", inputs.name(*input))).collect();
    let (first, mut best) = losses[0];
    let mut taken = vec![first];
    let mut sum = values(&model(inputs.name(first), cx)?)?;
    for (input, _) in &losses[1..] {
        let next = model(inputs.name(*input), cx)?;
        let mut with = sum.clone();
        add(&mut with, &values(&next)?);
        let found = loss(&mean(next, &with, taken.len() + 1)?, data, reading, cx)?;
        if found <= best {
            (best, sum) = (found, with);
            taken.push(*input);
        }
    }
    let names: Vec<&str> = taken.iter().map(|input| inputs.name(*input)).collect();
    cx.note(format!("The soup is of {}: loss {best:.4} on {}. Alone: {}.", names.join(", "), data.0, told.join(", ")));
    taken.sort_unstable();
    Ok(taken)
}

/// A model with its adapters in its weights.
fn model(name: &str, cx: &mut dyn Context) -> Result<Model> {
    let mut model = cx.model(&ModelRef(name.to_owned()))?.inference();
    for (part, folded) in model.fold()? {
        if let Folded::No(why) = folded {
            return refuse(format!("soup: model `{name}`, part `{part}`"), "a part that folds into the weights", format!("one that does not: {why}"), "");
        }
    }
    Ok(model)
}

/// Nats per token.
fn loss(model: &Model, data: &DataRef, reading: &Rolling, cx: &mut dyn Context) -> Result<f64> {
    let records = cx.data(data)?;
    let texts = reading.likelihoods(&mut Evaluation { model, data: &*records, format: None, cx })?;
    let tokens = texts.iter().map(|t| t.tokens).sum::<usize>();
    Ok(texts.iter().map(|t| t.nats).sum::<f64>() / tokens as f64)
}

fn values(model: &Model) -> Result<Tensors> {
    let mut found = Tensors::new();
    for_each_value(&model.net.backbone, "", &mut |name, shape, values| {
        found.insert(name.to_owned(), (shape.to_vec(), values));
        Ok(())
    })?;
    Ok(found)
}

fn add(sum: &mut Tensors, more: &Tensors) {
    for ((_, sum), (_, more)) in sum.values_mut().zip(more.values()) {
        sum.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
    }
}

/// A model like `like` with the mean of `n` models that are added up.
fn mean(mut like: Model, sum: &Tensors, n: usize) -> Result<Model> {
    let divided = |(name, (shape, sum)): (&String, &(Vec<usize>, Vec<f32>))| (name.clone(), (shape.clone(), sum.iter().map(|x| x / n as f32).collect()));
    restore_values(&mut like.net.backbone, "", &sum.iter().map(divided).collect())?;
    Ok(like)
}
