//! One source file with all its mutants in it, each chosen by its number at run time.
//!
//! ```text
//! a + b    becomes    (if crate::__mutant(7) { a - b } else { a + b })
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::listed::{Genre, Mutant};
use super::sites::{Sites, Whole};

/// A file rewritten.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) text: String,
    /// Mutants that no choice at run time can make: they want a build each.
    pub(crate) alone: Vec<usize>,
    /// Mutants that no compiler takes.
    pub(crate) unviable: Vec<usize>,
}

/// Writes the mutants, each with its number, into the source.
///
/// Functions whose name is in `constant` stay `const`, since a constant calls them.
pub(crate) fn write(
    source: &str,
    mutants: &[(usize, &Mutant)],
    constant: &BTreeSet<String>,
) -> Schema {
    let mut schema = Schema::default();
    let Ok(sites) = Sites::find(source) else {
        schema.text = source.to_owned();
        schema.alone = mutants.iter().map(|(number, _)| *number).collect();
        return schema;
    };
    let mut edits = Edits::default();
    for function in &sites.const_fns {
        if !constant.contains(&function.name) {
            edits.remove(function.word.clone());
        }
    }
    for (number, mutant) in mutants {
        let range = mutant.range(source);
        let Some(range) = range.filter(|range| !is_constant(&sites, range, constant)) else {
            schema.alone.push(*number);
            continue;
        };
        match edits.add(source, &sites, *number, mutant, range) {
            Added::Yes => {}
            Added::Alone => schema.alone.push(*number),
            Added::Unviable => schema.unviable.push(*number),
        }
    }
    schema.text = edits.written(source);
    schema
}

/// The mutant whose own text lies at this byte of a file that was rewritten.
pub(crate) fn mutant_at(text: &str, byte: usize) -> Option<usize> {
    let before = text.get(..byte)?;
    let open = before.rfind(OPEN)?;
    let digits = before.get(open + OPEN.len()..)?;
    let (number, rest) = digits.split_once("*/")?;
    let number: usize = number.parse().ok()?;
    (!rest.contains(&closed(number))).then_some(number)
}

/// What is added to the crate's root.
pub(crate) const CHOOSER: &str = r#"
#[inline]
pub(crate) fn __mutant(number: usize) -> bool {
    __CHOSEN.load(std::sync::atomic::Ordering::Relaxed) == number
}

static __CHOSEN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

// Before `main`, so that no test that counts allocations counts the reading of a variable.
#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static __CHOOSE: extern "C" fn() = __choose;

extern "C" fn __choose() {
    let number = std::env::var("TTA_MUTANT").ok().and_then(|it| it.parse().ok());
    __CHOSEN.store(number.unwrap_or(0), std::sync::atomic::Ordering::Relaxed);
}
"#;

/// The variable that the chooser reads.
pub(crate) const VARIABLE: &str = "TTA_MUTANT";

enum Added {
    Yes,
    Alone,
    Unviable,
}

/// What is written around, or instead of, a range of the source.
#[derive(Debug, Default)]
struct Edits {
    removed: Vec<Range<usize>>,
    bodies: BTreeMap<usize, String>,
    guards: BTreeMap<usize, Guard>,
    /// By start and by how long they are, the longest first.
    wholes: BTreeMap<(usize, std::cmp::Reverse<usize>), String>,
}

#[derive(Debug, Default)]
struct Guard {
    /// Nothing where the arm has none: then it begins where its pattern ends.
    range: Option<Range<usize>>,
    never: Vec<usize>,
    always: Vec<usize>,
}

impl Edits {
    fn remove(&mut self, word: Range<usize>) {
        self.removed.push(word);
    }

    fn add(
        &mut self,
        source: &str,
        sites: &Sites,
        number: usize,
        mutant: &Mutant,
        range: Range<usize>,
    ) -> Added {
        match mutant.genre {
            Genre::Body if sites.opaque.iter().any(|body| body.contains(&range.start)) => Added::Alone,
            Genre::Body => {
                let text = format!("return {};", mutant.replacement);
                let body = self.bodies.entry(range.start).or_default();
                body.push_str(&format!("if {} {} ", chosen(number), marked(number, &text)));
                Added::Yes
            }
            Genre::Binary | Genre::Unary | Genre::Field => match sites.wholes.get(&range.start) {
                Some(Whole::Expression(whole)) => self.whole(source, number, mutant, range, whole),
                Some(Whole::Chain) => Added::Unviable,
                None => Added::Alone,
            },
            Genre::Guard => {
                let Some(guard) = sites.guards.get(&range.start) else {
                    return Added::Alone;
                };
                let entry = self.guards.entry(guard.start).or_default();
                entry.range = Some(guard.clone());
                match mutant.replacement.as_str() {
                    "true" => entry.always.push(number),
                    "false" => entry.never.push(number),
                    _ => return Added::Alone,
                }
                Added::Yes
            }
            Genre::Arm => {
                let Some(arm) = sites.arms.get(&range.start) else {
                    return Added::Alone;
                };
                let start = arm.guard.as_ref().map_or(arm.pattern_end, |it| it.start);
                let entry = self.guards.entry(start).or_default();
                entry.range.clone_from(&arm.guard);
                entry.never.push(number);
                Added::Yes
            }
            Genre::Other => Added::Alone,
        }
    }

