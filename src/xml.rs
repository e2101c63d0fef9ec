//! The few tags that object storages answer with.
//!
//! Answers are small, flat and written by machines, so this finds elements by
//! name and undoes entities. It is no XML parser: attributes, comments and
//! nesting of equal names do not occur in these answers.

/// The text of the first element called `name`, with entities undone.
pub(crate) fn text(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).next().map(unescape)
}

/// The raw contents of each element called `name`, in order.
pub(crate) fn elements<'a>(xml: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = xml;
    core::iter::from_fn(move || {
        let (content, after) = next(rest, name)?;
        rest = after;
        Some(content)
    })
}

/// The content of the next element called `name` and what follows it.
fn next<'a>(xml: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (_, content) = split_at_tag(xml, "", name)?;
    split_at_tag(content, "/", name)
}

/// What stands before and behind the first `<name>`, or `</name>`.
fn split_at_tag<'a>(xml: &'a str, slash: &str, name: &str) -> Option<(&'a str, &'a str)> {
    xml.match_indices('<').find_map(|(at, _)| {
        let tag = xml[at + 1..].strip_prefix(slash)?;
        Some((&xml[..at], tag.strip_prefix(name)?.strip_prefix('>')?))
    })
}

/// Appends `text` with the characters that XML reserves written as entities.
pub(crate) fn push_escaped(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            other => xml.push(other),
        }
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((character, after)) = entity(rest) else {
            plain.push('&');
            rest = &rest[1..];
            continue;
        };
        plain.push(character);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// The character that the entity at the start of `text` stands for.
fn entity(text: &str) -> Option<(char, &str)> {
    let end = text.find(';')?;
    let after = &text[end + 1..];
    let character = match &text[1..end] {
        "amp" => '&',
        "apos" => '\'',
        "gt" => '>',
        "lt" => '<',
        "quot" => '"',
        name => {
            let code = name.strip_prefix('#')?;
            let code = match code.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => code.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((character, after))
}

// proptest does not build for wasm.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_elements_by_their_whole_name() {
        let xml = "<R><Part><PartNumber>1</PartNumber><ETag>&quot;A&quot;</ETag></Part>\n<Part><PartNumber>2</PartNumber></Part></R>";
        let parts: Vec<_> = elements(xml, "Part").collect();
        assert_eq!(parts.len(), 2);
        assert_eq!(text(parts[0], "PartNumber").as_deref(), Some("1"));
        assert_eq!(text(parts[0], "ETag").as_deref(), Some("\"A\""));
        assert_eq!(text(parts[1], "ETag"), None);
        assert_eq!(text("<Code>x", "Code"), None);
    }

    #[test]
    fn undoes_entities_and_keeps_what_is_none() {
        assert_eq!(unescape("a&#65;&#x6d4b;&amp;lt; & &x;"), "aA测&lt; & &x;");
    }

    proptest! {
        #[test]
        fn any_text_survives_escaping(value in "[^\\s]{0,40}") {
            let mut xml = String::from("<Key>");
            push_escaped(&mut xml, &value);
            xml.push_str("</Key>");
            prop_assert_eq!(text(&xml, "Key"), Some(value));
        }

        #[test]
        fn no_answer_makes_it_panic(xml in "\\PC{0,80}", name in "[A-Za-z]{1,3}") {
            let _ = text(&xml, &name);
        }
    }
}
