//! What is nobody else's business does not get into files that are passed on.

/// A text with the user's home folder as `~`.
pub fn private(text: &str) -> String {
    without(text, std::env::var("HOME").ok().as_deref())
}

fn without(text: &str, home: Option<&str>) -> String {
    let Some(home) = home.map(|h| h.trim_end_matches('/')).filter(|h| h.len() > 1) else { return text.into() };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, after) = (&rest[..at], &rest[at + home.len()..]);
        // The end of a longer name, or its beginning, is another folder.
        let begins = !before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || "._-".contains(c));
        let ends = !after.chars().next().is_some_and(|c| c.is_alphanumeric() || "._-".contains(c));
        out.push_str(before);
        out.push_str(if begins && ends { "~" } else { home });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn the_home_folder_becomes_a_tilde_and_nothing_else_does() {
        let home = Some("/users/ada");
        assert_eq!(without("path = \"/users/ada/x\" and /users/ada", home), "path = \"~/x\" and ~");
        assert_eq!(without("/users/adam/x /mnt/users/ada /srv-/users/ada", home), "/users/adam/x /mnt/users/ada /srv-/users/ada");
        assert_eq!(without("/users/ada", None), "/users/ada");
        assert_eq!(without("/", Some("/")), "/");
    }
}
