use super::*;
use tongues_kernel::Sequence;

fn text_example(id: &str, ids: Vec<u32>) -> Example {
    Example::of_text(id, Sequence::of("text", ids, 1.0))
}

fn examples() -> Vec<Example> {
    (0..20).map(|i| text_example(&i.to_string(), vec![i; 1 + (i as usize % 7)])).collect()
}

/// Two languages, five to one, with a column of their names.
fn pool() -> Pool {
    let examples: Vec<Example> = (0..60).map(|i| text_example(&i.to_string(), vec![i; 2 + (i as usize * 5 % 11)])).collect();
    let keys = (0..60).map(|i| if i % 6 == 0 { "b".into() } else { "a".into() }).collect();
    Pool { examples, keys, members: vec![0..40, 40..60] }
}

fn layout(rows: Rows, uniform: Uniform) -> Layout {
    Layout { batch_tokens: 48, row_tokens: 16, rows, uniform, mixture: None }
}

fn feed(layout: Layout) -> Feed<'static> {
    Feed::over(Rc::new(Fixed(Rc::new(pool()))), Draws::new(1), layout).expect("examples")
}

fn one_pass(feed: &mut Feed) -> Vec<Batch> {
    (0..feed.first_pass().batches).map(|_| feed.next_batch().expect("a batch")).collect()
}

fn sorted_ids(batches: &[Batch]) -> Vec<u32> {
    let mut ids: Vec<u32> = batches.iter().flat_map(|b| &b.examples).flat_map(|e| e.sequences.values()).flat_map(Sequence::ids).collect();
    ids.sort_unstable();
    ids
}

fn all_ids(examples: &[Example]) -> Vec<u32> {
    sorted_ids(&[Batch { examples: examples.to_vec() }])
}

/// The languages of a batch's texts, from their ids.
fn languages(batch: &Batch) -> Vec<char> {
    let first = |e: &Example| e.sequences["text"].ids().next().expect("a token");
    batch.examples.iter().map(|e| if first(e).is_multiple_of(6) { 'b' } else { 'a' }).collect()
}

#[test]
fn an_epoch_has_every_token_once_and_rows_fit() {
    for packing in [false, true] {
        let mut feed = Feed::new(examples(), Draws::new(1), 16, 8, packing).expect("examples");
        let batches = one_pass(&mut feed);
        assert_eq!(sorted_ids(&batches), all_ids(&examples()));
        assert!(batches.iter().flat_map(|b| &b.examples).all(|e| e.sequences["text"].len() <= 8));
    }
}

#[test]
fn the_order_depends_on_seed_and_epoch() {
    let ids = |feed: &mut Feed| one_pass(feed).into_iter().flat_map(|b| b.examples).map(|e| e.id).collect::<Vec<_>>();
    let mut feed = Feed::new(examples(), Draws::new(1), 16, 8, false).expect("examples");
    let first = ids(&mut feed);
    assert_ne!(first, ids(&mut feed));
    assert_eq!(first, ids(&mut Feed::new(examples(), Draws::new(1), 16, 8, false).expect("examples")));
    assert_ne!(first, ids(&mut Feed::new(examples(), Draws::new(2), 16, 8, false).expect("examples")));
}

#[test]
fn packing_marks_where_texts_begin() {
    let mut feed = Feed::new(examples(), Draws::new(1), 64, 8, true).expect("examples");
    let batch = feed.next_batch().expect("a batch");
    let row = batch.examples.iter().map(|e| &e.sequences["text"]).find(|s| !s.starts.is_empty()).expect("a packed row");
    let ids: Vec<u32> = row.ids().collect();
    assert!(row.starts.iter().all(|s| ids[*s] != ids[s - 1]));
}

#[test]
fn buckets_waste_less_and_lose_nothing() {
    let (mut plain, mut bucketed) = (feed(layout(Rows::Single, Uniform::Any)), feed(layout(Rows::Bucketed, Uniform::Any)));
    let waste = |f: &Feed| f.first_pass().cells - f.first_pass().tokens;
    assert!(2 * waste(&bucketed) < waste(&plain), "{} {}", waste(&bucketed), waste(&plain));
    assert_eq!(sorted_ids(&one_pass(&mut bucketed)), sorted_ids(&one_pass(&mut plain)));
    let lengths: Vec<usize> = one_pass(&mut bucketed).iter().map(|b| b.tokens() / b.examples.len()).collect();
    assert!(lengths.windows(2).any(|w| w[0] > w[1]) && lengths.windows(2).any(|w| w[0] < w[1]), "batches come by length: {lengths:?}");
}

