//! Verdicts on families of claims, and what is refused.

use tongues_judge::{ALPHA, Better, Claim, Judgement, LOOKS, Seed, Shape, Verdict, judge};

/// Effects around `mean` with standard deviation about 1.
const AROUND: [f64; 10] = [-1.0, 1.0, 0.2, -0.8, 0.6, 1.2, -1.3, 0.1, -0.4, 0.4];

fn claim(id: &str, mean: f64, n: usize) -> Claim {
    let seeds = AROUND[..n].iter().enumerate().map(|(i, a)| Seed { seed: i as u64 + 1, effect: Some(mean + a) }).collect();
    Claim { id: id.into(), margin: 0.5, seeds }
}

fn verdicts(judged: &[Judgement]) -> Vec<Verdict> {
    judged.iter().map(|j| j.verdict).collect()
}

#[test]
fn above_below_and_between() {
    let judged = judge(&[claim("a", 9.0, 5), claim("b", -9.0, 5), claim("c", 0.6, 5)]).expect("judged");
    assert_eq!(verdicts(&judged), [Verdict::Holds, Verdict::Fails, Verdict::Inconclusive]);
    let figures = |i: usize| judged[i].estimate.clone().expect("figures");
    assert!(figures(0).low > 0.5 && figures(1).high < 0.5);
    assert!(figures(2).low < 0.5 && figures(2).high > 0.5 && figures(2).smallest_effect > Some(1.0));
    assert!(judged.iter().all(|j| j.look == 1));
}

#[test]
fn the_interval_says_what_the_verdict_says() {
    for step in 0..80 {
        let mean = -4.0 + 0.1 * f64::from(step);
        for n in [5, 10] {
            let judged = judge(&[claim("a", mean, n), claim("b", 1.0 - mean, n), claim("c", 3.0, n)]).expect("judged");
            for j in judged {
                let figures = j.estimate.expect("figures");
                assert_eq!((figures.low > 0.5, figures.high < 0.5), (j.verdict == Verdict::Holds, j.verdict == Verdict::Fails), "{mean} {n}");
            }
        }
    }
}

#[test]
fn each_look_and_side_has_its_part_of_alpha() {
    assert_eq!(LOOKS.iter().map(|l| l.alpha).sum::<f64>(), ALPHA);
    let figures = judge(&[claim("a", 0.6, 10)]).expect("judged")[0].estimate.clone().expect("figures");
    assert_eq!((figures.n, figures.level_holds, figures.level_fails), (10, 0.0125, 0.0125));
}

#[test]
fn the_second_look_is_for_what_the_first_left_open() {
    // Seeds 6 to 10 say the opposite; a decided claim does not ask them.
    let mut turned = claim("decided", 9.0, 10);
    turned.seeds[5..].iter_mut().for_each(|s| s.effect = Some(-50.0));
    let judged = judge(&[turned, claim("open", 0.6, 10)]).expect("judged");
    assert_eq!(judged.iter().map(|j| (j.verdict, j.look)).collect::<Vec<_>>(), [(Verdict::Holds, 1), (Verdict::Inconclusive, 2)]);
}

#[test]
fn a_claim_that_the_other_side_decided_stays_in_the_divisor() {
    let judged = judge(&[claim("fails", -9.0, 10), claim("open", 0.6, 10)]).expect("judged");
    let figures = judged[1].estimate.clone().expect("figures");
    assert_eq!((figures.level_holds, figures.level_fails), (0.0125 / 2.0, 0.0125));
}

#[test]
fn failed_seeds_are_named_and_stay_in_the_family() {
    let mut broken = claim("broken", 9.0, 5);
    broken.seeds[2].effect = None;
    let judged = judge(&[broken, claim("open", 0.6, 5)]).expect("judged");
    assert_eq!((judged[0].verdict, judged[0].why.as_str()), (Verdict::NotJudged, "no effect in seed 3: a run failed, or a metric has no value"));
    assert_eq!(judged[1].estimate.clone().expect("figures").level_holds, 0.0125 / 2.0);
}

#[test]
fn seeds_that_do_not_differ_are_not_judged() {
    let mut same = claim("same", 0.0, 5);
    same.seeds.iter_mut().for_each(|s| s.effect = Some(2.0));
    let judged = judge(&[same]).expect("judged");
    assert_eq!(judged[0].verdict, Verdict::NotJudged);
    assert!(judged[0].why.contains("seeds that differ"), "{}", judged[0].why);
}

#[test]
fn fewer_than_five_seeds_are_smoke() {
    let judged = judge(&[claim("a", 9.0, 4)]).expect("judged");
    assert_eq!((judged[0].verdict, judged[0].look, judged[0].estimate.is_none()), (Verdict::Smoke, 0, true));
    assert!(judge(&[]).expect("nothing").is_empty());
}

#[test]
fn other_numbers_of_seeds_and_numbers_without_value_are_refused() {
    let told = |claims: &[Claim]| judge(claims).expect_err("refused").to_string();
    assert!(told(&[claim("a", 1.0, 7)]).starts_with("seeds: expected 5 or 10, found 7"));
    let mut wrong = claim("a", 1.0, 5);
    wrong.seeds[3].effect = Some(f64::NAN);
    assert!(told(&[wrong.clone()]).starts_with("claim a, seed 4: expected a finite effect, found NaN"));
    wrong.seeds[3] = Seed { seed: 1, effect: Some(1.0) };
    assert!(told(&[wrong.clone()]).starts_with("claim a, seed 1: expected every seed once"));
    wrong.seeds[3].seed = 77;
    assert!(told(&[claim("b", 1.0, 5), wrong]).starts_with("claim a: expected seeds [1, 2, 3, 4, 5]"));
    assert!(told(&[Claim { margin: f64::INFINITY, ..claim("a", 1.0, 5) }]).starts_with("claim a: expected a finite margin"));
}

#[test]
fn effects_count_in_the_direction_of_the_claim() {
    let of = |name: &&str| [("a", 3.0), ("b", 1.0), ("c", 0.5), ("d", 0.25)].into_iter().find(|(n, _)| n == name).map(|(_, v)| v);
    let difference = Shape::Difference { left: "a", right: "b" };
    assert_eq!((difference.effect(Better::Higher, of), difference.effect(Better::Lower, of)), (Some(2.0), Some(-2.0)));
    let number = Shape::Number { left: "a", value: 2.5 };
    assert_eq!((number.effect(Better::Higher, of), number.effect(Better::Lower, of)), (Some(0.5), Some(-0.5)));
    let vanishing = Shape::Vanishing { left: "a", right: "b", other_left: "c", other_right: "d" };
    assert_eq!((vanishing.effect(Better::Higher, of), vanishing.sources()), (Some(1.75), vec![&"a", &"b", &"c", &"d"]));
    assert_eq!(Shape::Difference { left: "a", right: "x" }.effect(Better::Higher, of), None);
}
