//! HTML that cannot be injected into: tags and attribute names are fixed in the source, and
//! everything else passes through [`escape`].

/// Attributes of one tag.
pub(crate) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A page under construction.
#[derive(Default)]
pub(crate) struct Markup {
    out: String,
}

impl Markup {
    /// An element around what `inside` adds.
    pub(crate) fn within(&mut self, tag: &'static str, attributes: Attributes<'_>, inside: impl FnOnce(&mut Self)) {
        self.start(tag, attributes, ">");
        inside(self);
        self.end(tag);
    }

    /// An element around text.
    pub(crate) fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.within(tag, attributes, |m| m.text(text));
    }

    /// An element around a name of unknown script, kept from reordering what is around it.
    pub(crate) fn name(&mut self, tag: &'static str, attributes: Attributes<'_>, name: &str) {
        self.within(tag, attributes, |m| m.element("bdi", &[], name));
    }

    /// An HTML element without an end, such as `meta`.
    pub(crate) fn void(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.start(tag, attributes, ">");
    }

    /// An SVG element without content.
    pub(crate) fn shape(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.start(tag, attributes, "/>");
    }

    /// Escaped text.
    pub(crate) fn text(&mut self, text: &str) {
        escape(text, &mut self.out);
    }

    /// Markup or style that stands in the source of this crate.
    pub(crate) fn fixed(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// The finished page.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    fn start(&mut self, tag: &'static str, attributes: Attributes<'_>, close: &'static str) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push_str(close);
    }

    fn end(&mut self, tag: &'static str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
        if BLOCKS.contains(&tag) {
            self.out.push('\n');
        }
    }
}

/// After these a line break makes the source readable.
const BLOCKS: [&str; 12] = ["p", "h1", "h2", "h3", "tr", "table", "section", "figure", "li", "caption", "head", "style"];

/// Escapes for element content and for attribute values in double or single quotes. Control
/// characters, which HTML does not allow, become U+FFFD.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut m = Markup::default();
        m.element("p", &[("title", "\"'><script>")], "<script>&\"'\u{0}\u{1b}\n");
        let expected = "<p title=\"&quot;&#39;&gt;&lt;script&gt;\">&lt;script&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}\n</p>\n";
        assert_eq!(m.finish(), expected);
    }
}
