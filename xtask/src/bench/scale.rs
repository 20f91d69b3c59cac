//! `docs/benchmarks/scale.md`: the curves as pictures and tables, and where they bend.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::page::shown;

/// What one subject costs at each size.
#[derive(Debug)]
struct Line<'a> {
    name: &'a str,
    points: Vec<(f64, f64)>,
}

/// The page; `None` of what is no list of curves.
pub(super) fn page(curves: &Value, machine: &str, quick: bool) -> Option<String> {
    let caches = caches();
    let mut page = format!("{HEAD}\nMeasured on {machine}");
    if quick {
        page.push_str(" Few and short rounds (`--quick`), and no size above 10,000.");
    }
    if !caches.is_empty() {
        let caches = caches
            .iter()
            .map(|(name, size)| format!("{name} {}", bytes(*size)));
        let caches: Vec<_> = caches.collect();
        let _ = write!(page, " Caches of a processor: {}.", caches.join(", "));
    }
    page.push('\n');
    for curve in curves.as_array()? {
        write_curve(&mut page, curve, &caches)?;
    }
    Some(page)
}

fn write_curve(page: &mut String, curve: &Value, caches: &[(String, f64)]) -> Option<()> {
    let text = |name: &str| curve.get(name).and_then(Value::as_str);
    let (name, title, x, y) = (text("name")?, text("title")?, text("x")?, text("y")?);
    let lines: Option<Vec<Line<'_>>> = curve.get("series")?.as_array()?.iter().map(line).collect();
    let lines = lines?;
    let each = curve.get("bytes_each").and_then(Value::as_f64);
    let _ = write!(page, "\n## {title}\n\n![{title}]({name}.svg)\n\n");
    let names: Vec<_> = lines.iter().map(|line| line.name).collect();
    let _ = write!(page, "| {x} | {}", names.join(" | "));
    page.push_str(if each.is_some() {
        " | our memory |\n"
    } else {
        " |\n"
    });
    let columns = lines.len() + usize::from(each.is_some());
    let _ = writeln!(page, "|---:|{}", "---:|".repeat(columns));
    for (place, (size, _)) in lines.first()?.points.iter().enumerate() {
        let _ = write!(page, "| {size}");
        for line in &lines {
            let cost = line.points.get(place).map(|(_, cost)| *cost);
            let _ = write!(page, " | {}", shown(cost));
        }
        if let Some(each) = each {
            let _ = write!(page, " | {}", held(each * size, caches));
        }
        page.push_str(" |\n");
    }
    let _ = writeln!(page, "\n{y}.");
    for line in lines.iter().filter(|line| line.points.len() > 1) {
        let _ = writeln!(page, "- {}", bend(line));
    }
    let why = REASONS.iter().find(|(curve, _)| *curve == name);
    if let Some((_, why)) = why {
        let _ = writeln!(page, "\n{why}");
    }
    Some(())
}

fn line(series: &Value) -> Option<Line<'_>> {
    let points = series.get("points")?.as_array()?.iter().map(|point| {
        let [x, y] = point.as_array()?.as_slice() else {
            return None;
        };
        // What was measured in no round is no number.
        Some((x.as_f64()?, y.as_f64().unwrap_or(f64::NAN)))
    });
    Some(Line {
        name: series.get("name")?.as_str()?,
        points: points.collect::<Option<_>>()?,
    })
}

/// The cost from the first point to the last, and the steepest part on the way up.
fn bend(line: &Line<'_>) -> String {
    let (Some((_, first)), Some((_, last))) = (line.points.first(), line.points.last()) else {
        return line.name.to_owned();
    };
    let whole = format!(
        "{}: × {} from end to end",
        line.name,
        shown(Some(last / first))
    );
    let steepest = line
        .points
        .windows(2)
        .filter_map(|pair| match pair {
            [(from, before), (to, after)] => Some((after / before, from, to)),
            _ => None,
        })
        .filter(|(times, ..)| times.is_finite())
        .max_by(|one, other| one.0.total_cmp(&other.0));
    match steepest {
        Some((times, from, to)) if times >= BEND => {
            let times = shown(Some(times));
            format!("{whole}, × {times} of it between {from} and {to}")
        }
        _ => format!("{whole}, no bend upwards of {BEND} or more"),
    }
}

/// So many bytes, and the smallest cache that holds them.
fn held(size: f64, caches: &[(String, f64)]) -> String {
    let holds = caches.iter().find(|(_, cache)| *cache >= size);
    match (holds, caches.is_empty()) {
        (Some((name, _)), _) => format!("{}, in {name}", bytes(size)),
        (None, false) => format!("{}, in no cache", bytes(size)),
        (None, true) => bytes(size),
    }
}

fn bytes(size: f64) -> String {
    match size {
        1_048_576.0.. => format!("{:.0} MiB", size / 1_048_576.0),
        1_024.0.. => format!("{:.0} KiB", size / 1_024.0),
        _ => format!("{size:.0} B"),
    }
}

