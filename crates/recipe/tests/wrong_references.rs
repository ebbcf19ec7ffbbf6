//! References to what is not there, or not there in time.

mod common;

use common::{problems, spoiled, wrong};

#[test]
fn data_references() {
    wrong(
        "data = \"corpus.train\", budget",
        "data = \"corpus\", budget",
        &[
            "r.toml:24:34: stage.adapt.train.data: expected a part of the data set, for it is split, found the bare name \"corpus\" | write `corpus.train` or `corpus.dev`",
        ],
    );
    wrong(
        "data = \"corpus.train\", budget",
        "data = \"corpus.test\", budget",
        &[
            "r.toml:24:34: stage.adapt.train.data: expected a part that has records: one of corpus.train, corpus.dev, found \"corpus.test\", whose share is 0 | give it a share under [data.corpus]: `split = { test = 0.1 }`",
        ],
    );
    wrong(
        "data = \"corpus.train\", budget",
        "data = \"toy.train\", budget",
        &[
            "r.toml:24:34: stage.adapt.train.data: expected \"toy\", for this data set has no split, found \"toy.train\" | write `toy`, or cut it: `split = { dev = 0.1 }` under [data.toy]",
        ],
    );
    wrong(
        "data = \"corpus.train\", budget",
        "data = \"copus.train\", budget",
        &[
            "r.toml:24:34: stage.adapt.train.data: expected the name of a data set: one of corpus.train, corpus.dev, toy, found \"copus.train\" | did you mean \"corpus.train\"?",
        ],
    );
    wrong(
        "data = \"corpus.train\", budget",
        "data = \"nothing\", budget",
        &[
            "r.toml:24:34: stage.adapt.train.data: expected the name of a data set: one of corpus.train, corpus.dev, toy, found \"nothing\" | describe it under [data.nothing]",
        ],
    );
    wrong(
        "size = 300, data = \"corpus.train\"",
        "size = 300, data = \"corpus\"",
        &[
            "r.toml:6:30: tokenizers.t.train.data: expected a part of the data set, for it is split, found the bare name \"corpus\" | write `corpus.train` or `corpus.dev`",
        ],
    );
    wrong(
        "data = \"corpus.dev\"",
        "data = \"corpus.tset\"",
        &[
            "r.toml:35:78: stage.score.evaluate.on.0.data: expected the name of a data set: one of corpus.train, corpus.dev, toy, found \"corpus.tset\" | did you mean \"corpus.dev\"?",
        ],
    );
    wrong(
        "use = \"causal-lm\"",
        "use = \"distil\", teacher = { model = \"base\", data = \"toi\" }",
        &[
            "r.toml:27:68: stage.adapt.objectives.0.teacher.data: expected the name of a data set: one of corpus.train, corpus.dev, toy, found \"toi\" | did you mean \"toy\"?",
        ],
    );
}

