//! From the classes in a file to normal and anomalous: by rule, never by guess.

use unlike_core::{Error, Label, Note, Result};

use crate::{decimal, images, words};

/// The class of each sample, as the file spells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    name: String,
    levels: Vec<String>,
    codes: Vec<u32>,
}

impl Classes {
    /// `codes` are positions in `levels`, one per sample, none missing.
    pub(crate) fn new(name: impl Into<String>, levels: Vec<String>, codes: Vec<u32>) -> Self {
        debug_assert!(codes.iter().all(|&c| (c as usize) < levels.len()));
        Self {
            name: name.into(),
            levels,
            codes,
        }
    }

    /// Classes that the file holds as small numbers, in the order of the numbers.
    pub(crate) fn numbered(name: &str, labels: &[u8], title: impl Fn(u8) -> String) -> Self {
        let mut codes = [None; 256];
        for &label in labels {
            codes[usize::from(label)] = Some(0);
        }
        let mut levels = Vec::new();
        for (code, label) in codes
            .iter_mut()
            .zip(0..=u8::MAX)
            .filter(|(code, _)| code.is_some())
        {
            *code = Some(levels.len() as u32);
            levels.push(title(label));
        }
        let codes = labels
            .iter()
            .filter_map(|&label| codes[usize::from(label)])
            .collect();
        Self::new(name, levels, codes)
    }

    /// The classes of several files, one after the other.
    pub(crate) fn stacked(parts: &[&Self]) -> Self {
        let mut all = Self::new(
            parts.first().map_or("", |part| part.name()),
            Vec::new(),
            Vec::new(),
        );
        for part in parts {
            let code = |level: &String| match all.levels.iter().position(|known| known == level) {
                Some(at) => at as u32,
                None => {
                    all.levels.push(level.clone());
                    all.levels.len() as u32 - 1
                }
            };
            let renamed: Vec<u32> = part.levels.iter().map(code).collect();
            let codes = part.codes.iter().map(|&code| renamed[code as usize]);
            all.codes.extend(codes);
        }
        all
    }

    /// What holds the classes: a column, an array or the sub-folders.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The distinct classes, in order of first appearance, or of their numbers in formats that
    /// number them.
    pub fn levels(&self) -> &[String] {
        &self.levels
    }

    /// One position in [`levels`](Self::levels) per sample.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The class of one sample.
    pub fn class(&self, position: usize) -> &str {
        &self.levels[self.codes[position] as usize]
    }

    /// The classes of the samples at these positions, in this order.
    pub(crate) fn select(&self, positions: &[usize]) -> Self {
        Self {
            name: self.name.clone(),
            levels: self.levels.clone(),
            codes: positions.iter().map(|&p| self.codes[p]).collect(),
        }
    }

    /// Each class and its number of samples, most frequent first, ties by name.
    pub fn counts(&self) -> Vec<(&str, usize)> {
        let mut counts = vec![0; self.levels.len()];
        for &code in &self.codes {
            counts[code as usize] += 1;
        }
        let mut counts: Vec<(&str, usize)> =
            self.levels.iter().map(String::as_str).zip(counts).collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        counts
    }

    /// `` `normal.` (97,278), … ``: what messages list.
    pub(crate) fn listed(&self) -> String {
        let item = |(class, n): (&str, usize)| {
            format!("`{}` ({})", words::shortened(class), words::count(n))
        };
        words::limited(self.counts().into_iter().map(item), 12)
    }

    /// The levels that a user means by `text`: the same text, and all that are the same number or
    /// truth, as are 6, 6.0 and 6e0.
    fn meant_by(&self, text: &str) -> Vec<usize> {
        let having = |meaning: fn(&str) -> Option<u64>| -> Vec<usize> {
            let wanted = meaning(text);
            let is_meant = |at: &usize| {
                let level = &self.levels[*at];
                level == text || (wanted.is_some() && meaning(level) == wanted)
            };
            (0..self.levels.len()).filter(is_meant).collect()
        };
        let meant = having(decimal::meaning);
        match meant.is_empty() {
            // Zeros that lead count for nothing where nothing else is meant.
            true => having(|text| {
                text.parse()
                    .ok()
                    .filter(|v: &f64| v.is_finite())
                    .map(f64::to_bits)
            }),
            false => meant,
        }
    }

