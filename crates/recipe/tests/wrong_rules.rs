//! What no schema says: one of several keys, stages and splits; and that all problems are told together.

mod common;

use common::{problems, spoiled, wrong};

#[test]
fn mixtures_have_members_and_leave_the_rest_to_them() {
    let data = |text: &str| spoiled("[data.toy]\nworld = { language = \"pivot\", sentences = 100 }", text);
    let told = |text: &str| problems(&data(text));
    let world = "[data.toy]\nworld = { language = \"pivot\", sentences = 100 }\n";
    assert!(told(&format!("{world}[data.m]\nmix = {{ toy = 0.3, \"corpus.train\" = 1 }}\ntemperature = 2.0\ncaps = {{ toy = 5 }}\nstop = \"all\"")).is_empty());
    assert!(told(&format!("{world}[data.m]\nmix = [\"toy\", \"corpus.train\"]\neach = 7")).is_empty());
    let first = |text: &str| told(&format!("{world}{text}")).first().cloned().unwrap_or_default();
    for (text, expected) in [
        ("temperature = 2.0", "data.toy.temperature: expected a mixture, found a data set without `mix` | take `temperature` out"),
        (
            "[data.m]\nmix = { tay = 0.3, toy = 1 }",
            "data.m.mix.tay: expected the name of a data set: one of corpus.train, corpus.dev, toy, m, found \"tay\" | did you mean \"toy\"?",
        ),
        ("[data.m]\nmix = [\"m\"]", "data.m.mix.0: expected something that does not need this in turn, found a circle through the data set \"m\""),
        ("[data.m]\nmix = { toy = 0 }", "data.m.mix.toy: expected a number more than 0, found 0"),
        ("[data.m]\nmix = []", "data.m.mix: expected at least one member, found none | name the data sets that are mixed"),
        ("[data.m]\nmix = [\"toy\"]\nlimit = 3", "data.m.limit: expected keys of a mixture, found `limit`, which is for single data sets"),
        ("[data.m]\nmix = [\"toy\"]\neach = 3\nstop = \"all\"", "data.m.stop: expected `each` alone, found `each` and `stop` | keep one of them"),
        ("[data.m]\nmix = [\"toy\"]\ncaps = { corpus = 3 }", "data.m.caps.corpus: expected a member of the mixture: one of toy, found \"corpus\""),
        ("[data.m]\nmix = [\"toy\"]\ncaps = 0", "data.m.caps: expected"),
        ("recurate = true", "data.toy.recurate: expected curators to run anew, found none"),
    ] {
        assert!(first(text).contains(expected), "{text}: {:?}", told(&format!("{world}{text}")));
    }
    let found = problems(&spoiled("curate = [{ use = \"dedup\" }]", "curate = [{ use = \"dedup\" }]\nrecurate = true"));
    assert!(found[0].contains("data.corpus.recurate: expected a data set without `split`, found both"), "{found:?}");
}

#[test]
fn files_by_language_have_a_place_for_it() {
    let told = |text: &str| problems(&spoiled("[data.toy]\nworld = { language = \"pivot\", sentences = 100 }", &format!("[data.toy]\n{text}")));
    assert!(told("path = \"x/{language}.txt\"\nlanguages = [\"eus_Latn\", \"swh_Latn\"]").is_empty());
    assert!(told("path = \"x/{language}.txt\"\nlanguages = { eus_Latn = \"eu\" }").is_empty());
    for (text, expected) in [
        ("path = \"x.txt\"\nlanguages = [\"eus_Latn\"]", "data.toy.path: expected a path with `{language}` in it, for `languages`, found none"),
        ("path = \"{language}.txt\"", "data.toy.path: expected `languages` beside a path with `{language}`, found none"),
        ("path = \"{language}.txt\"\nlanguages = []", "data.toy.languages: expected at least one language, found none"),
        ("path = \"{language}.txt\"\nlanguages = [\"a\"]\nlanguage = \"b\"", "data.toy.language: expected `language` or `languages`, found both"),
        ("world = { language = \"pivot\", sentences = 9 }\nlanguages = [\"a\"]", "data.toy.languages: expected keys of a synthetic language"),
    ] {
        assert!(told(text).iter().any(|problem| problem.contains(expected)), "{text}: {:?}", told(text));
    }
}

#[test]
fn batches_are_made_in_one_way() {
    let train = |keys: &str| problems(&spoiled("budget = { steps = 5 }", &format!("budget = {{ steps = 5 }}, {keys}")));
    assert!(train("batches = { pure = \"language\" }, group_by_length = true, save_steps = 5").is_empty());
    assert!(train("batches = { pure = \"language\", balanced = \"language\" }")[0].contains("expected exactly one of pure, balanced"));
    assert!(train("group_by_length = true, packing = true")[0].contains("expected either packing or group_by_length, found both"));
    assert!(problems(&spoiled("[{ use = \"causal-lm\" }]", "[{ use = \"causal-lm\", data = \"tay\" }]"))[0].contains("did you mean \"toy\"?"));
}

