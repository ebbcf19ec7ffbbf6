//! Names of places in a network. A backbone maps each to its own Hugging Face path.

use crate::{Result, refuse};
use serde_json::{Map, Value as Json};
use std::ops::Range;

/// A tower of blocks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Stack {
    /// A decoder of text (the only stack of a decoder-only model).
    Decoder,
    /// An encoder of text.
    Encoder,
    /// An encoder of images.
    Vision,
    /// An encoder of sound.
    Audio,
}

/// What a place is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Role {
    /// Token embeddings, before the first block.
    Embeddings,
    /// The query projection.
    Query,
    /// The key projection.
    Key,
    /// The value projection.
    Value,
    /// Queries, keys and values in one projection.
    QueryKeyValue,
    /// The attention of all heads: scores, mask, softmax, weighted sum.
    Attention,
    /// The heads' outputs side by side, before the output projection.
    Heads,
    /// The attention's output projection.
    AttentionOut,
    /// The gate projection of a gated feed-forward layer.
    Gate,
    /// The up projection.
    Up,
    /// The activations between up and down.
    Activation,
    /// The down projection.
    Down,
    /// The whole self-attention sub-layer, without the residual.
    SelfAttention,
    /// The whole feed-forward sub-layer, without the residual.
    FeedForward,
    /// A whole block, with its residuals.
    Block,
    /// The norm before the self-attention.
    AttentionNorm,
    /// The norm before the feed-forward sub-layer.
    FeedForwardNorm,
    /// The norm after the self-attention sub-layer: before the residual, or behind it in blocks without norms in front.
    AttentionOutNorm,
    /// The norm after the feed-forward sub-layer: before the residual, or behind it.
    FeedForwardOutNorm,
    /// The norm of every query head `[batch, time · heads, head_dim]`.
    QueryNorm,
    /// The norm of every key head `[batch, time · heads, head_dim]`.
    KeyNorm,
    /// The norm of the embeddings.
    EmbeddingsNorm,
    /// The final norm's output.
    Final,
    /// The language-model head.
    Head,
    /// A place of one family, or one that a part makes.
    Own(&'static str),
}

impl Role {
    /// The word that recipes use.
    pub fn word(self) -> &'static str {
        match self {
            Role::Embeddings => "embed",
            Role::Query => "query",
            Role::Key => "key",
            Role::Value => "value",
            Role::QueryKeyValue => "query-key-value",
            Role::Attention => "attention",
            Role::Heads => "heads",
            Role::AttentionOut => "attention-out",
            Role::Gate => "gate",
            Role::Up => "up",
            Role::Activation => "activation",
            Role::Down => "down",
            Role::SelfAttention => "self-attention",
            Role::FeedForward => "feed-forward",
            Role::Block => "block",
            Role::AttentionNorm | Role::FeedForwardNorm | Role::AttentionOutNorm | Role::FeedForwardOutNorm => "norm",
            Role::QueryNorm | Role::KeyNorm | Role::EmbeddingsNorm => "norm",
            Role::Final => "final",
            Role::Head => "head",
            Role::Own(word) => word,
        }
    }
}

/// One named place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Site {
    /// Which tower.
    pub stack: Stack,
    /// Which layer, counted from 0; 0 for places outside the blocks.
    pub layer: u16,
    /// What for.
    pub role: Role,
}

impl Site {
    /// A place.
    pub fn new(stack: Stack, layer: usize, role: Role) -> Self {
        Self { stack, layer: layer as u16, role }
    }
}

/// What a backbone says of a place.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteInfo {
    /// The place.
    pub site: Site,
    /// Its Hugging Face path, e.g. `model.layers.3.self_attn.q_proj`.
    pub path: String,
    /// Width of what goes in and of what comes out.
    pub width: [usize; 2],
    /// A projection: `<path>.weight` exists, as `[out, in]`.
    pub weight: bool,
}

