//! Claims and controls in a paper file.

use serde::Deserialize;

/// One claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its name.
    pub id: String,
    /// What the paper says.
    pub text: String,
    /// The number that was published.
    pub published: String,
    /// Where: table, figure, section.
    pub source: String,
    /// The metric of all sides that name none.
    pub metric: String,
    /// The arm that is said to be better, as `arm` or `arm:metric`.
    pub left: String,
    /// What it is compared with.
    pub right: Option<String>,
    /// A number it is compared with, in place of `right`.
    pub value: Option<f64>,
    /// The gain that is taken off: the claim is then about a difference of differences.
    pub minus: Option<Gain>,
    /// What the effect must be above, in units of the metric; negative for "no worse than".
    pub margin: f64,
    /// Judged also without `--all-claims`.
    #[serde(default)]
    pub central: bool,
    /// What would explain the effect otherwise.
    #[serde(default)]
    pub controls: Vec<Control>,
}

/// A gain of one arm over another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gain {
    /// The better one.
    pub left: String,
    /// The other.
    pub right: String,
}

/// A control of a claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The arm that stands in the place of `left`.
    pub arm: String,
    /// What it must not have.
    pub expect: Expect,
    /// What the arm is compared with, where that is not the claim's `right`; for `vanish`.
    pub right: Option<String>,
}

/// Kinds of controls. In each, the claim's arm must keep a gain that the control's has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Without its cause the gain is gone.
    Vanish,
    /// The same compute and form of loss on permuted targets.
    Placebo,
    /// The other method on as many tokens.
    EqualTokens,
    /// The other method with as many operations.
    EqualFlops,
    /// Looking words up.
    Lookup,
}

impl Expect {
    /// The control in words.
    pub fn words(self) -> &'static str {
        match self {
            Expect::Vanish => "without the cause",
            Expect::Placebo => "placebo",
            Expect::EqualTokens => "equal tokens",
            Expect::EqualFlops => "equal FLOPs",
            Expect::Lookup => "lookup",
        }
    }
}
