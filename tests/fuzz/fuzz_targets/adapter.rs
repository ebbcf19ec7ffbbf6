//! An adapter folder whose configuration or tensors are any bytes, on a good base.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::LazyLock;
use tongues_builtin as _;
use tongues_io::{Dtype, TensorOut, TensorSpec, hf, tensors};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Draws, Init, Model};

thread_local! {
    static BASE: Model = {
        let mut cx = Bare { device: Device::flex(), draws: Draws::new(0) };
        let config = serde_json::json!({"model_type": "llama", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2});
        let family = hf::family(config.as_object().expect("an object"), Path::new("config.json"), &mut cx).expect("a family");
        Model::without_tokenizer(family.build(&Init { device: Device::flex(), draws: Some(Draws::new(1)) }).expect("a model"))
    };
}

const CONFIG: &str = r#"{"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}"#;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fn good(path: &Path) {
    let tensor = |suffix: &str, shape: [usize; 2]| TensorOut {
        spec: TensorSpec::new(format!("base_model.model.model.layers.0.self_attn.q_proj.{suffix}.weight"), Dtype::F32, shape),
        data: tensors::Data::F32(vec![0.5; shape[0] * shape[1]]),
    };
    tensors::write(path, &[tensor("lora_A", [2, 8]), tensor("lora_B", [8, 2])], &tensors::pt_metadata()).expect("written");
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let (config, weights) = (DIR.path().join("adapter_config.json"), DIR.path().join("adapter_model.safetensors"));
    if kind % 2 == 0 {
        std::fs::write(&config, rest).expect("written");
        good(&weights);
    } else {
        std::fs::write(&config, CONFIG).expect("written");
        std::fs::write(&weights, rest).expect("written");
    }
    BASE.with(|base| {
        let _ = hf::load_adapter(DIR.path(), "fuzzed", &mut base.clone());
    });
});
