//! Numbers and units as people read them.

/// Beyond this many decimals a number is written with an exponent.
const MOST_DECIMALS: i32 = 6;

/// How many decimals a column needs: three significant digits for its values, and up to two more
/// where two different values would otherwise read the same.
pub(crate) fn decimals(values: &[f64]) -> usize {
    let sizes = || values.iter().map(|v| v.abs()).filter(|v| v.is_finite() && *v > 0.0);
    let largest = sizes().fold(0.0, f64::max);
    let smallest = sizes().fold(f64::INFINITY, f64::min);
    if largest == 0.0 {
        return 2;
    }
    let base = significant(smallest).min(significant(largest) + 2).clamp(0, MOST_DECIMALS);
    let most = (base + 2).min(MOST_DECIMALS);
    let enough = (base..=most).find(|&places| all_distinct(values, places as usize));
    enough.unwrap_or(base) as usize
}

/// Decimals that show three significant digits of a positive number.
fn significant(value: f64) -> i32 {
    2 - value.log10().floor() as i32
}

/// Whether different values read differently with this many decimals.
fn all_distinct(values: &[f64], places: usize) -> bool {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.windows(2).all(|pair| pair[0] == pair[1] || fixed(pair[0], places) != fixed(pair[1], places))
}

/// A number with so many decimals; with an exponent where it is too large or too small for that.
pub(crate) fn fixed(value: f64, places: usize) -> String {
    if value.is_nan() {
        return "not a number".to_owned();
    }
    let size = value.abs();
    if size >= 1e9 || (size > 0.0 && size < 0.5 * 10f64.powi(-(places as i32)) && size < 1e-4) {
        return format!("{value:.2e}");
    }
    rounded(value, places)
}

/// An end of a number's interval: so many decimals, and an exponent only where the number itself has one.
pub(crate) fn end(value: f64, of: f64, places: usize) -> String {
    let plain = value.abs() < 1e9 && (of == 0.0 || of.abs() >= 0.5 * 10f64.powi(-(places as i32)));
    if plain { rounded(value, places) } else { fixed(value, places) }
}

fn rounded(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// A difference: the same with a sign, except where it reads zero.
pub(crate) fn signed(value: f64, places: usize) -> String {
    let text = fixed(value, places);
    let zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if value > 0.0 && !zero { format!("+{text}") } else { text }
}

/// One number with three significant digits.
pub(crate) fn short(value: f64) -> String {
    fixed(value, decimals(&[value]))
}

/// A signed percentage, one decimal below 1000 %.
pub(crate) fn percent(value: f64) -> String {
    let places = if value.abs() < 1000.0 { 1 } else { 0 };
    let text = fixed(value, places);
    let sign = if value >= 0.05 { "+" } else { "" };
    format!("{sign}{text} %")
}

/// Seconds as hours, minutes and seconds.
pub(crate) fn duration(seconds: f64) -> String {
    if !(0.0..1e12).contains(&seconds) {
        return "not known".to_owned();
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min {rest} s"),
    }
}

/// Bytes in binary units.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let power = (count.ilog2() / 10) as usize;
    format!("{} {}", short(count as f64 / 1024f64.powi(power as i32)), UNITS[power - 1])
}

/// A whole number with its thousands set apart by narrow spaces.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A metric's name spelled out: `bits_per_byte` and `bpb` become "bits per byte".
pub(crate) fn metric(name: &str) -> String {
    let known = match name.to_lowercase().as_str() {
        "bpb" => "bits per byte",
        "bpc" => "bits per character",
        "ppl" => "perplexity",
        "nll" => "negative log-likelihood",
        "chrf" => "chrF",
        "chrf++" => "chrF++",
        "bleu" => "BLEU",
        "rouge-l" | "rouge_l" => "ROUGE-L",
        "f1" => "F1",
        "em" => "exact match",
        "mrr" => "mean reciprocal rank",
        "wer" => "word error rate",
        "cer" => "character error rate",
        _ => return name.replace(['_', '-'], " "),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_significant_digits_and_more_where_values_would_collide() {
        assert_eq!(short(2.2149), "2.21");
        assert_eq!(short(0.031_24), "0.0312");
        assert_eq!(short(123.4), "123");
        assert_eq!(decimals(&[4.8, 2.21]), 2);
        assert_eq!(decimals(&[2.211, 2.214]), 3);
        assert_eq!(decimals(&[2.0, 2.0]), 2);
        assert_eq!(decimals(&[]), 2);
        assert_eq!(decimals(&[f64::NAN, 0.0]), 2);
    }

    #[test]
    fn odd_numbers_stay_readable() {
        assert_eq!(fixed(f64::NAN, 2), "not a number");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(3e12, 2), "3.00e12");
        assert_eq!(short(2e-9), "2.00e-9");
        assert_eq!([end(1e-7, 0.3, 3), end(-1e-7, 0.0, 2), end(1e-7, 2e-7, 3), end(f64::NAN, 0.3, 3)], ["0.000", "0.00", "1.00e-7", "not a number"]);
        assert_eq!(percent(-53.96), "-54.0 %");
        assert_eq!(percent(0.04), "0.0 %");
        assert_eq!(percent(12.0), "+12.0 %");
        assert_eq!(percent(1234.5), "+1234 %");
        assert_eq!([0.25, -0.25, 0.001, f64::NAN].map(|v| signed(v, 2)), ["+0.25", "-0.25", "0.00", "not a number"]);
    }

    #[test]
    fn units_are_spelled_out() {
        assert_eq!(duration(3.21), "3.2 s");
        assert_eq!(duration(59.99), "1 min 0 s");
        assert_eq!(duration(3725.0), "1 h 2 min 5 s");
        assert_eq!(duration(f64::NAN), "not known");
        assert_eq!(bytes(1000), "1000 bytes");
        assert_eq!(bytes(1536 * 1024 * 1024), "1.50 GiB");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(metric("bits_per_byte"), "bits per byte");
        assert_eq!(metric("bpb"), "bits per byte");
        assert_eq!(metric("chrf"), "chrF");
    }
}
