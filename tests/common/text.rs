//! The texts that a service reads and writes, undone and done independently of
//! the core.

use vodupload::Timestamp;

/// Undoes percent-encoding.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).expect("two digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hex digits"));
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// `20261121T052000Z` as `2026-11-21T05:20:00Z`; anything else as it is.
pub(crate) fn xml_time(basic: &str) -> String {
    if basic.len() != 16 || basic.as_bytes()[8] != b'T' {
        return basic.into();
    }
    let part = |from: usize, to: usize| &basic[from..to];
    format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
        part(13, 15)
    )
}

/// Reads `Sat, 21 Nov 2026 05:20:00 GMT`.
pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    let mut words = text.split(' ').skip(1);
    let (day, month) = (words.next()?, words.next()?);
    let (year, clock) = (words.next()?, words.next()?);
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = months.find(month)? / 3 + 1;
    Timestamp::parse_iso(&format!("{year}-{month:02}-{day}T{clock}Z"))
}
