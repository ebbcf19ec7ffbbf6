//! Sessions: read in any pieces, padded, forked, cut back, with and without a cache, it is one model.

use super::tools::*;
use super::toy::toy;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::*;

const ROWS: [&[u32]; 3] = [&[1, 2, 3, 4, 5], &[6], &[7, 8, 9]];

/// Log-probabilities of the token behind each text, each read alone.
fn next(model: &Model, texts: &[Vec<u32>]) -> Vec<f32> {
    texts.iter().flat_map(|text| values(Session::open_uncached(model, &[text]).unwrap().1)).collect()
}

fn joined(more: &[&[u32]]) -> Vec<Vec<u32>> {
    ROWS.iter().zip(more).map(|(row, more)| [*row, *more].concat()).collect()
}

/// Log-probabilities of the last `n` tokens of a text.
fn last(model: &Model, text: &[u32], n: usize) -> Vec<f32> {
    let scores = score::log_probabilities(model, &[text.to_vec()], 1).unwrap().remove(0);
    scores[scores.len() - n..].to_vec()
}

#[test]
fn rows_may_go_on_by_unequal_numbers_of_tokens() {
    let model = toy(1);
    let more: [&[u32]; 3] = [&[9], &[1, 2, 3], &[4, 5]];
    let (mut session, _) = Session::open(&model, &ROWS).unwrap();
    close(&values(session.extend(&more).unwrap()), &next(&model, &joined(&more)), 1e-5);
    let longer: Vec<Vec<u32>> = joined(&more).into_iter().zip([3, 4, 5]).map(|(text, id)| [text, vec![id]].concat()).collect();
    close(&values(session.push(&[3, 4, 5]).unwrap()), &next(&model, &longer), 1e-5);
}

#[test]
fn without_a_cache_it_is_the_same() {
    let model = toy(1);
    let (mut kept, first) = Session::open(&model, &ROWS).unwrap();
    let (mut anew, other) = Session::open_uncached(&model, &ROWS).unwrap();
    close(&values(first), &values(other), 1e-5);
    for (tokens, order) in [([1, 2, 3], vec![2, 0, 0]), ([4, 5, 6], vec![1, 2, 0])] {
        close(&values(kept.push(&tokens).unwrap()), &values(anew.push(&tokens).unwrap()), 1e-5);
        kept.reorder(&order);
        anew.reorder(&order);
        close(&values(kept.logits().unwrap()), &values(anew.logits().unwrap()), 1e-5);
    }
    assert_eq!((kept.rows(), anew.rows(), kept.length(), anew.length()), (3, 3, 7, 7));
}

#[test]
fn what_is_cut_back_is_forgotten() {
    let model = toy(1);
    for mut session in [Session::open(&model, &ROWS).unwrap().0, Session::open_uncached(&model, &ROWS).unwrap().0] {
        session.extend(&[&[9, 9, 9], &[1, 2, 3], &[4, 5, 0]]).unwrap();
        session.truncate(2).unwrap();
        assert!(session.logits().is_err(), "what comes next is not known");
        assert_eq!(session.length(), 6);
        close(&values(session.push(&[3, 4, 5]).unwrap()), &next(&model, &joined(&[&[9, 3], &[1, 4], &[4, 5]])), 1e-5);
    }
    // Rows that did not grow by the same number of tokens.
    let (mut session, _) = Session::open(&model, &ROWS).unwrap();
    session.score(&[&[9], &[1, 2, 3], &[4, 5]]).unwrap();
    session.truncate(1).unwrap();
    close(&values(session.push(&[3, 4, 5]).unwrap()), &next(&model, &joined(&[&[3], &[1, 2, 4], &[4, 5]])), 1e-5);
    let error = Session::open(&model, &ROWS).unwrap().0.truncate(1).unwrap_err().to_string();
    assert!(error.starts_with("session: expected rows of more than 1 tokens, found 1"), "{error}");
}

#[test]
fn answers_are_scored_behind_a_prompt_that_is_read_once() {
    let model = toy(1);
    let answers: [&[u32]; 3] = [&[9, 0], &[1, 2, 3], &[4]];
    let (mut session, _) = Session::open(&model, &ROWS).unwrap();
    let mut fork = session.clone();
    for ((found, text), answer) in session.score(&answers).unwrap().iter().zip(joined(&answers)).zip(answers) {
        close(found, &last(&model, &text, answer.len()), 1e-5);
    }
    // What was scored was read: writing goes on behind it.
    close(&values(softmaxed(session.logits().unwrap())), &next(&model, &joined(&answers)), 1e-5);
    let found = fork.score(&[&[5], &[6], &[7]]).unwrap();
    for (found, text) in found.iter().zip(joined(&[&[5], &[6], &[7]])) {
        close(found, &last(&model, &text, 1), 1e-5);
    }
    let (mut anew, _) = Session::open_uncached(&model, &ROWS).unwrap();
    for (found, text) in anew.score(&answers).unwrap().iter().zip(joined(&answers)) {
        close(found, &last(&model, &text, found.len()), 1e-5);
    }
}

fn softmaxed(logits: Tensor<2>) -> Tensor<2> {
    burn::tensor::activation::log_softmax(logits, 1)
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let model = toy(1);
    let mut session = Session::open(&model, &ROWS).unwrap().0;
    assert!(session.score(&[&[1], &[], &[2]]).is_err());
    assert!(session.extend(&[&[1]]).unwrap_err().to_string().starts_with("session: expected 3 rows of tokens, found 1"));
    assert!(session.push(&[1, 2, 99]).is_err());
}
