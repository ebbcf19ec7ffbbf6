//! Texts as the reference libraries see them, which are written in Python.

pub(crate) mod classes;
pub(crate) mod ngrams;
pub(crate) mod whitespace;