/// What a backbone says of itself.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// The plugin's name, e.g. `llama`.
    pub family: String,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Rows of the embedding matrix.
    pub vocabulary: usize,
    /// Blocks of each stack.
    pub stacks: Vec<(Stack, usize)>,
    /// Longest input, in tokens.
    pub max_positions: usize,
    /// All places that have a Hugging Face path.
    pub sites: Vec<SiteInfo>,
    /// (alias, source) of tensors that are one.
    pub ties: Vec<(String, String)>,
    /// The Hugging Face configuration, as it will be written.
    pub config: Map<String, Json>,
    /// How the files differ from what is in memory.
    pub stored: Stored,
}

/// How a family's files differ from its tensors in memory, where every projection is `[out, in]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Matrices that the files keep as `[in, out]`.
    pub transposed: Vec<String>,
    /// What old files, and files of the network without its head, leave out before the names of tensors; written always.
    pub prefix: String,
}

impl Spec {
    /// Blocks of a stack; 0 where the model has no such stack.
    pub fn layers(&self, stack: Stack) -> usize {
        self.stacks.iter().find(|(s, _)| *s == stack).map_or(0, |(_, n)| *n)
    }

    /// The stack that reads tokens and predicts them.
    pub fn main(&self) -> Stack {
        if self.layers(Stack::Decoder) > 0 || self.stacks.is_empty() { Stack::Decoder } else { self.stacks[0].0 }
    }

    /// What is known of a place.
    pub fn info(&self, site: Site) -> Option<&SiteInfo> {
        self.sites.iter().find(|i| i.site == site)
    }

    /// Whether the files keep this matrix as `[in, out]`.
    pub fn is_transposed(&self, name: &str) -> bool {
        self.stored.transposed.iter().any(|n| n == name)
    }

    /// The name of the weight behind a role in the first layer that has it, e.g. the embedding matrix.
    pub fn weight_of(&self, role: Role) -> Option<String> {
        let info = self.sites.iter().find(|i| i.site.role == role)?;
        let name = format!("{}.weight", info.path);
        Some(self.ties.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, source)| source.clone()))
    }
}

/// Which places an adapter sits on; an empty list means any.
#[derive(Clone, Debug, Default)]
pub struct SitePattern {
    /// Module names as in PEFT: a path equal to the entry or ending in `.entry`; `all-linear` means every projection but the head.
    pub target_modules: Vec<String>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Layers.
    pub layers: Option<Range<usize>>,
}

impl SitePattern {
    /// The places that match.
    ///
    /// # Errors
    /// Nothing matches, or one of the module names matches nothing.
    pub fn select(&self, spec: &Spec) -> Result<Vec<SiteInfo>> {
        for module in &self.target_modules {
            if !spec.sites.iter().any(|i| is_module(i, module)) {
                return self.refuse(spec, module);
            }
        }
        let found: Vec<_> = spec.sites.iter().filter(|i| self.matches(i)).cloned().collect();
        if found.is_empty() { self.refuse(spec, &format!("{self:?}")) } else { Ok(found) }
    }

    fn matches(&self, info: &SiteInfo) -> bool {
        (self.target_modules.is_empty() || self.target_modules.iter().any(|m| is_module(info, m)))
            && (self.roles.is_empty() || self.roles.contains(&info.site.role))
            && self.layers.as_ref().is_none_or(|l| l.contains(&(info.site.layer as usize)))
    }

    fn refuse<T>(&self, spec: &Spec, found: &str) -> Result<T> {
        let mut names: Vec<&str> = spec.sites.iter().filter(|i| i.weight).filter_map(|i| i.path.rsplit('.').next()).collect();
        names.sort_unstable();
        names.dedup();
        let remedy = match crate::nearest(found, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"? `tongues inspect` lists all places"),
            None => "`tongues inspect` lists all places".into(),
        };
        refuse(
            "target_modules",
            format!("a module of this {} model: all-linear, {}", spec.family, names.join(", ")),
            format!("\"{found}\", which matches nothing"),
            remedy,
        )
    }
}

fn is_module(info: &SiteInfo, module: &str) -> bool {
    if module == "all-linear" {
        return info.weight && !matches!(info.site.role, Role::Head | Role::Embeddings);
    }
    info.path == module || info.path.strip_suffix(module).is_some_and(|rest| rest.ends_with('.'))
}
