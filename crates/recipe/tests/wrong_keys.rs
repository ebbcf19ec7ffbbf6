//! Wrong keys, values, names and plugins, and what is said of them. Each case spoils one piece of the good recipe.

mod common;

use common::{problems, wrong};

#[test]
fn the_good_recipe_has_no_problem() {
    assert_eq!(problems(common::GOOD), Vec::<String>::new());
}

#[test]
fn types_and_keys() {
    wrong(
        "seed = 7",
        "seed = ",
        &["r.toml:3:8: expected TOML, found a syntax error: string values must be quoted, expected literal string | see https://toml.io for the syntax"],
    );
    wrong("seed = 7", "seed = 1\nseed = 2", &["r.toml:4:1: expected TOML, found a syntax error: duplicate key | see https://toml.io for the syntax"]);
    wrong(
        "seed = 7",
        "sed = 7",
        &[
            "r.toml:3:1: sed: expected one of recipe, name, description, seed, language, tokenizers, models, data, formats, stage, found the unknown key `sed` | did you mean `seed`?",
        ],
    );
    wrong("seed = 7", "seed = -1", &["r.toml:3:8: seed: expected a number at least 0, found -1"]);
    wrong("seed = 7", "seed = 1.5", &["r.toml:3:8: seed: expected a whole number, found 1.5"]);
    wrong("recipe = 1", "recipe = 2", &["r.toml:1:10: recipe: expected a number at least 1 and at most 1, found 2"]);
    wrong(
        "recipe = 1\n",
        "",
        &["r.toml:1:1: expected the key `recipe`, found only name, seed, tokenizers, models, data, stage | recipe: Version of the recipe grammar; 1."],
    );
    wrong(
        "seed = 7",
        "seed = 2024-01-01",
        &["r.toml:3:8: seed: expected text, a number, true or false, a list or a table, found a date or time | write it in quotes: \"2024-01-01\""],
    );
    wrong("seed = 7", "seed = inf", &["r.toml:3:8: seed: expected a finite number, found inf | write a number such as 0.5 or 1e-4"]);
    wrong("limit = 9", "limit = 0", &["r.toml:35:100: stage.score.evaluate.on.0.limit: expected a number at least 1, found 0"]);
    wrong(
        "train = { model = \"base\", ",
        "train = { ",
        &[
            "r.toml:24:9: stage.adapt.train: expected the key `model`, found only data, budget, learning_rate | model: The model to start from: a name under `[models]` or an earlier stage.",
        ],
    );
    wrong(
        "learning_rate = 1e-3",
        "learning_rate = 1e-3, schedule = \"cosin\"",
        &["r.toml:24:107: stage.adapt.train.schedule: expected one of \"constant\", \"linear\", \"cosine\", found \"cosin\" | did you mean \"cosine\"?"],
    );
    wrong(
        "learning_rate = 1e-3",
        "learning_rate = 1e-3, beta1 = 1",
        &["r.toml:24:104: stage.adapt.train.beta1: expected a number at least 0 and less than 1, found 1"],
    );
    wrong("select = \"*\"", "select = 3", &["r.toml:26:71: stage.adapt.weights.1.select: expected text in quotes or a table, found 3"]);
    wrong(
        "select = \"*\"",
        "select = { rol = 3 }",
        &["r.toml:26:73: stage.adapt.weights.1.select.rol: expected one of role, layers, found the unknown key `rol` | did you mean `role`?"],
    );
    wrong(
        "language = \"pivot\"",
        "language = \"pivo\"",
        &[
            "r.toml:20:22: data.toy.world.language: expected one of \"pivot\", \"kindred\", \"derived\", \"distant\", \"remote\", found \"pivo\" | did you mean \"pivot\"?",
        ],
    );
    wrong(
        "[[stage]]\nname = \"write\"",
        "[[stag]]\nname = \"write\"",
        &[
            "r.toml:37:3: stag: expected one of recipe, name, description, seed, language, tokenizers, models, data, formats, stage, found the unknown key `stag` | did you mean `stage`?",
        ],
    );
}

#[test]
fn names() {
    wrong(
        "name = \"basque\"",
        "name = \"../b\"",
        &["r.toml:2:8: name: expected a name of letters A-Z a-z, digits and . _ -, not beginning with a dot, found \"../b\" | rename it"],
    );
    wrong(
        "[data.toy]",
        "[data.\"to.y\"]",
        &["r.toml:19:7: data.to.y: expected a name of letters A-Z a-z, digits and _ -, not beginning with a dot, found \"to.y\" | rename it"],
    );
    wrong(
        "[data.toy]",
        "[data.\"tö\"]",
        &["r.toml:19:7: data.tö: expected a name of letters A-Z a-z, digits and _ -, not beginning with a dot, found \"tö\" | rename it"],
    );
    wrong(
        "[models.fresh]",
        "[models.\"fre/sh\"]",
        &["r.toml:11:9: models.fre/sh: expected a name of letters A-Z a-z, digits and . _ -, not beginning with a dot, found \"fre/sh\" | rename it"],
    );
    wrong(
        "[tokenizers.t]",
        "[tokenizers.\"\"]",
        &[
            "r.toml:5:13: tokenizers.: expected a name of letters A-Z a-z, digits and . _ -, not beginning with a dot, found \"\" | rename it",
            "r.toml:12:40: models.fresh.scratch.tokenizer: expected the name of a tokenizer, or of a model that has one: one of base, fresh, adapt, mix, found \"t\" | describe it under [tokenizers.t]",
        ],
    );
    wrong(
        "name = \"write\"",
        "name = \"adapt\"",
        &["r.toml:38:8: stage.adapt.name: expected a name of its own for every stage, found \"adapt\" a second time | rename the stage"],
    );
    wrong(
        "name = \"write\"",
        "name = \"base\"",
        &["r.toml:38:8: stage.base.name: expected a name that no model has, found \"base\", which is also [models.base] | rename the stage"],
    );
    wrong(
        "name = \"write\"",
        "name = \"a/b\"",
        &["r.toml:38:8: stage.a/b.name: expected a name of letters A-Z a-z, digits and . _ -, not beginning with a dot, found \"a/b\" | rename it"],
    );
    wrong(
        "name = \"write\"",
        "name = \"..\"",
        &["r.toml:38:8: stage....name: expected a name of letters A-Z a-z, digits and . _ -, not beginning with a dot, found \"..\" | rename it"],
    );
    wrong(
        "name = \"write\"\n",
        "",
        &["r.toml:37:1: stage.3: expected the key `name`, found only generate | name: Name of the stage and of the model it makes."],
    );
}

