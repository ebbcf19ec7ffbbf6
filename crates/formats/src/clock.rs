//! The date that templates ask for: a given one, never today's.

use minijinja::{Error, ErrorKind};

const MONTHS: [&str; 12] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// Reads `2024-07-26`; nothing where it is no date.
    pub fn parse(text: &str) -> Option<Self> {
        let pieces: Vec<&str> = text.split('-').collect();
        let [year, month, day] = pieces[..] else { return None };
        let number = |piece: &str, digits: usize| (piece.len() == digits && piece.bytes().all(|b| b.is_ascii_digit())).then(|| piece.parse().ok()).flatten();
        let date = Self { year: number(year, 4)?, month: number(month, 2)?, day: number(day, 2)? };
        ((1..=12).contains(&date.month) && (1..=date.days()).contains(&date.day)).then_some(date)
    }

    fn days(self) -> u32 {
        match self.month {
            2 if self.leap() => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn leap(self) -> bool {
        self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400))
    }

    /// Sunday is 0: the days since the year 1 began, which was on a Monday.
    fn weekday(self) -> usize {
        let years = self.year.max(1) - 1;
        let before: u32 = (1..self.month).map(|month| Self { month, ..self }.days()).sum();
        ((years * 365 + years / 4 - years / 100 + years / 400 + before + self.day) % 7) as usize
    }

    /// As Python's `strftime` writes midnight of this day in English.
    pub(crate) fn written(self, format: &str) -> Result<String, Error> {
        let mut text = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some(code) => text.push_str(&self.piece(code)?),
                None => text.push('%'),
            }
        }
        Ok(text)
    }

    fn piece(self, code: char) -> Result<String, Error> {
        let (month, day) = (MONTHS[self.month as usize - 1], DAYS[self.weekday()]);
        Ok(match code {
            'Y' => format!("{:04}", self.year),
            'y' => format!("{:02}", self.year % 100),
            'm' => format!("{:02}", self.month),
            'd' => format!("{:02}", self.day),
            'B' => month.into(),
            'b' => month[..3].into(),
            'A' => day.into(),
            'a' => day[..3].into(),
            'H' | 'M' | 'S' => "00".into(),
            '%' => "%".into(),
            other => return Err(Error::new(ErrorKind::InvalidOperation, format!("strftime_now does not know %{other}"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_python_does() {
        let date = Date::parse("2024-07-26").expect("a date");
        assert_eq!(date.written("%d %b %Y, %A %B %a %y-%m %H:%M %%").expect("known codes"), "26 Jul 2024, Friday July Fri 24-07 00:00 %");
        assert_eq!(Date::parse("2000-02-29").map(Date::weekday), Some(2));
        assert!(["2023-02-29", "2024-13-01", "2024-7-26", "26 Jul", ""].iter().all(|text| Date::parse(text).is_none()));
        assert!(date.written("%Q").is_err());
    }
}
