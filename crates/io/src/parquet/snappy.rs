//! Snappy's raw format, unpacked: a length, then literal bytes and copies of what was written before.

/// The bytes that were packed, at most `most`.
pub(super) fn unpacked(packed: &[u8], most: usize) -> Result<Vec<u8>, &'static str> {
    let mut input = Input(packed);
    let length = input.varint()?;
    if length > most {
        return Err("a page of more than 1 GiB");
    }
    let mut out: Vec<u8> = Vec::with_capacity(length.min(1 << 24));
    while !input.0.is_empty() {
        let tag = input.number(1)?;
        match tag & 3 {
            0 => {
                let short = tag >> 2;
                let count = if short < 60 { short } else { input.number(short - 59)? } + 1;
                out.extend_from_slice(input.take(count)?);
            }
            1 => copy(&mut out, ((tag >> 2) & 7) + 4, ((tag >> 5) << 8) | input.number(1)?)?,
            kind => copy(&mut out, (tag >> 2) + 1, input.number(if kind == 2 { 2 } else { 4 })?)?,
        }
        if out.len() > length {
            break;
        }
    }
    if out.len() == length { Ok(out) } else { Err("snappy data of another length than it says") }
}

/// Bytes still to read.
struct Input<'p>(&'p [u8]);

impl<'p> Input<'p> {
    fn take(&mut self, count: usize) -> Result<&'p [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("snappy data that ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of that many bytes, the lowest first.
    fn number(&mut self, bytes: usize) -> Result<usize, &'static str> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }

    fn varint(&mut self) -> Result<usize, &'static str> {
        let mut value = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.number(1)? as u64;
            value |= (byte & 127) << shift;
            if byte < 128 {
                return usize::try_from(value).map_err(|_| "snappy data with an impossible length");
            }
        }
        Err("snappy data with an impossible length")
    }
}

/// Repeats what lies `back` bytes before the end; the copy may reach into itself.
fn copy(out: &mut Vec<u8>, count: usize, back: usize) -> Result<(), &'static str> {
    if back == 0 || back > out.len() {
        return Err("snappy data that copies from before its start");
    }
    let start = out.len() - back;
    for i in start..start + count {
        out.push(out[i]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::unpacked;

    #[test]
    fn literals_and_copies_of_every_form() {
        // "ab", the last two bytes again four times over, then the same with longer offsets.
        assert_eq!(unpacked(&[10, 4, b'a', b'b', 0b1_0001, 2], 99), Ok(b"ababababab".to_vec()));
        assert_eq!(unpacked(&[5, 4, b'a', b'b', 0b1010, 2, 0], 99), Ok(b"ababa".to_vec()));
        assert_eq!(unpacked(&[3, 4, b'a', b'b', 0b11, 1, 0, 0, 0], 99), Ok(b"abb".to_vec()));
        let long = [&[70, 60 << 2, 69][..], &[b'x'; 70]].concat();
        assert_eq!(unpacked(&long, 99), Ok(vec![b'x'; 70]));
        assert_eq!(unpacked(&[0], 99), Ok(vec![]));
    }

    #[test]
    fn damage_is_an_error() {
        for bad in [&[][..], &[3, 4, b'a', b'b'], &[4, 4, b'a', b'b', 0b1010, 3, 0], &[9, 200, b'a'], &[255, 255, 255, 255, 255, 255], &[1, 4, b'a', b'b']] {
            assert!(unpacked(bad, 99).is_err(), "{bad:?}");
        }
        assert_eq!(unpacked(&[200, 1], 99), Err("a page of more than 1 GiB"));
    }
}