#[test]
fn plugins() {
    wrong(
        "use = \"lora\"",
        "use = \"lorra\"",
        &[
            "r.toml:25:21: stage.adapt.adapters.0.use: expected a registered adapter plugin: one of lora, prefix, found \"lorra\" | did you mean \"lora\"? `tongues plugins` lists all",
        ],
    );
    wrong(
        "use = \"dedup\"",
        "use = \"zzzzzz\"",
        &["r.toml:16:19: data.corpus.curate.0.use: expected a registered curator plugin: one of dedup, filter, found \"zzzzzz\" | `tongues plugins` lists all"],
    );
    wrong(
        "use = \"llama\"",
        "use = \"lama\"",
        &[
            "r.toml:12:19: models.fresh.scratch.use: expected a registered backbone plugin: one of llama, found \"lama\" | did you mean \"llama\"? `tongues plugins` lists all",
        ],
    );
    wrong(
        "use = \"causal-lm\"",
        "use = \"causal_lm\"",
        &[
            "r.toml:27:23: stage.adapt.objectives.0.use: expected a registered objective plugin: one of causal-lm, distil, found \"causal_lm\" | did you mean \"causal-lm\"? `tongues plugins` lists all",
        ],
    );
    wrong(
        "use = \"linear\"",
        "use = \"linea\"",
        &[
            "r.toml:31:17: stage.mix.merge.use: expected a registered merger plugin: one of linear, found \"linea\" | did you mean \"linear\"? `tongues plugins` lists all",
        ],
    );
    wrong(
        "use = \"sampling\"",
        "use = \"samplin\"",
        &[
            "r.toml:39:67: stage.write.generate.decode.use: expected a registered decoder plugin: one of sampling, found \"samplin\" | did you mean \"sampling\"? `tongues plugins` lists all",
        ],
    );
    wrong(
        "use = \"bits-per-byte\"",
        "use = \"bits\"",
        &[
            "r.toml:35:54: stage.score.evaluate.on.0.use: expected a registered evaluator plugin: one of bits-per-byte, chrf, found \"bits\" | `tongues plugins` lists all",
        ],
    );
    wrong("r = 8", "rr = 8", &["r.toml:25:29: stage.adapt.adapters.0.rr: expected one of r, dropout, init, found the unknown key `rr` | did you mean `r`?"]);
    wrong("r = 8", "r = 0", &["r.toml:25:33: stage.adapt.adapters.0.r: expected a number at least 1, found 0"]);
    wrong(
        "r = 8",
        "init = \"zer\"",
        &["r.toml:25:36: stage.adapt.adapters.0.init: expected one of \"zero\", \"random\", found \"zer\" | did you mean \"zero\"?"],
    );
    wrong(
        "hidden_size = 64",
        "hidden = 64",
        &[
            "r.toml:12:11: models.fresh.scratch: expected the key `hidden_size`, found only hidden",
            "r.toml:12:45: models.fresh.scratch.hidden: expected one of hidden_size, found the unknown key `hidden`",
        ],
    );
    wrong("limit = 9", "colour = 0", &["r.toml:35:92: stage.score.evaluate.on.0.colour: expected no options, found the unknown key `colour`"]);
    wrong("shares = [0.5, 0.5]", "shares = 1", &["r.toml:31:64: stage.mix.merge.shares: expected a list, found 1"]);
    wrong(
        "{ use = \"lora\", r = 8 }",
        "{ r = 8 }",
        &["r.toml:25:13: stage.adapt.adapters.0: expected the key `use`, found only r | use: The plugin's name; `tongues plugins` lists them."],
    );
    wrong(
        "use = \"bits-per-byte\"",
        "use = \"chrf\", decode = { use = \"samplin\" }",
        &[
            "r.toml:35:79: stage.score.evaluate.on.0.decode.use: expected a registered decoder plugin: one of sampling, found \"samplin\" | did you mean \"sampling\"? `tongues plugins` lists all",
        ],
    );
    wrong(
        "use = \"bits-per-byte\"",
        "use = \"chrf\", decode = { use = \"sampling\", temperature = 0 }",
        &["r.toml:35:105: stage.score.evaluate.on.0.decode.temperature: expected a number more than 0, found 0"],
    );
    wrong(
        "use = \"causal-lm\"",
        "use = \"distil\", teacher = { modl = \"base\" }",
        &["r.toml:27:45: stage.adapt.objectives.0.teacher.modl: expected one of model, data, found the unknown key `modl` | did you mean `model`?"],
    );
}

#[test]
fn an_empty_text_lacks_everything() {
    let expected: Vec<String> = problems("").iter().filter_map(|p| p.split(" | ").next().map(str::to_owned)).collect();
    let lacks = |key: &str| format!("r.toml:1:1: expected the key `{key}`, found nothing");
    assert_eq!(expected, [lacks("recipe"), lacks("name"), lacks("stage")]);
}
