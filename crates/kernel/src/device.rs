//! Devices by their names: `flex` is the processor; the others are there where their feature was built in.

use crate::{Result, refuse};
use burn::prelude::Device;

/// The device of that name: `flex` (or `cpu`), `wgpu`, `vulkan`, `cuda`; `vulkan:1` is the second discrete GPU, `cuda:1` the
/// second of CUDA's. Nothing is started before the first tensor lies there.
///
/// # Errors
/// No device has that name, or its feature was not built in.
pub fn device_named(name: &str) -> Result<Device> {
    let (kind, number) = name.split_once(':').map_or((name, None), |(kind, number)| (kind, Some(number)));
    let Ok(number) = number.map(str::parse::<usize>).transpose() else {
        return refuse("--device", "a number after the colon, as in cuda:0", name, "");
    };
    match (kind, number) {
        ("flex" | "cpu", None) => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        ("cuda", _) => Ok(Device::cuda(number.unwrap_or(0))),
        #[cfg(feature = "wgpu")]
        ("wgpu", _) => Ok(Device::wgpu(graphics(number))),
        #[cfg(feature = "vulkan")]
        ("vulkan", _) => Ok(Device::vulkan(graphics(number))),
        _ => {
            let remedy = "build with `--features tongues-cli/wgpu` (any GPU), `tongues-cli/vulkan` or `tongues-cli/cuda` for others";
            refuse("--device", format!("one of {}", built_in().join(", ")), name, remedy)
        }
    }
}

/// Without a number the best device that is found, which may be an integrated one.
#[cfg(any(feature = "wgpu", feature = "vulkan"))]
fn graphics(number: Option<usize>) -> burn::tensor::DeviceKind {
    number.map_or(burn::tensor::DeviceKind::DefaultDevice, burn::tensor::DeviceKind::DiscreteGpu)
}

fn built_in() -> Vec<&'static str> {
    let optional = [(cfg!(feature = "cuda"), "cuda:0"), (cfg!(feature = "wgpu"), "wgpu"), (cfg!(feature = "vulkan"), "vulkan")];
    std::iter::once("flex").chain(optional.into_iter().filter(|(there, _)| *there).map(|(_, name)| name)).collect()
}
