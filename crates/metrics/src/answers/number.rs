//! The last number of a text, as answers to GSM8K (Cobbe et al. 2021) and MGSM (Shi et al. 2022) are read.

use crate::text::classes::ranges;
use std::sync::OnceLock;

/// A character as one of ASCII, as far as numbers go: digits of all scripts, Arabic and fullwidth separators, minus signs.
fn plain(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '٫' | '．' => '.',
        '٬' | '，' => ',',
        '−' | '－' | '﹣' => '-',
        c => digit(c).map_or(c, |d| char::from(b'0' + d)),
    }
}

/// The value of a decimal digit of any script (Unicode's Nd, which come in runs from zero to nine).
fn digit(c: char) -> Option<u8> {
    static RUNS: OnceLock<Vec<(char, char)>> = OnceLock::new();
    let runs = RUNS.get_or_init(|| ranges(r"\p{Nd}"));
    let at = runs.partition_point(|(_, to)| *to < c);
    let (from, _) = runs.get(at).filter(|(from, _)| *from <= c)?;
    Some(((c as u32 - *from as u32) % 10) as u8)
}

/// The last number in a text, in ASCII digits, without thousands separators, leading plus, a trailing point or zeros behind the
/// point; `None` where there is none.
///
/// A comma stands between thousands if groups of two or three digits follow, the last of three (`2,00,000` is one number, `3,4`
/// two). A hyphen is a sign unless it stands behind a digit or a letter (`5-3` ends in 3). Digits may be of any script, with
/// the Arabic separators `٫` and `٬` and the fullwidth ones.
///
/// ```
/// use tongues_metrics::answers::last_number;
///
/// assert_eq!(last_number("So she earns $1,234.50."), Some("1234.5".into()));
/// assert_eq!(last_number("الجواب هو −١٬٢٣٤٫٥"), Some("-1234.5".into()));
/// assert_eq!(last_number("none"), None);
/// ```
pub fn last_number(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().map(plain).collect();
    let mut last = None;
    let mut i = 0;
    while i < chars.len() {
        if chars[i].is_ascii_digit() {
            let (number, end) = number(&chars, i);
            let sign = i > 0 && chars[i - 1] == '-' && !(i > 1 && chars[i - 2].is_alphanumeric());
            last = Some(if sign && number != "0" { format!("-{number}") } else { number });
            i = end;
        } else {
            i += 1;
        }
    }
    last
}

/// The number that begins at `at`, and where it ends.
fn number(chars: &[char], at: usize) -> (String, usize) {
    let run = |from: usize| chars[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut end = at + run(at);
    let mut whole: String = chars[at..end].iter().collect();
    while let Some(length) = group(chars, end) {
        whole.extend(&chars[end + 1..end + 1 + length]);
        end += 1 + length;
    }
    let mut fraction = String::new();
    if chars.get(end) == Some(&'.') && run(end + 1) > 0 {
        let length = run(end + 1);
        fraction = chars[end + 1..end + 1 + length].iter().collect();
        end += 1 + length;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    (if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }, end)
}

/// Groups of a number at most; longer chains are lists.
const GROUPS: usize = 12;

/// The length of a group of digits behind a comma at `comma` if it is one of thousands: three digits, or two with more groups
/// behind them.
fn group(chars: &[char], comma: usize) -> Option<usize> {
    let length = |at: usize| {
        let digits = || chars[at + 1..].iter().take(4).take_while(|c| c.is_ascii_digit()).count();
        if chars.get(at) == Some(&',') { digits() } else { 0 }
    };
    let mut at = comma;
    for _ in 0..GROUPS {
        match length(at) {
            2 => at += 3,
            3 => return Some(if at == comma { 3 } else { 2 }),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str) -> String {
        last_number(text).unwrap_or_default()
    }

    #[test]
    fn separators_signs_and_points() {
        assert_eq!(["1,234", "2,00,000", "3,4", "1,2345", "7,12"].map(last), ["1234", "200000", "4", "2345", "12"]);
        assert_eq!(last(&"12,".repeat(100_000)), "12", "a list, however long");
        assert_eq!(["5-3", "-3", "x = -3.", "(-0.50)", "a-3", "-0", "−4"].map(last), ["3", "-3", "-3", "-0.5", "3", "0", "-4"]);
        assert_eq!(["42.", "3.14.", "007", "1.0", ".5", "#### 1,000"].map(last), ["42", "3.14", "7", "1", "5", "1000"]);
    }

    #[test]
    fn digits_of_other_scripts() {
        assert_eq!(["١٢٣", "१२३", "১২৩", "๑๒๓", "１２３", "۱۲۳"].map(last), ["123"; 6]);
        assert_eq!(["１，２３４．５", "١٬٢٣٤٫٥"].map(last), ["1234.5"; 2]);
        assert_eq!(last("½ ② 三"), "", "no decimal digits");
    }
}
