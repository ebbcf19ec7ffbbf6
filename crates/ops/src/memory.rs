//! What the allocator does with memory that is free.
#![allow(unsafe_code)]

/// Large buffers stay with the process when they are free: giving them back to the system and asking for them again, page by
/// page, costs about a tenth of a training step. Call it first thing, in a program whose allocator is mimalloc.
pub fn keep() {
    /// `mi_option_purge_delay`: milliseconds until free memory is given back; negative for never.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: sets one number of the allocator's options, by its documented index.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}
