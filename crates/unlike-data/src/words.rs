//! Numbers, lists and near misses as messages show them.

pub(crate) use unlike_core::words::{count, counted, memory};

/// Texts in backticks, separated by commas; of many, the first eight and how many more.
pub(crate) fn quoted(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    limited(
        items
            .into_iter()
            .map(|item| format!("`{}`", shortened(item.as_ref()))),
        8,
    )
}

/// Items separated by commas; of many, the first `limit` and how many more.
pub(crate) fn limited(items: impl IntoIterator<Item = String>, limit: usize) -> String {
    let items: Vec<String> = items.into_iter().collect();
    let mut text = items[..items.len().min(limit)].join(", ");
    if items.len() > limit {
        text.push_str(&format!(" and {} more", count(items.len() - limit)));
    }
    text
}

/// At most 40 characters, control characters escaped, so that a message stays on its line.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().collect()
        } else {
            c.to_string()
        }
    };
    let mut characters = text.chars();
    let mut shown: String = characters.by_ref().take(LONGEST).map(escape).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The candidates nearest to a mistyped name, nearest first, at most three.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let wanted = plain(name);
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|c| {
            (
                strsim::normalized_damerau_levenshtein(&wanted, &plain(c)),
                c,
            )
        })
        .filter(|&(likeness, _)| likeness >= 0.6)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, c)| c).collect()
}

/// `did you mean …`, where something is near.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let near = nearest(name, candidates);
    (!near.is_empty()).then(|| {
        let near: Vec<String> = near.iter().map(|n| format!("`{n}`")).collect();
        format!("did you mean {}?", near.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_texts_are_cut() {
        let letters: Vec<String> = ('a'..='j').map(String::from).collect();
        assert_eq!(quoted(&letters[..2]), "`a`, `b`");
        assert_eq!(
            quoted(&letters),
            "`a`, `b`, `c`, `d`, `e`, `f`, `g`, `h` and 2 more"
        );
        assert_eq!(shortened("a\nb"), "a\\nb");
        assert_eq!(shortened(&"é".repeat(41)), format!("{}…", "é".repeat(40)));
    }

    #[test]
    fn near_names_differ_by_little() {
        let columns = ["src_bytes", "dst_bytes", "duration"];
        assert_eq!(nearest("srcbytes", columns), ["src_bytes", "dst_bytes"]);
        assert_eq!(nearest("Duration ", columns), ["duration"]);
        assert_eq!(did_you_mean("x", columns), None);
        assert_eq!(
            did_you_mean("DURATION", columns).as_deref(),
            Some("did you mean `duration`?")
        );
    }
}
