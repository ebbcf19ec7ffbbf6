//! Activations by their names in the Hugging Face files.

use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::{gelu, gelu_approximate, leaky_relu, relu, silu, tanh};

/// The activation of a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x · σ(x).
    Silu,
    /// GELU (Hendrycks and Gimpel 2016) by the error function.
    Gelu,
    /// GELU by its approximation with tanh.
    GeluTanh,
    /// max(x, 0).
    Relu,
    /// max(x, x / 100).
    LeakyRelu,
    /// tanh x.
    Tanh,
}

impl Activation {
    /// Names that [`Self::named`] knows.
    pub const NAMES: [&'static str; 9] = ["silu", "swish", "gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "relu", "leakyrelu", "tanh"];

    /// By its name in `hidden_act` and the like.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "silu" | "swish" => Some(Self::Silu),
            "gelu" => Some(Self::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Some(Self::GeluTanh),
            "relu" => Some(Self::Relu),
            "leakyrelu" => Some(Self::LeakyRelu),
            "tanh" => Some(Self::Tanh),
            _ => None,
        }
    }

    /// Element by element.
    pub fn of(self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Silu => silu(x),
            Self::Gelu => gelu(x),
            Self::GeluTanh => gelu_approximate(x),
            Self::Relu => relu(x),
            Self::LeakyRelu => leaky_relu(x, 0.01),
            Self::Tanh => tanh(x),
        }
    }

    /// `act(gate) · up` (Shazeer 2020), in one pass where there is one.
    pub fn gated(self, gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Silu => tongues_ops::swiglu(gate, up),
            Self::GeluTanh => tongues_ops::geglu(gate, up),
            other => other.of(gate) * up,
        }
    }
}
