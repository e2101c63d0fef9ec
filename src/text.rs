//! Percent-encoding, hex and base64 as the services spell them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// One for both ways: each brings tables of its own.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Percent-encodes all but `A-Z a-z 0-9 - _ . ~` and the bytes in `keep`.
pub(crate) fn percent_encode(text: &str, keep: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            push_hex(&mut encoded, byte, b"0123456789ABCDEF");
        }
    }
    encoded
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        push_hex(&mut text, *byte, b"0123456789abcdef");
    }
    text
}

fn push_hex(text: &mut String, byte: u8, digits: &[u8; 16]) {
    text.push(char::from(digits[usize::from(byte >> 4)]));
    text.push(char::from(digits[usize::from(byte & 15)]));
}

/// The decimal digits of `value`, at least `width` of them. By hand, because
/// Rust's formatting machinery is 4 KB that nothing else here needs.
pub(crate) fn decimal(mut value: u64, width: usize) -> String {
    let mut digits = Vec::new();
    while value > 0 || digits.len() < width {
        digits.insert(0, char::from(b"0123456789"[(value % 10) as usize]));
        value /= 10;
    }
    digits.into_iter().collect()
}

/// The parts one after the other; smaller than the library's `concat`.
pub(crate) fn concat(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part);
    }
    text
}

/// What stands before and behind the first `mark`, an ASCII character; the
/// library's searchers are a KB that such short texts do not need.
pub(crate) fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == mark)?;
    Some((&text[..at], &text[at + 1..]))
}

/// What stands before and behind the last `mark`.
pub(crate) fn cut_last(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = text.bytes().rposition(|byte| byte == mark)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Base64 with the standard alphabet and padding. By hand: the library's
/// encoder is eight times as large, and what is encoded here is short.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| chunk.get(index).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let [_, _, _, value] = (bits >> (18 - 6 * digit) & 63).to_be_bytes();
            text.push(match value {
                _ if digit > chunk.len() => '=',
                0..26 => char::from(b'A' + value),
                26..52 => char::from(b'a' + value - 26),
                52..62 => char::from(b'0' + value - 52),
                62 => '+',
                _ => '/',
            });
        }
    }
    text
}

/// Decodes base64 as leniently as Aliyun's web SDK: white space inside, the
/// URL-safe alphabet and missing padding are all accepted.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let plain: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    ENGINE.decode(plain).ok()
}

/// The pairs in ascending order as one text. Sorted by hand: there are twenty at
/// most, and the library's sort is 8 KB for each type that it sorts.
pub(crate) fn ascending(pairs: Vec<(String, String)>, separator: &str) -> String {
    let mut sorted: Vec<(String, String)> = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let index = sorted.partition_point(|other| *other <= pair);
        sorted.insert(index, pair);
    }
    let mut text = String::new();
    for (index, (name, value)) in sorted.iter().enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(name);
        text.push_str(value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreserved_characters_stay_and_all_others_are_encoded() {
        assert_eq!(percent_encode("aZ09-_.~", b""), "aZ09-_.~");
        assert_eq!(percent_encode("a b+c/测", b""), "a%20b%2Bc%2F%E6%B5%8B");
        assert_eq!(percent_encode("a/b!", b"/!"), "a/b!");
    }

    #[test]
    fn base64_decodes_wrapped_url_safe_and_unpadded_text() {
        assert_eq!(base64(b"\xfb\xff\xfe?"), "+//+Pw==");
        for text in ["+//+Pw==", "-__-Pw", " +//\r\n+Pw= ", "+//+Pw"] {
            assert_eq!(decode_base64(text).as_deref(), Some(&b"\xfb\xff\xfe?"[..]), "{text}");
        }
        assert_eq!(decode_base64("oops!"), None);
    }

    #[test]
    fn decimal_digits_are_padded() {
        assert_eq!(decimal(0, 1), "0");
        assert_eq!(decimal(7, 2), "07");
        assert_eq!(decimal(u64::MAX, 1), u64::MAX.to_string());
    }

    #[test]
    fn hex_is_lower_case() {
        assert_eq!(hex(&[0, 0xAB, 0xFF]), "00abff");
    }
}
