//! Rust files as tokens: exact where a search for words would be wrong in strings, comments and macros.

use super::Finding;
use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A function outside tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its first line.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub lines: usize,
}

/// What the rules ask of one Rust file.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Its path in the repository.
    pub path: PathBuf,
    /// Lines before the first item under `#[cfg(test)]`.
    pub lines: usize,
    /// Functions outside tests.
    pub functions: Vec<Function>,
    /// Quoted words outside tests, with their lines.
    pub literals: Vec<(usize, String)>,
    /// Calls of `register!`, by the name they give.
    pub registered: Vec<String>,
    /// Words that may not stand in the code, tests included.
    pub forbidden: Vec<(usize, &'static str)>,
    /// The comment at the head of the file.
    pub header: String,
}

/// A folder whose files are tests as a whole.
pub fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name == "tests.rs" || path.starts_with("tests") || path.components().any(|c| c.as_os_str() == "tests" || c.as_os_str() == "benches")
}

impl Source {
    /// Reads the tokens of a file.
    ///
    /// # Errors
    /// It is no Rust.
    pub fn read(path: &Path, text: &str) -> Result<Self> {
        let tokens = TokenStream::from_str(text).map_err(|e| anyhow!("{}: Rust was expected: {e}", path.display()))?;
        let header = text.lines().take_while(|l| l.starts_with("//!")).collect::<Vec<_>>().join("\n");
        let mut source = Self { path: path.into(), lines: text.lines().count(), header, ..Self::default() };
        source.walk(tokens, is_test(path));
        Ok(source)
    }

    fn walk(&mut self, tokens: TokenStream, in_test: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut test_item = false;
        for (i, token) in tokens.iter().enumerate() {
            let testing = in_test || test_item;
            self.look(&tokens[i..], testing);
            match token {
                TokenTree::Group(group) => {
                    self.walk(group.stream(), testing);
                    test_item &= group.delimiter() != Delimiter::Brace;
                }
                TokenTree::Punct(p) if p.as_char() == '#' && starts_tests(tokens.get(i + 1)) => {
                    if !in_test {
                        self.lines = self.lines.min(p.span().start().line - 1);
                    }
                    test_item = true;
                }
                TokenTree::Punct(p) if p.as_char() == ';' => test_item = false,
                TokenTree::Literal(literal) if !testing => self.literals.push((literal.span().start().line, literal.to_string())),
                _ => {}
            }
        }
    }

    /// Looks at a token and what follows it.
    fn look(&mut self, tokens: &[TokenTree], testing: bool) {
        let line = tokens[0].span().start().line;
        match tokens {
            [TokenTree::Ident(word), TokenTree::Ident(name), rest @ ..] if word == "fn" && !testing => self.function(line, name.to_string(), rest),
            [TokenTree::Ident(word), TokenTree::Punct(p), rest @ ..] if p.as_char() == '!' => self.call(line, &word.to_string(), rest.first()),
            [TokenTree::Punct(p), TokenTree::Group(group), ..] if p.as_char() == '#' && first_word(group) == "ignore" => {
                self.forbidden.push((line, "#[ignore]"));
            }
            _ => {}
        }
        if matches!(&tokens[0], TokenTree::Ident(word) if word == "unsafe") {
            self.forbidden.push((line, "unsafe"));
        }
    }

    fn call(&mut self, line: usize, word: &str, arguments: Option<&TokenTree>) {
        match (word, arguments) {
            ("todo", Some(TokenTree::Group(_))) => self.forbidden.push((line, "todo!")),
            ("unimplemented", Some(TokenTree::Group(_))) => self.forbidden.push((line, "unimplemented!")),
            ("dbg", Some(TokenTree::Group(_))) => self.forbidden.push((line, "dbg!")),
            ("register", Some(TokenTree::Group(group))) => {
                let name = group.stream().into_iter().find_map(|t| if let TokenTree::Literal(l) = t { Some(l.to_string()) } else { None });
                self.registered.push(name.unwrap_or_default().trim_matches('"').to_owned());
            }
            _ => {}
        }
    }

    fn function(&mut self, line: usize, name: String, rest: &[TokenTree]) {
        for token in rest {
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let lines = group.span_close().end().line + 1 - line;
                    return self.functions.push(Function { name, line, lines });
                }
                TokenTree::Punct(p) if p.as_char() == ';' => return,
                _ => {}
            }
        }
    }
}

fn starts_tests(attribute: Option<&TokenTree>) -> bool {
    matches!(attribute, Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

fn first_word(group: &Group) -> String {
    group.stream().into_iter().next().map(|t| t.to_string()).unwrap_or_default()
}

/// Crates that may hold `unsafe`: fused loops, mapped files, loaded libraries.
const UNSAFE: [&str; 3] = ["crates/ops", "crates/io", "crates/loader"];

/// Unfinished code, switched-off tests, and `unsafe` outside the crates that may hold it.
pub fn check_forbidden(sources: &[Source]) -> Vec<Finding> {
    let findings = |source: &Source| -> Vec<Finding> {
        let may = UNSAFE.iter().any(|folder| source.path.starts_with(folder));
        let found = source.forbidden.iter().filter(|(_, word)| *word != "unsafe" || !may);
        found.map(|(line, word)| Finding::new(&source.path, *line, format!("`{word}` in the code"), remedy(word))).collect()
    };
    sources.iter().flat_map(findings).collect()
}

fn remedy(word: &str) -> String {
    match word {
        "unsafe" => format!("only {} may hold it; find a safe way or move it there", UNSAFE.join(", ")),
        "#[ignore]" => "repair the test or remove it".into(),
        _ => "finish it or remove it".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Source {
        Source::read(Path::new("crates/x/src/lib.rs"), text).expect("tokens")
    }

    #[test]
    fn tests_are_not_counted() {
        let source = read("//! Head.\nfn a() {\n  let x = \"word\";\n}\n#[cfg(test)]\nmod tests {\n  fn b() { \"hidden\"; }\n}\n");
        assert_eq!(source.lines, 4);
        assert_eq!(source.functions, [Function { name: "a".into(), line: 2, lines: 3 }]);
        assert_eq!(source.literals, [(1, "\" Head.\"".into()), (3, "\"word\"".into())]);
        assert_eq!(source.header, "//! Head.");
    }

    #[test]
    fn a_test_only_import_does_not_hide_what_follows() {
        let source = read("#[cfg(test)]\nuse a::b;\nfn c() { \"word\"; }\n");
        assert_eq!(source.literals, [(3, "\"word\"".into())]);
    }

    #[test]
    fn forbidden_words_are_found_as_code_only() {
        let source = read("// unsafe todo!()\nfn a() { let s = \"unsafe\"; vec![todo!()]; unsafe { f() } }\n#[test]\n#[ignore]\nfn t() {}\n");
        let words: Vec<_> = source.forbidden.iter().map(|(line, word)| (*line, *word)).collect();
        assert_eq!(words, [(2, "todo!"), (2, "unsafe"), (4, "#[ignore]")]);
    }

    #[test]
    fn registrations_give_names() {
        assert_eq!(read("register!(Adapter, \"lora\", \"text\", Options);").registered, ["lora"]);
        assert!(read("macro_rules! register { () => {} }").registered.is_empty());
    }
}