#[test]
fn one_of_several_keys() {
    wrong(
        "evaluate = {",
        "export = { model = \"base\" }\nevaluate = {",
        &["r.toml:35:1: stage.score.export: expected exactly one of train, merge, evaluate, generate, export, found evaluate and export | keep one of them"],
    );
    wrong(
        "evaluate = {",
        "evaluat = {",
        &[
            "r.toml:33:1: stage.score: expected exactly one of train, merge, evaluate, generate, export, found none of them",
            "r.toml:35:1: stage.score.evaluat: expected one of name, for, train, merge, evaluate, generate, export, save_dtype, adapters, weights, objectives, found the unknown key `evaluat` | did you mean `evaluate`?",
        ],
    );
    wrong(
        "{ steps = 5 }",
        "{ steps = 5, epochs = 1 }",
        &["r.toml:24:72: stage.adapt.train.budget.epochs: expected exactly one of steps, epochs, tokens, found steps and epochs | keep one of them"],
    );
    wrong("{ steps = 5 }", "{ }", &["r.toml:24:59: stage.adapt.train.budget: expected exactly one of steps, epochs, tokens, found none of them"]);
    wrong("{ steps = 5 }", "{ epochs = 0 }", &["r.toml:24:70: stage.adapt.train.budget.epochs: expected a number more than 0, found 0"]);
    wrong("checkpoint = \"models/base\"", "", &["r.toml:8:1: models.base: expected exactly one of checkpoint, scratch, found none of them"]);
    wrong(
        "checkpoint = \"models/base\"",
        "checkpoint = 3\nscratch = { use = \"llama\", tokenizer = \"t\", hidden_size = 1}",
        &[
            "r.toml:9:14: models.base.checkpoint: expected text in quotes, found 3",
            "r.toml:10:1: models.base.scratch: expected exactly one of checkpoint, scratch, found checkpoint and scratch | keep one of them",
        ],
    );
    wrong("path = \"corpus.tsv\"", "", &["r.toml:14:1: data.corpus: expected exactly one of path, world, mix, found none of them"]);
    wrong(
        "path = \"corpus.tsv\"",
        "path = \"corpus.tsv\"\nworld = { language = \"pivot\", sentences = 1 }",
        &["r.toml:16:1: data.corpus.world: expected exactly one of path, world, mix, found path and world | keep one of them"],
    );
    wrong(
        "world =",
        "format = \"csv\"\nworld =",
        &["r.toml:20:1: data.toy.format: expected keys of a synthetic language, found `format`, which is for files | take `format` out"],
    );
    wrong(
        "world =",
        "columns = [\"text\"]\nworld =",
        &["r.toml:20:1: data.toy.columns: expected keys of a synthetic language, found `columns`, which is for files | take `columns` out"],
    );
    wrong("train = { size = 300, data = \"corpus.train\" }", "", &["r.toml:5:1: tokenizers.t: expected exactly one of file, train, found none of them"]);
    wrong(
        "train = { size = 300, data = \"corpus.train\" }",
        "file = \"a\"\ntrain = { size = 300, data = \"corpus.train\" }",
        &["r.toml:7:1: tokenizers.t.train: expected exactly one of file, train, found file and train | keep one of them"],
    );
}

