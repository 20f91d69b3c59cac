//! That the facade builds with no feature, with each alone, and with all.

use crate::command::Run;
use crate::steps::Step;
use crate::workspace::Workspace;

/// One step per set of features, read from the manifest so that a new one is never forgotten.
pub(crate) fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    let features = workspace
        .package(FACADE)
        .map(|facade| facade.features.clone());
    sets(&features.unwrap_or_default())
        .into_iter()
        .map(|set| {
            let name = format!("{FACADE} with {}", set.name);
            Step::needing(FACADE, name, workspace, move |voice| {
                let check = ["check", "-p", FACADE].into_iter();
                voice.run(Run::cargo(
                    workspace,
                    check.chain(set.args.iter().map(String::as_str)),
                ))
            })
        })
        .collect()
}

struct Set {
    name: String,
    args: Vec<String>,
}

fn sets(features: &[String]) -> Vec<Set> {
    let none = || vec!["--no-default-features".to_owned()];
    let alone = features
        .iter()
        .filter(|feature| *feature != "default")
        .map(|feature| Set {
            name: format!("`{feature}` alone"),
            args: [none(), vec!["--features".to_owned(), feature.clone()]].concat(),
        });
    let mut sets = vec![Set {
        name: "no feature".to_owned(),
        args: none(),
    }];
    sets.extend(alone);
    sets.push(Set {
        name: "all features".to_owned(),
        args: vec!["--all-features".to_owned()],
    });
    sets
}

const FACADE: &str = "tta";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_stands_alone_between_none_and_all() {
        let features = ["cache", "default", "router"].map(str::to_owned);
        let lines: Vec<String> = sets(&features)
            .iter()
            .map(|set| set.args.join(" "))
            .collect();
        let expected = [
            "--no-default-features",
            "--no-default-features --features cache",
            "--no-default-features --features router",
            "--all-features",
        ];
        assert_eq!(lines, expected);
    }
}
