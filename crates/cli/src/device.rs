//! Where to compute.

use tongues_kernel::burn::prelude::*;
use tongues_kernel::refuse;

/// The device of that name.
///
/// # Errors
/// No such device, or it was not built in.
pub fn parse(name: &str) -> anyhow::Result<Device> {
    let (kind, index) = name.split_once(':').unwrap_or((name, "0"));
    let Ok(index) = index.parse::<usize>() else {
        return Ok(refuse("--device", "a number after the colon, as in cuda:0", name, "")?);
    };
    match kind {
        "flex" | "cpu" => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(index)),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(tongues_kernel::burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Ok(Device::vulkan(tongues_kernel::burn::tensor::DeviceKind::DefaultDevice)),
        _ => {
            let _ = index;
            let remedy = "build with `--features wgpu` (any GPU), `--features vulkan` or `--features cuda`";
            Ok(refuse("--device", format!("one of {}", known().join(", ")), name, remedy)?)
        }
    }
}

fn known() -> Vec<&'static str> {
    let mut known = vec!["flex"];
    known.extend(cfg!(feature = "cuda").then_some("cuda:0"));
    known.extend(cfg!(feature = "wgpu").then_some("wgpu"));
    known.extend(cfg!(feature = "vulkan").then_some("vulkan"));
    known
}

/// Computes with so many threads.
///
/// # Errors
/// The number is 0, or threads were started before.
pub fn threads(count: Option<usize>) -> anyhow::Result<()> {
    match count {
        None => Ok(()),
        Some(0) => Ok(refuse("--threads", "at least 1", 0, "")?),
        Some(n) => Ok(rayon::ThreadPoolBuilder::new().num_threads(n).build_global()?),
    }
}