    /// That classes are anomalous or normal by letter case alone, where nobody named them.
    pub(crate) fn differ_in_case(&self, named: &[String]) -> Option<Note> {
        let meant: Vec<usize> = named.iter().flat_map(|text| self.meant_by(text)).collect();
        let mut others = (0..self.levels.len()).filter(|at| !meant.contains(at));
        let alike = |other: &str| {
            let other = other.to_lowercase();
            named.iter().find(|text| text.to_lowercase() == other)
        };
        let (other, named) = others.find_map(|at| {
            let other = &self.levels[at];
            alike(other).map(|named| (other, named))
        })?;
        let text = format!(
            "the class `{}` of `{}` differs from `{}` in letter case only, and counts as another",
            words::shortened(other),
            self.name,
            words::shortened(named)
        );
        Some(Note::new(text).coded("levels-differ-in-case"))
    }
}

/// What each sample is, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    values: Vec<Label>,
    rule: String,
}

impl Labels {
    /// One per sample.
    pub fn values(&self) -> &[Label] {
        &self.values
    }

    /// The labels of the samples at these positions, in this order.
    pub(crate) fn select(&self, positions: &[usize]) -> Self {
        Self {
            values: positions.iter().map(|&p| self.values[p]).collect(),
            rule: self.rule.clone(),
        }
    }

    pub(crate) fn into_values(self) -> Vec<Label> {
        self.values
    }

    /// The rule that made them, as a clause for people.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// How many samples carry this label.
    pub fn count(&self, label: Label) -> usize {
        self.values.iter().filter(|&&l| l == label).count()
    }
}

/// What a format says about its classes when the user says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Convention {
    /// These classes are normal and all others anomalous, whichever of them occur.
    Normal(&'static [&'static str]),
    /// The classes are folders of images: those that say so are normal and all others anomalous, if one
    /// says so.
    Folders,
    /// The classes are the numbers 0 (normal) and 1 (anomalous), if they are nothing else.
    ZeroOne,
    /// Nothing.
    None,
}

/// Applies the user's rule, or else the format's convention; `None` if neither decides.
pub(crate) fn resolve(
    classes: &Classes,
    normal: &[String],
    anomalous: &[String],
    convention: Convention,
) -> Result<Option<Labels>> {
    if normal.is_empty() && anomalous.is_empty() {
        return Ok(by_convention(classes, convention));
    }
    let normal = Named::find(classes, "normal-label", normal)?;
    let anomalous = Named::find(classes, "anomalous-label", anomalous)?;
    if let Some(&both) = normal.levels.iter().find(|l| anomalous.levels.contains(l)) {
        return Err(Error::Setting {
            name: "anomalous-label".into(),
            found: format!("`{}`, which normal-label names too", classes.levels[both]),
            expected: "each class under one of the two".into(),
            hint: None,
        });
    }
    // What neither setting names falls to the side that no setting speaks of.
    let unnamed = match (normal.levels.is_empty(), anomalous.levels.is_empty()) {
        (true, _) => Some(Label::Normal),
        (_, true) => Some(Label::Anomalous),
        _ => None,
    };
    let label = |level: usize| match level {
        level if normal.levels.contains(&level) => Some(Label::Normal),
        level if anomalous.levels.contains(&level) => Some(Label::Anomalous),
        _ => unnamed,
    };
    let by_level: Vec<Option<Label>> = (0..classes.levels.len()).map(label).collect();
    let undecided = classes
        .levels
        .iter()
        .zip(&by_level)
        .filter(|(_, l)| l.is_none());
    let undecided: Vec<&str> = undecided.map(|(level, _)| level.as_str()).collect();
    if !undecided.is_empty() {
        return Err(Error::Setting {
            name: "normal-label and anomalous-label".into(),
            found: format!(
                "silent about {} of `{}`",
                words::quoted(undecided),
                classes.name
            ),
            expected: "every class under one of the two".into(),
            hint: Some(
                "give only one of them, and all other classes fall to the other side".into(),
            ),
        });
    }
    let by_level: Vec<Label> = by_level.into_iter().flatten().collect();
    Ok(Some(labelled(classes, &by_level)))
}