    fn whole(
        &mut self,
        source: &str,
        number: usize,
        mutant: &Mutant,
        range: Range<usize>,
        whole: &Range<usize>,
    ) -> Added {
        let before = source.get(whole.start..range.start);
        let after = source.get(range.end..whole.end);
        let (Some(before), Some(after)) = (before, after) else {
            return Added::Alone;
        };
        let text = format!("{before}{}{after}", mutant.replacement);
        let key = (whole.start, std::cmp::Reverse(whole.end));
        let alternatives = self.wholes.entry(key).or_default();
        let text = marked(number, &text);
        alternatives.push_str(&format!("if {} {text} else ", chosen(number)));
        Added::Yes
    }

    fn written(&self, source: &str) -> String {
        let mut inserted: Vec<Inserted> = Vec::new();
        let mut insert = |at: usize, order: (u8, usize), text: String| {
            inserted.push(Inserted { at, order, text });
        };
        // What closes stands before what opens at the same byte, the inner before the outer.
        for (&at, text) in &self.bodies {
            insert(at, (1, 0), text.clone());
        }
        for (&at, guard) in &self.guards {
            let Guard { range, .. } = guard;
            insert(at, (2, 0), guard.opening());
            if let Some(range) = range {
                insert(range.end, (0, usize::MAX - range.start), ")) ".to_owned());
            }
        }
        for ((start, end), alternatives) in &self.wholes {
            let (start, end) = (*start, end.0);
            insert(start, (3, usize::MAX - end), format!("({alternatives}{{ "));
            // A guard closes after the expression that it is.
            insert(end, (0, (usize::MAX - start) - 1), " })".to_owned());
        }
        inserted.sort_by_key(|it| (it.at, it.order));
        let mut text = String::with_capacity(source.len() * 4);
        let mut copied = 0;
        let mut copy = |text: &mut String, to: usize| {
            text.push_str(&self.kept(source, copied..to));
            copied = to;
        };
        for Inserted { at, text: new, .. } in inserted {
            copy(&mut text, at);
            text.push_str(&new);
        }
        copy(&mut text, source.len());
        text
    }

    /// A part of the source without the words that are removed.
    fn kept(&self, source: &str, range: Range<usize>) -> String {
        let mut text = String::new();
        let mut from = range.start;
        let within = |word: &&Range<usize>| word.start >= range.start && word.end <= range.end;
        let mut words: Vec<_> = self.removed.iter().filter(within).collect();
        words.sort_by_key(|word| word.start);
        for word in words {
            text.push_str(source.get(from..word.start).unwrap_or_default());
            from = word.end;
        }
        text.push_str(source.get(from..range.end).unwrap_or_default());
        text
    }
}

impl Guard {
    fn opening(&self) -> String {
        let never: String = self
            .never
            .iter()
            .map(|it| format!("!{} && ", chosen(*it)))
            .collect();
        if self.range.is_none() {
            return format!(" if {}", never.trim_end_matches(" && "));
        }
        let always: String = self
            .always
            .iter()
            .map(|it| format!("{} || ", chosen(*it)))
            .collect();
        format!("{never}({always}(")
    }
}

#[derive(Debug)]
struct Inserted {
    at: usize,
    order: (u8, usize),
    text: String,
}

fn is_constant(sites: &Sites, range: &Range<usize>, constant: &BTreeSet<String>) -> bool {
    let within = |outer: &Range<usize>| outer.start <= range.start && range.end <= outer.end;
    let mut functions = sites.const_fns.iter();
    sites.constants.iter().any(within)
        || functions.any(|it| constant.contains(&it.name) && within(&it.body))
}

fn chosen(number: usize) -> String {
    format!("crate::__mutant({number})")
}

fn marked(number: usize, text: &str) -> String {
    format!("{{ {OPEN}{number}*/ {text} {} }}", closed(number))
}

fn closed(number: usize) -> String {
    format!("/*{number}@*/")
}

const OPEN: &str = "/*@";
