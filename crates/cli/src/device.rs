//! Where to compute.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex};
use tongues_kernel::burn::prelude::{Device, Tensor};
use tongues_kernel::{device_named, refuse};

/// The device of that name, after it has added two numbers: what does not start is told before a run begins.
///
/// # Errors
/// No such device, it was not built in, or it does not compute.
pub fn parse(name: &str) -> anyhow::Result<Device> {
    let device = device_named(name)?;
    let sum = || Tensor::<1>::from_floats([1.0, 2.0], &device).sum().into_scalar::<f32>();
    if device != Device::flex()
        && let Err(why) = heard(|| assert_eq!(sum(), 3.0))
    {
        return Ok(refuse(
            "--device",
            "a device that computes",
            format!("{name}: {why}"),
            "is its driver installed? `--device flex` computes on the processor",
        )?);
    }
    Ok(device)
}

/// Runs what tells its failure by a panic, here or on a thread of its own, and gives the first panic's message. Drivers do:
/// none is there, and a thread of the library's panics. For the start of a program alone, since the hook is the process's.
fn heard(work: impl FnOnce()) -> Result<(), String> {
    let first = Arc::new(Mutex::new(None::<String>));
    let (ears, before) = (first.clone(), take_hook());
    set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or("it gave up without a word").to_owned();
        if let Ok(mut first) = ears.lock() {
            first.get_or_insert(message);
        }
    }));
    let done = catch_unwind(AssertUnwindSafe(work));
    set_hook(before);
    let message = first.lock().ok().and_then(|mut message| message.take());
    done.map_err(|_| message.unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_heard_on_whatever_thread_it_is_first() {
        let nested = || std::thread::spawn(|| panic!("no adapter of {}", "that kind")).join().expect("a result");
        assert_eq!(heard(nested), Err("no adapter of that kind".into()));
        assert_eq!(heard(|| ()), Ok(()));
    }
}
