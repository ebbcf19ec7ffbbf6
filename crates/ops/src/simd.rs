//! Which vector instructions the fused loops use.
#![allow(unsafe_code)]

use std::sync::OnceLock;

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of the target has.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 (F, VL, DQ, BW).
    Avx512,
}

impl Level {
    /// Its name in `TONGUES_SIMD` and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// The level in use: the widest that the processor has, or a narrower one that `TONGUES_SIMD` names
/// (`portable`, `avx2`, `avx512`). A wider one than the processor has is not taken.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let wish = std::env::var("TONGUES_SIMD").ok();
        let wish = [Level::Portable, Level::Avx2, Level::Avx512].into_iter().find(|l| wish.as_deref() == Some(l.name()));
        wish.unwrap_or(Level::Avx512).min(widest())
    })
}

fn widest() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let fma = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
        let has512 = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512bw");
        match (fma, has512) {
            (true, true) => return Level::Avx512,
            (true, false) => return Level::Avx2,
            _ => {}
        }
    }
    Level::Portable
}

/// Compiles loops once a level and calls the one in use. In a body, `FMA` says whether the level multiplies and adds in one.
macro_rules! vectorised {
    ($($(#[$meta:meta])* pub fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => { $(
        $(#[$meta])*
        pub fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(dead_code, clippy::extra_unused_type_parameters)]
            fn body<const FMA: bool>($($argument: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            fn avx512($($argument: $type),*) $(-> $result)? { body::<true>($($argument),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) $(-> $result)? { body::<true>($($argument),*) }
            match $crate::simd::level() {
                // SAFETY: the level is never wider than what the processor was found to have.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx2 => unsafe { avx2($($argument),*) },
                _ => body::<false>($($argument),*),
            }
        }
    )* };
}
pub(crate) use vectorised;
