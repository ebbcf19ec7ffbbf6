//! Two models in one decoding step: a decoder that adds their log-probabilities token by token.

use super::reference::{self, Tweaks};
use super::tools::*;
use super::toy::toy;
use tongues_kernel::*;

struct Together {
    models: [ModelRef; 2],
}

fn argmax(row: &[f32]) -> u32 {
    (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap() as u32
}

impl Decoder for Together {
    fn decode(&self, cx: &mut dyn Context, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        let prompts: Vec<&[u32]> = requests.iter().map(|r| r.prompt.as_slice()).collect();
        let (mut first, mut one) = Session::open(&cx.model(&self.models[0])?, &prompts)?;
        let (mut second, mut two) = Session::open(&cx.model(&self.models[1])?, &prompts)?;
        let mut said = vec![Generation::default(); requests.len()];
        for left in (0..limits.max_new_tokens).rev() {
            let width = one.dims()[1];
            let sum = values(one.clone() + two.clone());
            let tokens: Vec<u32> = sum.chunks(width).map(argmax).collect();
            for ((g, token), row) in said.iter_mut().zip(&tokens).zip(sum.chunks(width)).filter(|((g, _), _)| !g.stopped) {
                g.stopped = limits.stop.contains(token);
                if !g.stopped {
                    g.ids.push(*token);
                    g.scores.push(row[*token as usize]);
                }
            }
            if left == 0 || said.iter().all(|g| g.stopped) {
                break;
            }
            (one, two) = (first.push(&tokens)?, second.push(&tokens)?);
        }
        Ok(said)
    }
}

/// The same without a cache, from the plain reference: (ids, scores).
fn by_hand(models: &[reference::Values; 2], prompt: &[u32], limits: &Limits) -> Generation {
    let mut text = prompt.to_vec();
    let mut said = Generation::default();
    for _ in 0..limits.max_new_tokens {
        let row = |m: &reference::Values| reference::softmax(reference::logits(m, &text, &Tweaks::default()).last().unwrap());
        let sum: Vec<f32> = row(&models[0]).iter().zip(row(&models[1])).map(|(a, b)| (a.ln() + b.ln()) as f32).collect();
        let token = argmax(&sum);
        said.stopped = limits.stop.contains(&token);
        if said.stopped {
            break;
        }
        said.ids.push(token);
        said.scores.push(sum[token as usize]);
        text.push(token);
    }
    said
}

#[test]
fn fused_steps_equal_those_recomputed_without_a_cache() {
    let (a, b) = (toy(1), toy(2));
    let decoder = Together { models: ["a", "b"].map(|n| ModelRef(n.into())) };
    let requests: Vec<Request> =
        [vec![1, 2, 3, 4], vec![5], vec![6, 7]].into_iter().enumerate().map(|(id, prompt)| Request { id: id as u64, prompt, ..Request::default() }).collect();
    let values = [&a, &b].map(|m| reference_values(&m.net.backbone));
    for stop in [vec![], vec![4, 8]] {
        let limits = Limits { max_new_tokens: 8, stop, ..Limits::default() };
        let said = decoder.decode(&mut Models::of(&[("a", &a), ("b", &b)]), &requests, &limits).unwrap();
        for (request, found) in requests.iter().zip(&said) {
            let expected = by_hand(&values, &request.prompt, &limits);
            assert_eq!((&found.ids, found.stopped), (&expected.ids, expected.stopped));
            close(&found.scores, &expected.scores, 2e-5);
        }
        let different: std::collections::BTreeSet<_> = said.iter().map(|g| &g.ids).collect();
        assert!(different.len() > 1, "prompts matter");
    }
    assert!(decoder.decode(&mut Models::of(&[("a", &a)]), &requests, &Limits { max_new_tokens: 1, stop: vec![], ..Limits::default() }).is_err());
}

#[test]
fn a_session_forks_and_reorders() {
    let model = toy(1);
    let rows: [&[u32]; 2] = [&[1, 2, 3], &[4]];
    let (mut session, _) = Session::open(&model, &rows).unwrap();
    let mut fork = session.clone();
    fork.reorder(&[1, 1, 0]);
    let expected = |text: &[u32]| -> Vec<f64> {
        let logits = reference::logits(&reference_values(&model.net.backbone), text, &Tweaks::default());
        reference::softmax(logits.last().unwrap()).into_iter().map(f64::ln).collect()
    };
    let found = values(fork.push(&[5, 6, 7]).unwrap());
    close(&found, &[expected(&[4, 5]), expected(&[4, 6]), expected(&[1, 2, 3, 7])].concat(), 2e-5);
    close(&values(session.push(&[8, 9]).unwrap()), &[expected(&[1, 2, 3, 8]), expected(&[4, 9])].concat(), 2e-5);
    assert_eq!((session.rows(), fork.rows(), session.length()), (2, 3, 4));
}
