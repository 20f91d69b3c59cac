//! Images: pinned, built in stages, and run by nobody with rights.

/// Whether an image is the same tomorrow: a version as its tag, or a digest.
pub(crate) fn is_pinned(image: &str) -> bool {
    if image.contains("@sha256:") {
        return true;
    }
    // A port of a registry comes before the last slash.
    let name = image.rsplit('/').next().unwrap_or(image);
    let tag = name.split_once(':').map_or("", |(_, tag)| tag);
    let version = tag.strip_prefix('v').unwrap_or(tag);
    // "8" and "8-alpine" are whatever the newest is.
    version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.')
}

/// What is wrong with a Dockerfile.
pub(crate) fn wrong_dockerfile(text: &str, ignored: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_from = |line: &&&str| line.starts_with("FROM ");
    let stages = lines.iter().filter(is_from).count();
    let last = lines.iter().rposition(|line| line.starts_with("FROM "));
    let last: &[&str] = last.and_then(|at| lines.get(at..)).unwrap_or(&[]);
    let of_last = |keyword: &str| {
        let found = last
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix(keyword));
        found.unwrap_or_default().trim()
    };
    let mut wrong = Vec::new();
    for line in lines.iter().filter(is_from) {
        let image = line.split_whitespace().nth(1).unwrap_or_default();
        if !is_pinned(image) {
            wrong.push(format!("{image} is not pinned"));
        }
    }
    if stages < 2 {
        wrong.push("what builds is in the image that runs".to_owned());
    }
    let user = of_last("USER ").split(':').next().unwrap_or_default();
    // Kubernetes can see of a number alone that it is not root.
    if user.parse::<u32>().unwrap_or(0) == 0 {
        wrong.push(format!(
            "the user of the last stage is `{user}`, no number above 0"
        ));
    }
    if !of_last("ENTRYPOINT ").starts_with('[') {
        wrong.push("the entry point is a shell's line: no signal reaches the program".to_owned());
    }
    let builder = lines
        .iter()
        .find_map(|line| line.strip_prefix("FROM rust:"));
    let builder = builder.and_then(|rest| rest.split(['-', ' ']).next());
    let toolchain = lines
        .iter()
        .find_map(|line| line.strip_prefix("ENV RUSTUP_TOOLCHAIN="));
    if builder != toolchain {
        wrong.push("it builds with another toolchain than its image's".to_owned());
    }
    for folder in ["/target", "/.git"] {
        if !ignored.lines().any(|line| line == folder) {
            wrong.push(format!(".dockerignore sends {folder} to the builder"));
        }
    }
    wrong
}

/// The port that an image exposes.
pub(crate) fn exposed(dockerfile: &str) -> Option<u64> {
    let line = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("EXPOSE "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKERFILE: &str = "FROM rust:1.95.0-slim AS build\nENV RUSTUP_TOOLCHAIN=1.95.0\nFROM base@sha256:00\n\
        USER 65532:65532\nEXPOSE 9464\nENTRYPOINT [\"/a\"]\n";
    const IGNORED: &str = "/target\n/.git\n";

    #[test]
    fn a_version_or_a_digest_pins() {
        for pinned in [
            "redis:8.10.0-alpine",
            "a/b:v3.13.1",
            "a:nonroot@sha256:00",
            "h:5000/a:1.0",
        ] {
            assert!(is_pinned(pinned), "{pinned}");
        }
        for loose in [
            "redis",
            "redis:latest",
            "redis:8",
            "redis:8-alpine",
            "h:5000/a",
            "a:nonroot",
        ] {
            assert!(!is_pinned(loose), "{loose}");
        }
    }

    #[test]
    fn a_dockerfile_as_it_should_be_is_fine() {
        assert_eq!(wrong_dockerfile(DOCKERFILE, IGNORED), Vec::<String>::new());
        assert_eq!(exposed(DOCKERFILE), Some(9464));
    }

    #[test]
    fn each_fault_of_a_dockerfile_is_named() {
        for (right, wrong, named) in [
            ("base@sha256:00", "base:latest", "not pinned"),
            (
                "FROM rust:1.95.0-slim AS build\nENV RUSTUP_TOOLCHAIN=1.95.0\n",
                "",
                "what builds",
            ),
            ("ENV RUSTUP_TOOLCHAIN=1.95.0\n", "", "another toolchain"),
            ("rust:1.95.0-slim", "rust:1.96.0-slim", "another toolchain"),
            ("USER 65532:65532\n", "", "the user"),
            ("USER 65532:65532", "USER root", "the user"),
            ("USER 65532:65532", "USER 0", "the user"),
            ("[\"/a\"]", "/a", "shell's line"),
        ] {
            let found = wrong_dockerfile(&DOCKERFILE.replace(right, wrong), IGNORED);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(named), "{found:?}");
        }
        assert_eq!(wrong_dockerfile(DOCKERFILE, "/target\n").len(), 1);
    }
}
