//! Paper files and what is wrong with them.

use super::Toy;
use crate::repro::paper;

fn told(find: &str, by: &str) -> String {
    let toy = Toy::new();
    toy.replace("recipes/papers/toy.toml", find, by);
    paper::read(toy.folder.path(), "toy").map(|_| String::new()).unwrap_or_else(|e| format!("{e:#}"))
}

#[test]
fn ordinary_recipes_are_no_papers() {
    let toy = Toy::new();
    assert_eq!(paper::slugs(toy.folder.path()).expect("a list"), ["toy"]);
    let told = format!("{:#}", paper::read(toy.folder.path(), "ordinary").expect_err("refused"));
    assert!(told.contains("ordinary.toml: a paper file (`repro = 1`) was expected, found none; there are toy"), "{told}");
}

#[test]
fn wrong_keys_and_names_are_told_with_their_place() {
    let cases = [
        ("margin = 0.05", "margins = 0.05", "unknown field `margins`"),
        ("slug = \"toy\"", "slug = \"tin\"", "slug = \"tin\": the file's name \"toy\" was expected"),
        ("left = \"best\"", "left = \"bset\"", "[[claim]] helps: arm \"bset\" is none of plain, method, variant, shuffled"),
        ("left = \"best\"", "left = \"best:tset\"", "[[claim]] helps: metric \"tset\" is none of test, dev"),
        ("right = \"plain\"\nmargin = 0.05", "margin = 0.05", "[[claim]] helps: one of `right` and `value` was expected"),
        ("margin = 0.05", "margin = nan", "[[claim]] helps: finite numbers were expected"),
        ("published = \"+20\"", "published = \"\"", "`text`, `published` and `source` were expected"),
        ("recipe = \"variant.toml\"", "recipe = \"lost.toml\"", "a file recipes/papers/toy/lost.toml was expected"),
        ("between = [0.2, 0.8]", "", "one of `between` and `above` was expected"),
        ("arm = [\"steps=1\"]", "arm = [\"x={bsae}\"]", "{bsae} is none of seed, slug, base"),
        ("name = \"variant\"", "name = \"method\"", "[[arm and best]] method: a name of its own was expected"),
        ("stage = \"base\"", "stage = \"base\"\nset = [\"x={base}\"]", "[bases.base]: it needs itself"),
        ("values = [0.01, 0.1, 0.5]", "values = [0.1]", "[grid] values: at least two finite numbers"),
    ];
    for (find, by, expected) in cases {
        let told = told(find, by);
        assert!(told.contains(expected) && told.contains("recipes/papers/toy.toml"), "{expected} in\n{told}");
    }
    let both = told("margin = -0.006", "margin = inf\nvalue = 0.5");
    assert_eq!(both.lines().filter(|l| l.contains("[[claim]] open")).count(), 2, "{both}");
}

#[test]
fn metrics_that_no_recipe_scores_are_told_for_their_scale() {
    let toy = Toy::new();
    let read = || paper::read(toy.folder.path(), "toy").map_err(|e| format!("{e:#}"));
    let arms = |text: &str| ["plain", "method", "variant", "shuffled"].iter().for_each(|arm| toy.write(&format!("recipes/papers/toy/{arm}.toml"), text));
    read().unwrap();
    arms("recipe = 1\n");
    assert!(read().unwrap_err().contains("[[metric]] test: recipes/papers/toy/plain.toml was expected to score evaluator choice, data test, at scale"));
    arms(&super::SCORES.replace("choice\", data = \"dev", "number\", data = \"dev"));
    let told = read().unwrap_err();
    assert!(told.contains("[[metric]] dev: recipes/papers/toy/") && !told.contains("[[metric]] test"), "{told}");
    // A scale may score a metric otherwise; every scale needs to, since the recipes are the same for all.
    let paper = std::fs::read_to_string(toy.folder.path().join("recipes/papers/toy.toml")).unwrap();
    let scales: Vec<&str> = ["smoke", "mini", "full"].into_iter().filter(|s| paper.contains(&format!("[scales.{s}]"))).collect();
    for scale in &scales {
        toy.replace("recipes/papers/toy.toml", &format!("[scales.{scale}]"), &format!("[scales.{scale}]\nmetrics = {{ dev = {{ evaluator = \"number\" }} }}"));
    }
    read().unwrap();
    toy.replace("recipes/papers/toy.toml", &format!("[scales.{}]\nmetrics = {{ dev", scales[0]), &format!("[scales.{}]\nmetrics = {{ dve", scales[0]));
    let told = read().unwrap_err();
    assert!(told.contains("metrics.dve: the name of a metric was expected"), "{told}");
}
