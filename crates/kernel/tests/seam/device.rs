//! Devices by their names.

use tongues_kernel::burn::prelude::Device;
use tongues_kernel::device_named;

#[test]
fn a_name_that_is_none_is_refused_with_those_that_are() {
    assert_eq!(device_named("flex").expect("a device"), Device::flex());
    assert_eq!(device_named("cpu").expect("a device"), Device::flex());
    for wrong in ["flex:1", "abacus", "cuda:one", ""] {
        let message = device_named(wrong).expect_err("refused").to_string();
        assert!(message.starts_with("--device: expected"), "{wrong}: {message}");
    }
    assert!(device_named("abacus").expect_err("refused").to_string().contains("one of flex"));
    assert!(device_named("cuda:one").expect_err("refused").to_string().contains("a number after the colon"));
}
