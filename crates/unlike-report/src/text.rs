//! Texts from users' files, made harmless.

/// Drops what could steer a terminal or reverse the reading direction: control and bidirectional
/// formatting characters, except line breaks and tabs.
pub(crate) fn harmless(text: &str) -> String {
    let steers = |c: char| match c {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    text.chars().filter(|&c| !steers(c)).collect()
}

/// As [`harmless`], on one line.
pub(crate) fn clean(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}

/// The text with every character escaped that Markdown or HTML inside it would read as markup.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_survives() {
        assert_eq!(clean("a\x1b[31mb\u{202e}c\nd\u{9b}e"), "a[31mbc de");
    }

    #[test]
    fn markup_is_shown_as_text() {
        assert_eq!(markdown("<b>a|b</b> *x*"), r"&lt;b&gt;a\|b&lt;/b&gt; \*x\*");
    }
}
