//! Working sketches of what plugins do, on a two-layer toy model, with asserted values.
//!
//! A sketch that needs a private door stops the work until the kernel is mended.

mod seam {
    mod bridge;
    mod buffer;
    mod curator;
    mod device;
    mod early_exit;
    mod fusion;
    mod lep;
    mod lofit;
    mod lora;
    mod merger;
    mod moe;
    mod packing;
    mod prefix;
    mod recompute;
    mod reference;
    mod registry;
    mod session;
    mod sparse;
    mod tools;
    mod toy;
    mod vocabularies;
    mod walk;
}
