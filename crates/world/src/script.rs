//! Alphabets: one letter of the script for each letter `a` to `z`.

/// The alphabet a language is written in. Each has capitals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Script {
    /// `a` to `z`: one byte a letter in UTF-8.
    #[default]
    Latin,
    /// Cyrillic letters: two bytes a letter in UTF-8.
    Cyrillic,
    /// Cherokee letters, used as an alphabet: three bytes a letter in UTF-8.
    Cherokee,
}

const CYRILLIC_SMALL: [char; 26] =
    ['а', 'б', 'ц', 'д', 'е', 'ф', 'г', 'х', 'и', 'й', 'к', 'л', 'м', 'н', 'о', 'п', 'я', 'р', 'с', 'т', 'у', 'в', 'ш', 'ж', 'ы', 'з'];
const CYRILLIC_CAPITAL: [char; 26] =
    ['А', 'Б', 'Ц', 'Д', 'Е', 'Ф', 'Г', 'Х', 'И', 'Й', 'К', 'Л', 'М', 'Н', 'О', 'П', 'Я', 'Р', 'С', 'Т', 'У', 'В', 'Ш', 'Ж', 'Ы', 'З'];
const CHEROKEE_SMALL: u32 = 0xAB70;
const CHEROKEE_CAPITAL: u32 = 0x13A0;

impl Script {
    /// `latin` letter for letter in this script; what is no ASCII letter stays.
    ///
    /// One-to-one, so distinct words stay distinct.
    ///
    /// ```
    /// use tongues_world::Script;
    /// assert_eq!(Script::Cyrillic.write("Bona."), "Бона.");
    /// ```
    pub fn write(self, latin: &str) -> String {
        match self {
            Self::Latin => latin.to_owned(),
            _ => latin.chars().map(|letter| self.letter(letter)).collect(),
        }
    }

    fn letter(self, letter: char) -> char {
        let capital = letter.is_ascii_uppercase();
        let position = match letter {
            'a'..='z' => letter as usize - 'a' as usize,
            'A'..='Z' => letter as usize - 'A' as usize,
            _ => return letter,
        };
        match self {
            Self::Latin => letter,
            Self::Cyrillic if capital => CYRILLIC_CAPITAL[position],
            Self::Cyrillic => CYRILLIC_SMALL[position],
            Self::Cherokee => {
                let first = if capital { CHEROKEE_CAPITAL } else { CHEROKEE_SMALL };
                char::from_u32(first + position as u32).unwrap_or(letter)
            }
        }
    }
}
