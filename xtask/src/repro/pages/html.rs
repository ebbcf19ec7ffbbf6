//! `docs/repro/<slug>.html`: one plot a claim, in one file.

use super::{Confirmation, line, plot, word};
use std::fmt::Write;

const STYLE: &str = ":root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #57606a; --rule: #d5dae0; --dot: #0b5cad; --margin: #b4540a; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e6e9ec; --soft: #a2abb5; --rule: #363d45; --dot: #79b8ff; --margin: #ffab70; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 48rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.25rem; padding-top: 0.6rem; border-top: 1px solid var(--rule); }
p { margin: 0.25rem 0; } .soft { color: var(--soft); font-size: 0.9rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 12px; }
.axis { stroke: var(--soft); } .zero { stroke: var(--rule); } .margin { stroke: var(--margin); stroke-width: 2; stroke-dasharray: 5 3; }
.whisker { stroke: var(--ink); stroke-width: 2; } .mean { fill: var(--ink); } .dot { fill: var(--dot); fill-opacity: 0.75; }
";

/// The page of a paper.
pub fn page(slug: &str, all: &[Confirmation<'_>]) -> String {
    let Some(last) = all.first() else { return String::new() };
    let title = escaped(&last.freeze.title);
    let mut s = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{}</p>\n<p>{}</p>\n",
        escaped(&last.freeze.paper),
        escaped(&last.freeze.summary)
    );
    let _ = writeln!(
        s,
        "<p class=\"soft\">A dot is the effect in one seed; the line with the larger dot is mean and interval at the level of the verdict. All figures: {slug}.md.</p>"
    );
    match last.judged {
        None => s.push_str("<p>Frozen, not judged yet.</p>\n"),
        Some((judged, _)) => {
            for (frozen, claim) in last.freeze.claims.iter().zip(&judged.claims) {
                let _ = writeln!(s, "<h2>{}: {}</h2>", escaped(&claim.id), word(claim.verdict));
                let _ = writeln!(
                    s,
                    "<p>{}</p>\n<p class=\"soft\">Published: {} ({})</p>",
                    escaped(&frozen.text),
                    escaped(&frozen.published),
                    escaped(&frozen.source)
                );
                let drawing = plot::svg(claim, frozen.margin, &judged.seeds);
                s.push_str(&drawing.unwrap_or_else(|| "<p>No seed has an effect that can be drawn.</p>\n".into()));
                let _ = writeln!(s, "<p class=\"soft\">{}: {}</p>", escaped(&frozen.compared), escaped(&line(claim)));
            }
        }
    }
    s.push_str("</main>\n</body>\n</html>\n");
    s
}

/// Text that cannot become markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn names_stay_text() {
        assert_eq!(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}