/// The data caches of the first processor, the smallest first; none where the system does not tell.
fn caches() -> Vec<(String, f64)> {
    let read = |index: u8, file: &str| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
        fs::read_to_string(path).map(|text| text.trim().to_owned())
    };
    (0..8)
        .filter_map(|index| {
            let kind = read(index, "type")
                .ok()
                .filter(|kind| kind != "Instruction");
            let (_, level, size) = (kind?, read(index, "level").ok()?, read(index, "size").ok()?);
            let kib: f64 = size.strip_suffix('K')?.parse().ok()?;
            Some((format!("L{level}"), kib * 1_024.0))
        })
        .collect()
}

const BEND: f64 = 1.25;

const HEAD: &str = "\
# Scale

What things cost as the work grows. `cargo xtask bench --scale` measures the curves, draws them and
writes this page. Sizes and costs are drawn by their logarithms: a flat line is a cost that does not
grow. A peer stands next to ours in each picture.
";

/// Why a curve is as it is.
const REASONS: &[(&str, &str)] = &[
    (
        "workflows",
        "What a workflow does is the same at each size; what it touches is not. All of them begin \
         before the first goes on, so that each is fetched again from where it was left: the cost \
         rises at the sizes at which the last column leaves a cache. The bare future, of a few words, \
         bends for the same reason and later.",
    ),
    (
        "primitives",
        "The first point holds what a workflow costs once. Then a step costs the same until the \
         histograms of all steps, each of this thread alone, outgrow a cache (last column); a \
         handle of prometheus-client holds the exported buckets and no fine ones, so that it is \
         smaller and bends later. Nothing is looked up by name while a workflow runs.",
    ),
    (
        "labels",
        "In random order. A value through a handle goes to four places of the thread's own cells \
         (the table of the thread, an exported bucket, a fine one, the sum), and prometheus-client's \
         to two that all threads share: with more series than a cache holds, each place is a miss. \
         The look-up adds a hash of the label values, and a copy of them, which is why handles are \
         resolved once.",
    ),
    (
        "spans",
        "The root is dearer than a step: identities are made and the sampler is asked once a trace. \
         The more spans share it, the nearer the cost comes to that of one more step.",
    ),
    (
        "memory-workflows",
        "Allocated on the thread that begins them, and not freed there, while each waits in the second \
         of its three steps. A workflow's own memory does not depend on how many there are.",
    ),
    (
        "memory-spans",
        "The same for a workflow that waits when so many spans are recorded. Ours keeps a trace \
         together until its outermost span ends, so it grows with what is recorded, a block at a \
         time, and hands over what is much before that. Peers give each span that has ended to \
         another thread: it is counted here too, as nobody has freed it on this one, and how much of \
         it is kept there until the next batch is theirs to say.",
    ),
    (
        "threads",
        "What each of two threads pays, over what one pays alone: 1 where nothing is shared. Rounds \
         in which the two did not run at the same time, as on a busy machine, are left out.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page_of(points: &[[f64; 2]]) -> String {
        let curves = json!([{
            "name": "labels", "title": "Labels", "x": "label sets", "y": "ns a value",
            "bytes_each": 1024.0, "series": [{"name": "tta", "points": points}],
        }]);
        page(&curves, "2 cores.", false).unwrap()
    }

    #[test]
    fn a_curve_has_its_picture_its_points_and_its_memory() {
        let page = page_of(&[[10.0, 4.0], [100.0, 4.0]]);
        assert!(page.contains("![Labels](labels.svg)"), "{page}");
        assert!(page.contains("| 10 | 4.00 | 10 KiB"), "{page}");
        assert!(page.contains("no bend upwards of 1.25 or more"), "{page}");
    }

    #[test]
    fn a_bend_is_where_it_is_steepest() {
        let page = page_of(&[[1.0, 4.0], [10.0, 4.2], [100.0, 8.4], [1000.0, 10.0]]);
        let bend = "- tta: × 2.50 from end to end, × 2.00 of it between 10 and 100";
        assert!(page.contains(bend), "{page}");
    }

    #[test]
    fn a_point_that_no_round_measured_is_left_open() {
        let curves = json!([{
            "name": "threads", "title": "Threads", "x": "threads", "y": "times",
            "bytes_each": null, "series": [{"name": "tta", "points": [[1.0, 1.0], [2.0, null]]}],
        }]);
        let page = page(&curves, "2 cores.", false).unwrap();
        assert!(page.contains("| 2 | – |"), "{page}");
        assert!(
            page.contains("- tta: × – from end to end, no bend"),
            "{page}"
        );
    }

    #[test]
    fn memory_is_held_by_the_smallest_cache_that_is_large_enough() {
        let caches = [("L1".to_owned(), 1_000.0), ("L2".to_owned(), 10_000.0)];
        assert_eq!(held(900.0, &caches), "900 B, in L1");
        assert_eq!(held(2_048.0, &caches), "2 KiB, in L2");
        assert_eq!(held(20_480.0, &caches), "20 KiB, in no cache");
    }

    #[test]
    fn what_is_no_list_of_curves_makes_no_page() {
        assert!(page(&json!({}), "", false).is_none());
        assert!(page(&json!([{"name": "labels"}]), "", false).is_none());
    }
}
