//! The named places of an encoder.

use crate::config::RobertaConfig;
use tongues_kernel::{Role, Site, SiteInfo, Stack};

/// A place of the encoder.
pub fn at(layer: usize, role: Role) -> Site {
    Site::new(Stack::Encoder, layer, role)
}

/// All places. The last block's output is the final state: there is no norm behind it.
pub fn sites(config: &RobertaConfig) -> Vec<SiteInfo> {
    let (d, f) = (config.hidden_size, config.intermediate_size);
    let info = |layer, role, path: &str, width, weight| SiteInfo { site: at(layer, role), path: path.into(), width, weight };
    let mut sites = vec![
        info(0, Role::Embeddings, "roberta.embeddings.word_embeddings", [1, d], false),
        info(0, Role::EmbeddingsNorm, "roberta.embeddings.LayerNorm", [d, d], false),
    ];
    for layer in 0..config.num_hidden_layers {
        let mut add = |role, name: &str, width, weight| sites.push(info(layer, role, &format!("roberta.encoder.layer.{layer}{name}"), width, weight));
        add(Role::SelfAttention, ".attention", [d, d], false);
        add(Role::Query, ".attention.self.query", [d, d], true);
        add(Role::Key, ".attention.self.key", [d, d], true);
        add(Role::Value, ".attention.self.value", [d, d], true);
        add(Role::Attention, ".attention.self.attention", [d, d], false);
        add(Role::Heads, ".attention.self", [d, d], false);
        add(Role::AttentionOut, ".attention.output.dense", [d, d], true);
        add(Role::AttentionOutNorm, ".attention.output.LayerNorm", [d, d], false);
        add(Role::FeedForward, ".output", [d, d], false);
        add(Role::Up, ".intermediate.dense", [d, f], true);
        add(Role::Activation, ".intermediate", [f, f], false);
        add(Role::Down, ".output.dense", [f, d], true);
        add(Role::FeedForwardOutNorm, ".output.LayerNorm", [d, d], false);
        add(Role::Block, "", [d, d], false);
    }
    sites.push(info(0, Role::Final, "roberta.encoder", [d, d], false));
    sites.push(info(0, Role::Head, "lm_head.decoder", [d, config.vocabulary()], false));
    sites
}