#[test]
fn model_references() {
    wrong(
        "train = { model = \"base\"",
        "train = { model = \"bas\"",
        &[
            "r.toml:24:19: stage.adapt.train.model: expected the name of a model or of an earlier stage: one of base, fresh, found \"bas\" | did you mean \"base\"?",
        ],
    );
    wrong(
        "train = { model = \"base\"",
        "train = { model = \"mix\"",
        &[
            "r.toml:24:19: stage.adapt.train.model: expected a model or an earlier stage: one of base, fresh, found \"mix\", a stage that has not run by then | move it up, above what uses it",
        ],
    );
    wrong(
        "train = { model = \"base\"",
        "train = { model = \"adapt\"",
        &[
            "r.toml:24:19: stage.adapt.train.model: expected a model or an earlier stage: one of base, fresh, found \"adapt\", this very stage | a stage starts from what was made before it",
        ],
    );
    wrong(
        "train = { model = \"base\"",
        "train = { model = \"ad*\"",
        &[
            "r.toml:24:19: stage.adapt.train.model: expected one name: one of base, fresh, found the pattern \"ad*\" | patterns are for the models of `evaluate`",
        ],
    );
    wrong(
        "model = \"mix\"",
        "model = \"score\"",
        &[
            "r.toml:39:22: stage.write.generate.model: expected a model or an earlier stage: one of base, fresh, adapt, mix, found \"score\", a stage that makes no model | only train, merge and export make one",
        ],
    );
    wrong(
        "models = [\"base\", \"adapt\"]",
        "models = [\"base\", \"write\"]",
        &[
            "r.toml:31:45: stage.mix.merge.models.1: expected a model or an earlier stage: one of base, fresh, adapt, found \"write\", a stage that makes no model | only train, merge and export make one",
        ],
    );
    wrong(
        "models = [\"base\", \"adapt\"]",
        "models = [\"base\", \"ad*\"]",
        &[
            "r.toml:31:45: stage.mix.merge.models.1: expected one name: one of base, fresh, adapt, found the pattern \"ad*\" | patterns are for the models of `evaluate`",
        ],
    );
    wrong(
        "\"ad*\"",
        "\"bd*\"",
        &[
            "r.toml:35:32: stage.score.evaluate.models.1: expected a pattern that matches one of base, fresh, adapt, mix, found \"bd*\", which matches nothing | only models and earlier stages that train, merge or export can be matched",
        ],
    );
    wrong(
        "\"ad*\"",
        "\"wr*\"",
        &[
            "r.toml:35:32: stage.score.evaluate.models.1: expected a pattern that matches one of base, fresh, adapt, mix, found \"wr*\", which matches nothing | only models and earlier stages that train, merge or export can be matched",
        ],
    );
    wrong("\"ad*\"", "\"*t\", \"m*x\", \"*\"", &[]);
    wrong(
        "use = \"causal-lm\"",
        "use = \"distil\", teacher = \"bas\"",
        &[
            "r.toml:27:43: stage.adapt.objectives.0.teacher: expected the name of a model or of an earlier stage: one of base, fresh, found \"bas\" | did you mean \"base\"?",
        ],
    );
    wrong(
        "use = \"causal-lm\"",
        "use = \"distil\", teacher = { model = \"mix\", data = \"toy\" }",
        &[
            "r.toml:27:53: stage.adapt.objectives.0.teacher.model: expected a model or an earlier stage: one of base, fresh, found \"mix\", a stage that has not run by then | move it up, above what uses it",
        ],
    );
    wrong(
        "use = \"dedup\"",
        "use = \"filter\", model = \"adapt\"",
        &[
            "r.toml:16:37: data.corpus.curate.0.model: expected a model or an earlier stage: one of base, fresh, found \"adapt\", a stage, which runs only after this is ready | name one of [models]",
        ],
    );
    wrong("use = \"dedup\"", "use = \"filter\", model = \"base\"", &[]);
}

#[test]
fn tokenizer_references_and_circles() {
    wrong(
        "tokenizer = \"t\"",
        "tokenizer = \"u\"",
        &[
            "r.toml:12:40: models.fresh.scratch.tokenizer: expected the name of a tokenizer, or of a model that has one: one of t, base, fresh, adapt, mix, found \"u\" | did you mean \"t\"?",
        ],
    );
    wrong(
        "tokenizer = \"t\"",
        "tokenizer = \"unknown\"",
        &[
            "r.toml:12:40: models.fresh.scratch.tokenizer: expected the name of a tokenizer, or of a model that has one: one of t, base, fresh, adapt, mix, found \"unknown\" | describe it under [tokenizers.unknown]",
        ],
    );
    wrong(
        "tokenizer = \"t\"",
        "tokenizer = \"score\"",
        &[
            "r.toml:12:40: models.fresh.scratch.tokenizer: expected a model or an earlier stage: one of base, fresh, adapt, mix, found \"score\", a stage that makes no model | only train, merge and export make one",
        ],
    );
    wrong("tokenizer = \"t\"", "tokenizer = \"base\"", &[]);
    wrong("tokenizer = \"t\"", "tokenizer = \"adapt\"", &[]);
    wrong(
        "tokenizer = \"t\"",
        "tokenizer = \"fresh\"",
        &[
            "r.toml:12:40: models.fresh.scratch.tokenizer: expected something that does not need this in turn, found a circle through the model \"fresh\" | break the circle at one of its references",
        ],
    );
    wrong(
        "use = \"dedup\"",
        "use = \"filter\", model = \"fresh\"",
        &[
            "r.toml:6:30: tokenizers.t.train.data: expected something that does not need this in turn, found a circle through the data set \"corpus\" | break the circle at one of its references",
        ],
    );
}

#[test]
fn a_tokenizer_of_a_stage_must_be_made_before_the_model_is_used() {
    let text = spoiled("tokenizer = \"t\"", "tokenizer = \"adapt\"").replace("train = { model = \"base\"", "train = { model = \"fresh\"");
    let expected = "r.toml:12:40: models.fresh.scratch.tokenizer: expected a stage before \"adapt\", which uses the model \"fresh\", found \"adapt\" \
                    | name an earlier stage, or change the order of the stages";
    assert_eq!(problems(&text), [expected]);
    let later = spoiled("tokenizer = \"t\"", "tokenizer = \"adapt\"").replace("generate = { model = \"mix\"", "generate = { model = \"fresh\"");
    assert_eq!(problems(&later), Vec::<String>::new());
}
