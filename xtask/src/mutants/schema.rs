//! One source file with all its mutants in it, each chosen by its number at run time.
//!
//! ```text
//! a + b    becomes    (if crate::__mutant(7) { a - b } else { a + b })
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
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
        source.clone_into(&mut schema.text);
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
///
/// The variable is read before `main`, so that no test that counts allocations counts that; and
/// whoever asks for a mutant names the static, without which the linker leaves it out.
pub(crate) const CHOOSER: &str = r#"
#[inline(never)]
pub(crate) fn __mutant(number: usize) -> bool {
    std::hint::black_box(&__CHOOSE);
    __CHOSEN.load(std::sync::atomic::Ordering::Relaxed) == number
}

static __CHOSEN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static __CHOOSE: extern "C" fn() = __choose;

extern "C" fn __choose() {
    let number = std::env::var("TTA_MUTANT").unwrap_or_default();
    if number == "none" {
        std::process::exit(97);
    }
    __CHOSEN.store(number.parse().unwrap_or(0), std::sync::atomic::Ordering::Relaxed);
}
"#;

/// The variable that the chooser reads.
pub(crate) const VARIABLE: &str = "TTA_MUTANT";

/// A value of the variable at which a binary ends at once, with this code, if it has a chooser.
pub(crate) const PROBE: (&str, i32) = ("none", 97);

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
            Genre::Body if sites.opaque.iter().any(|body| body.contains(&range.start)) => {
                Added::Alone
            }
            Genre::Body => {
                let text = format!("return {};", mutant.replacement);
                let body = self.bodies.entry(range.start).or_default();
                let _ = write!(body, "if {} {} ", chosen(number), marked(number, &text));
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
        let _ = write!(alternatives, "if {} {text} else ", chosen(number));
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
        let mut opening = String::new();
        for number in &self.never {
            let _ = write!(opening, "!{} && ", chosen(*number));
        }
        if self.range.is_none() {
            return format!(" if {}", opening.trim_end_matches(" && "));
        }
        opening.push('(');
        for number in &self.always {
            let _ = write!(opening, "{} || ", chosen(*number));
        }
        opening.push('(');
        opening
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

#[cfg(test)]
mod tests {
    use super::super::listed::Place;
    use super::*;

    /// The mutant that replaces the first occurrence of `what`.
    fn mutant(source: &str, genre: Genre, what: &str, replacement: &str) -> Mutant {
        let place = |offset: usize| {
            let before = &source[..offset];
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            Place {
                line: before.matches('\n').count() + 1,
                column: source[line_start..offset].chars().count() + 1,
            }
        };
        let start = source.find(what).unwrap();
        Mutant {
            name: what.to_owned(),
            file: "a.rs".to_owned(),
            genre,
            from: place(start),
            to: place(start + what.len()),
            replacement: replacement.to_owned(),
        }
    }

    /// The rewritten text with spaces made single and marks left out, which must parse.
    fn rewritten(source: &str, mutants: &[Mutant]) -> String {
        let numbered: Vec<_> = (1..).zip(mutants).collect();
        let schema = write(source, &numbered, &BTreeSet::new());
        assert_eq!((schema.alone, schema.unviable), (vec![], vec![]));
        syn::parse_file(&schema.text).unwrap();
        plain(&schema.text)
    }

    fn plain(text: &str) -> String {
        let text = text.replace("crate::__mutant", "is");
        let words = text.split_whitespace();
        let words = words.filter(|word| !word.starts_with(OPEN) && !word.ends_with("@*/"));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_body_returns_one_of_its_values_first() {
        let source = "fn f() -> u8 { g() }";
        let zero = mutant(source, Genre::Body, "g()", "0");
        let one = mutant(source, Genre::Body, "g()", "1");
        assert_eq!(
            rewritten(source, &[zero, one]),
            "fn f() -> u8 { if is(1) { return 0; } if is(2) { return 1; } g() }"
        );
    }

    #[test]
    fn an_operator_is_chosen_with_its_whole_chain_as_another_binds_otherwise() {
        let source = "fn f() { x(a - b * c) }";
        let times = mutant(source, Genre::Binary, "*", "+");
        let minus = mutant(source, Genre::Binary, "-", "/");
        assert_eq!(
            rewritten(source, &[times, minus]),
            "fn f() { x((if is(1) { a - b + c } else if is(2) { a / b * c } else { a - b * c })) }"
        );
    }

    #[test]
    fn mutants_within_an_operand_are_written_once() {
        let source = "fn f() { a + (b < c) }";
        let plus = mutant(source, Genre::Binary, "+", "-");
        let less = mutant(source, Genre::Binary, "<", ">");
        assert_eq!(
            rewritten(source, &[plus, less]),
            "fn f() { (if is(1) { a - (b < c) } else { a + ((if is(2) { b > c } else { b < c })) }) }"
        );
    }

    #[test]
    fn an_assignment_and_its_value_are_chosen_apart() {
        let source = "fn f() { a += b * c; }";
        let add = mutant(source, Genre::Binary, "+=", "-=");
        let times = mutant(source, Genre::Binary, "*", "+");
        assert_eq!(
            rewritten(source, &[add, times]),
            "fn f() { (if is(1) { a -= b * c } else { a += (if is(2) { b + c } else { b * c }) }); }"
        );
    }

    #[test]
    fn a_unary_operator_is_left_out() {
        let source = "fn f() { if !a {} }";
        let not = mutant(source, Genre::Unary, "!", "");
        assert_eq!(
            rewritten(source, &[not]),
            "fn f() { if (if is(1) { a } else { !a }) {} }"
        );
    }

    #[test]
    fn a_guard_is_made_true_or_false() {
        let source = "fn f() { match x { Some(y) if y > 1 => 1, _ => 2 } }";
        let always = mutant(source, Genre::Guard, "y > 1", "true");
        let never = mutant(source, Genre::Guard, "y > 1", "false");
        let less = mutant(source, Genre::Binary, ">", "<");
        assert_eq!(
            rewritten(source, &[always, never, less]),
            "fn f() { match x { Some(y) if !is(2) && (is(1) || \
             ((if is(3) { y < 1 } else { y > 1 }))) => 1, _ => 2 } }"
        );
    }

    #[test]
    fn an_arm_that_is_deleted_matches_nothing() {
        let source = "fn f() { match x { 1 => a, 2 if b => c, _ => d } }";
        let plain = mutant(source, Genre::Arm, "1 => a,", "");
        let guarded = mutant(source, Genre::Arm, "2 if b => c,", "");
        assert_eq!(
            rewritten(source, &[plain, guarded]),
            "fn f() { match x { 1 if !is(1) => a, 2 if !is(2) && ((b)) => c, _ => d } }"
        );
    }

    #[test]
    fn a_field_that_is_deleted_comes_from_the_base() {
        let source = "fn f() { A { b: 1, ..c } }";
        let field = mutant(source, Genre::Field, "b: 1,", "");
        assert_eq!(
            rewritten(source, &[field]),
            "fn f() { (if is(1) { A { ..c } } else { A { b: 1, ..c } }) }"
        );
    }

    #[test]
    fn a_const_function_is_made_an_ordinary_one_unless_a_constant_calls_it() {
        let source = "const fn f() -> u8 { 1 + 2 }\nconst fn g() -> u8 { 3 }\n";
        let plus = mutant(source, Genre::Binary, "+", "-");
        let three = mutant(source, Genre::Body, "3", "0");
        let mutants = [(1, &plus), (2, &three)];
        let schema = write(source, &mutants, &["g".to_owned()].into());
        assert_eq!(
            plain(&schema.text),
            "fn f() -> u8 { (if is(1) { 1 - 2 } else { 1 + 2 }) } const fn g() -> u8 { 3 }"
        );
        assert_eq!((schema.alone, schema.unviable), (vec![2], vec![]));
    }

    #[test]
    fn constants_and_opaque_values_want_a_build_of_their_own() {
        let source = "const A: u8 = 1 + 2; fn f() -> impl Iterator { g() }";
        let plus = mutant(source, Genre::Binary, "+", "-");
        let empty = mutant(source, Genre::Body, "g()", "::std::iter::empty()");
        let schema = write(source, &[(1, &plus), (2, &empty)], &BTreeSet::new());
        assert_eq!((schema.text.as_str(), schema.alone), (source, vec![1, 2]));
    }

    #[test]
    fn a_condition_with_a_let_takes_no_other_operator_but_its_parts_do() {
        let source = "fn f() { if let Some(x) = y && a == b {} }";
        let and = mutant(source, Genre::Binary, "&&", "||");
        let equal = mutant(source, Genre::Binary, "==", "!=");
        let schema = write(source, &[(1, &and), (2, &equal)], &BTreeSet::new());
        assert_eq!(schema.unviable, [1]);
        assert_eq!(
            plain(&schema.text),
            "fn f() { if let Some(x) = y && (if is(2) { a != b } else { a == b }) {} }"
        );
    }

    #[test]
    fn an_error_is_told_from_where_it_lies() {
        let source = "fn f() -> u8 { g() }";
        let zero = mutant(source, Genre::Body, "g()", "zero");
        let one = mutant(source, Genre::Body, "g()", "one");
        let text = write(source, &[(7, &zero), (12, &one)], &BTreeSet::new()).text;
        let at = |word: &str| mutant_at(&text, text.find(word).unwrap());
        assert_eq!(
            [at("zero"), at("one"), at("g()")],
            [Some(7), Some(12), None]
        );
    }
}