/// Applies the rule of training, as far as it decides about the classes that are there.
pub(crate) fn as_in_training(
    classes: &Classes,
    normal: &[String],
    anomalous: &[String],
) -> Option<Labels> {
    let levels = |texts: &[String]| -> Vec<usize> {
        texts
            .iter()
            .flat_map(|text| classes.meant_by(text))
            .collect()
    };
    let [is_normal, is_anomalous] = [levels(normal), levels(anomalous)];
    let unnamed = match (normal.is_empty(), anomalous.is_empty()) {
        (true, true) => return None,
        (true, false) => Some(Label::Normal),
        (false, true) => Some(Label::Anomalous),
        (false, false) => None,
    };
    let label = |level: usize| match level {
        level if is_normal.contains(&level) => Some(Label::Normal),
        level if is_anomalous.contains(&level) => Some(Label::Anomalous),
        _ => unnamed,
    };
    let by_level: Option<Vec<Label>> = (0..classes.levels.len()).map(label).collect();
    by_level.map(|by_level| labelled(classes, &by_level))
}

/// The classes that one setting names.
struct Named {
    levels: Vec<usize>,
}

impl Named {
    fn find(classes: &Classes, setting: &str, texts: &[String]) -> Result<Self> {
        let mut levels = Vec::new();
        for text in texts {
            let meant = classes.meant_by(text);
            if meant.is_empty() {
                let known = classes.levels.iter().map(String::as_str);
                return Err(Error::Setting {
                    name: setting.into(),
                    found: format!("`{text}`, which does not occur in `{}`", classes.name),
                    expected: format!("one of {}", classes.listed()),
                    hint: words::did_you_mean(text, known).map(Into::into),
                });
            }
            levels.extend(meant);
        }
        Ok(Self { levels })
    }
}

fn by_convention(classes: &Classes, convention: Convention) -> Option<Labels> {
    let normal: Vec<bool> = match convention {
        Convention::Normal(names) => classes
            .levels
            .iter()
            .map(|l| names.contains(&&**l))
            .collect(),
        Convention::Folders => {
            let normal = images::normal_classes(&classes.levels);
            normal.contains(&true).then_some(normal)?
        }
        Convention::None => return None,
        Convention::ZeroOne => {
            let zero = |level: &String| match level.parse::<f64>() {
                Ok(0.0) => Some(true),
                Ok(1.0) => Some(false),
                _ => None,
            };
            classes.levels.iter().map(zero).collect::<Option<_>>()?
        }
    };
    let label = |&normal: &bool| {
        if normal {
            Label::Normal
        } else {
            Label::Anomalous
        }
    };
    Some(labelled(
        classes,
        &normal.iter().map(label).collect::<Vec<_>>(),
    ))
}

fn labelled(classes: &Classes, by_level: &[Label]) -> Labels {
    let of = |label: Label| -> Vec<&String> {
        let levels = classes.levels.iter().zip(by_level);
        levels
            .filter(|(_, l)| **l == label)
            .map(|(level, _)| level)
            .collect()
    };
    let (normal, anomalous) = (of(Label::Normal), of(Label::Anomalous));
    let named = |levels: &[&String], others: &[&String]| match levels.len() {
        0 => "none".to_owned(),
        n if n > 3 && n > others.len() => format!("the {n} others"),
        _ => words::quoted(levels),
    };
    let rule = format!(
        "by `{}`, normal: {}; anomalous: {}",
        classes.name,
        named(&normal, &anomalous),
        named(&anomalous, &normal)
    );
    let values = classes
        .codes
        .iter()
        .map(|&code| by_level[code as usize])
        .collect();
    Labels { values, rule }
}