#[test]
fn stages_and_splits() {
    wrong(
        "objectives = [{ use = \"causal-lm\" }]",
        "",
        &["r.toml:24:1: stage.adapt.train: expected at least one objective, found none | add for example `objectives = [{ use = \"causal-lm\" }]`"],
    );
    wrong(
        "objectives = [{ use = \"causal-lm\" }]",
        "objectives = []",
        &["r.toml:27:1: stage.adapt.objectives: expected at least one objective, found none | add for example `objectives = [{ use = \"causal-lm\" }]`"],
    );
    wrong(
        "generate =",
        "weights = []\ngenerate =",
        &["r.toml:39:1: stage.write.weights: expected a stage with `train`, found a stage that does not train | move `weights` to the stage that trains"],
    );
    wrong(
        "generate =",
        "adapters = [{ use = \"lora\" }]\nobjectives = [{ use = \"causal-lm\" }]\ngenerate =",
        &[
            "r.toml:39:1: stage.write.adapters: expected a stage with `train`, found a stage that does not train | move `adapters` to the stage that trains",
            "r.toml:40:1: stage.write.objectives: expected a stage with `train`, found a stage that does not train | move `objectives` to the stage that trains",
        ],
    );
    wrong(
        "layers = [0, 3]",
        "layers = [3, 0]",
        &["r.toml:26:34: stage.adapt.weights.0.select.layers: expected the first and the last layer, found [3, 0] | write for example `layers = [0, 3]`"],
    );
    let three = problems(&spoiled("layers = [0, 3]", "layers = [0, 3, 4]"));
    assert!(three.iter().any(|p| p.starts_with("r.toml:26:34: stage.adapt.weights.0.select.layers: expected the first and the last layer, found [0, 3, 4]")));
    wrong(
        "split = { dev = 0.1 }",
        "split = { dev = 0.5, test = 0.5 }",
        &["r.toml:17:9: data.corpus.split: expected dev + test less than 1, found 0.5 + 0.5 | leave a share for training"],
    );
    wrong(
        "split = { dev = 0.1 }",
        "split = { dev = 0.95 }",
        &["r.toml:17:17: data.corpus.split.dev: expected a number at least 0 and at most 0.9, found 0.95"],
    );
    wrong("split = { dev = 0.1 }", "split = { dev = 0.4, test = 0.5 }", &[]);
}

#[test]
fn problems_of_all_kinds_are_reported_together_in_the_order_of_their_places() {
    let text = spoiled("sentences = 100", "sentences = 0")
        .replace("seed = 7", "sed = 7")
        .replace("use = \"lora\", r = 8", "use = \"lora\", r = 0")
        .replace("data = \"corpus.dev\"", "data = \"corpus\"")
        .replace("name = \"write\"", "name = \"mix\"");
    let places: Vec<String> = problems(&text).iter().filter_map(|p| p.split(": ").next().map(str::to_owned)).collect();
    assert_eq!(places, ["r.toml:3:1", "r.toml:20:43", "r.toml:25:33", "r.toml:35:78", "r.toml:38:8"]);
}

#[test]
fn no_damage_makes_the_checks_panic() {
    let cuts: Vec<usize> = common::GOOD.char_indices().map(|(i, _)| i).collect();
    let broken = cuts.iter().filter(|i| !problems(&common::GOOD[..**i]).is_empty()).count();
    assert!(broken > cuts.len() / 2, "{broken} of {}", cuts.len());
    for odd in ["[]", "{}", "\"\"", "-1", "1e300", "true", "[[{}]]", "{ use = 3 }", "[{ use = [] }]", "{ train = 1, models = 2 }"] {
        let lines: Vec<&str> = common::GOOD.lines().collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, l)| l.contains(" = ")) {
            let key = line.split(" = ").next().unwrap_or("");
            let spoiled = format!("{key} = {odd}");
            let text = lines.iter().enumerate().map(|(j, l)| if j == i { spoiled.as_str() } else { l }).collect::<Vec<_>>().join("\n");
            let harmless = matches!((key, odd), ("checkpoint" | "path", "\"\"") | ("weights" | "adapters" | "curate", "[]"));
            assert_eq!(problems(&text).is_empty(), harmless, "{spoiled}: {:?}", problems(&text));
        }
    }
}

#[test]
fn options_of_optimisers() {
    let wrong_optimizer = |entry: &str, expected: &str| wrong("{ steps = 5 }", &format!("{{ steps = 5 }}, optimizer = {entry}"), &[expected]);
    let names = r#"one of "adamw", "adafactor", "lion", "muon""#;
    let at = "stage.adapt.train.optimizer";
    wrong_optimizer("\"muom\"", &format!("r.toml:24:86: {at}: expected {names}, found \"muom\" | did you mean \"muon\"?"));
    wrong_optimizer("{ use = \"sgd\" }", &format!("r.toml:24:94: {at}.use: expected {names}, found \"sgd\""));
    wrong_optimizer("{ momentum = 0.9 }", &format!("r.toml:24:86: {at}: expected the key `use`, found only momentum | use: Which."));
    wrong_optimizer("{ use = \"muon\", momentum = 1 }", &format!("r.toml:24:113: {at}.momentum: expected a number at least 0 and less than 1, found 1"));
    wrong_optimizer(
        "{ use = \"lion\", momentum = 0.9 }",
        &format!("r.toml:24:102: {at}.momentum: expected one of beta1, beta2, the options of \"lion\", found `momentum`, of another optimiser | take it out"),
    );
    let found = problems(&spoiled("{ steps = 5 }", "{ steps = 5 }, optimizer = { use = \"muon\", momentun = 0.9 }"));
    assert!(found.len() == 1 && found[0].contains("did you mean `momentum`?"), "{found:?}");
}