#[test]
fn every_named_sequence_is_a_rectangle_of_its_own() {
    let row = |n: usize| Sequence::of("text", vec![1; n], 1.0);
    let example = |text: usize, beside: usize| Example { sequences: [("text".into(), row(text)), ("beside".into(), row(beside))].into(), ..Example::default() };
    let batch = Batch { examples: vec![example(3, 5), example(4, 2)] };
    assert_eq!((cells(&batch), batch.tokens()), (2 * (4 + 5), 14));
}

#[test]
fn pure_batches_have_one_value_and_lose_nothing() {
    for rows in [Rows::Packed, Rows::Bucketed, Rows::Single] {
        let batches = one_pass(&mut feed(layout(rows, Uniform::Pure)));
        assert_eq!(sorted_ids(&batches), all_ids(&pool().examples));
        for batch in &batches {
            // A packed row's texts are of one value too.
            let values: Vec<bool> = batch.examples.iter().flat_map(|e| e.sequences["text"].ids()).map(|id| id % 6 == 0).collect();
            assert!(values.iter().all(|v| *v == values[0]), "{values:?}");
        }
        let firsts: Vec<char> = batches.iter().map(|b| languages(b)[0]).collect();
        assert!(firsts.windows(2).filter(|w| w[0] != w[1]).count() > 1, "the values come in blocks: {firsts:?}");
    }
}

#[test]
fn balanced_batches_have_as_many_rows_of_every_value() {
    let batches = one_pass(&mut feed(layout(Rows::Single, Uniform::Balanced)));
    for batch in &batches {
        let found = languages(batch);
        assert_eq!(found.iter().filter(|l| **l == 'a').count() * 2, found.len(), "{found:?}");
    }
    let mut ids = sorted_ids(&batches);
    ids.dedup();
    assert_eq!(ids.len(), 60, "a text was lost");
}

#[test]
fn a_feed_goes_on_from_a_cursor_as_if_nothing_had_happened() {
    let mixture = Mixture { shares: vec![0.4, 0.6], stop: Stop::Total };
    for rows in [Rows::Packed, Rows::Bucketed, Rows::Single] {
        for (uniform, mixture) in [(Uniform::Any, None), (Uniform::Pure, None), (Uniform::Balanced, None), (Uniform::Any, Some(mixture.clone()))] {
            let layout = Layout { mixture, ..layout(rows, uniform) };
            let mut whole = feed(layout.clone());
            let steps = 2 * whole.first_pass().batches + 3;
            let expected: Vec<Batch> = (0..steps).map(|_| whole.next_batch().expect("a batch")).collect();
            for cut in [0, 1, whole.first_pass().batches, steps - 2] {
                let mut first = feed(layout.clone());
                (0..cut).for_each(|_| drop(first.next_batch().expect("a batch")));
                let saved = serde_json::to_string(first.cursor()).expect("JSON");
                let mut second = feed(layout.clone());
                second.seek(&serde_json::from_str(&saved).expect("JSON")).expect("the place");
                for (i, expected) in expected.iter().enumerate().skip(cut) {
                    assert_eq!(second.next_batch().expect("a batch"), *expected, "{rows:?} {uniform:?} batch {i} after a cut at {cut}");
                }
            }
        }
    }
}

#[test]
fn a_place_that_the_data_does_not_have_is_refused() {
    let cursor = Cursor { epoch: 0, given: 1000, members: vec![] };
    let error = feed(layout(Rows::Single, Uniform::Any)).seek(&cursor).expect_err("other data").to_string();
    assert!(error.contains("at least 1000 batches") && error.contains("the data has changed"), "{error}");
}

/// Other examples in every pass, as after curating anew.
struct Anew;

impl Source for Anew {
    fn pool(&self, epoch: u64) -> Result<Rc<Pool>> {
        Ok(Rc::new(Pool::of((0..5).map(|i| text_example(&i.to_string(), vec![epoch as u32; 4])).collect())))
    }
}

#[test]
fn every_pass_asks_its_source_again() {
    let mut feed = Feed::over(Rc::new(Anew), Draws::new(1), layout(Rows::Single, Uniform::Any)).expect("examples");
    let passes: Vec<Vec<u32>> = (0..3).map(|_| sorted_ids(&one_pass(&mut feed))).collect();
    assert_eq!(passes, [vec![0; 20], vec![1; 20], vec![2; 20]]);
}

#[test]
fn no_example_is_an_error() {
    assert!(Feed::new(vec![], Draws::new(1), 8, 8, true).is_err());
}
