//! Files and functions stay small enough to be read in one go.

use super::Finding;
use super::exceptions::Exceptions;
use super::source::{Source, is_test};

const FILE: usize = 300;
/// No exception reaches beyond this.
const FILE_HARD: usize = 400;
const FUNCTION: usize = 60;

/// Files over 300 lines and functions over 60, tests not counted.
pub fn check(sources: &[Source], exceptions: &mut Exceptions) -> Vec<Finding> {
    let mut findings = vec![];
    for source in sources.iter().filter(|s| !is_test(&s.path)) {
        let lines = source.lines;
        if lines > FILE_HARD || (lines > FILE && !exceptions.file(&source.path)) {
            findings.push(Finding::new(&source.path, 1, format!("{lines} lines before the tests, where {FILE} are allowed"), "cut the file at a concept"));
        }
        for f in source.functions.iter().filter(|f| f.lines > FUNCTION) {
            if !exceptions.function(&source.path, &f.name) {
                findings.push(Finding::new(
                    &source.path,
                    f.line,
                    format!("`{}` has {} lines, where {FUNCTION} are allowed", f.name, f.lines),
                    "cut the function",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn found(path: &str, text: &str) -> usize {
        let source = Source::read(Path::new(path), text).expect("tokens");
        check(&[source], &mut Exceptions::default()).len()
    }

    #[test]
    fn limits_are_inclusive_and_tests_are_free() {
        let function = |lines: usize| format!("fn f() {{{}}}\n", "\n".repeat(lines - 1));
        assert_eq!(found("crates/a/src/x.rs", &function(60)), 0);
        assert_eq!(found("crates/a/src/x.rs", &function(61)), 1);
        assert_eq!(found("crates/a/src/x.rs", &"//\n".repeat(300)), 0);
        assert_eq!(found("crates/a/src/x.rs", &"//\n".repeat(301)), 1);
        assert_eq!(found("crates/a/tests/x.rs", &"//\n".repeat(301)), 0);
        assert_eq!(found("crates/a/src/x.rs", &format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "//\n".repeat(301))), 0);
    }
}
