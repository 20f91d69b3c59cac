//! A graph of steps that is known only when the program runs.

use serde_json::Value;
use tta::prelude::*;
use tta::{BoxFlow, conditional, parallel_all, sequence_all};

/// Whatever its make, a flow of one type can stand where any other of that type stands.
type TextFlow = BoxFlow<String, String>;

const GRAPH: &str = r#"
    ["trim",
     {"all": ["upper", "reverse"]},
     {"if_longer_than": 20, "then": "shorten"}]
"#;

/// A name is a step, a list a sequence, `all` runs at once, `if_longer_than` decides.
fn build(node: &Value) -> Result<TextFlow> {
    if let Some(name) = node.as_str() {
        return named_step(name);
    }
    if let Some(list) = node.as_array() {
        return sequence_all(list.iter().map(build).collect::<Result<Vec<_>>>()?);
    }
    if let Some(list) = node["all"].as_array() {
        let branches = list.iter().map(build).collect::<Result<Vec<_>>>()?;
        let join = step("join", async |texts: Vec<String>| Ok(texts.join(" | ")));
        return (parallel_all(branches)?.with_name("all") >> join).boxed();
    }
    if let Some(limit) = node["if_longer_than"].as_u64() {
        let then = build(&node["then"])?;
        return conditional(move |text: &String, _| text.len() as u64 > limit, then).boxed();
    }
    Err(Error::new(
        ErrorKind::Configuration,
        format!("`{node}` is no step, list, all or if"),
    ))
}

fn named_step(name: &str) -> Result<TextFlow> {
    match name {
        "trim" => step("trim", async |text: String| Ok(text.trim().to_owned())).boxed(),
        "upper" => step("upper", async |text: String| Ok(text.to_uppercase())).boxed(),
        "reverse" => step("reverse", async |text: String| {
            Ok(text.chars().rev().collect())
        })
        .boxed(),
        "shorten" => step("shorten", async |text: String| {
            Ok(text.chars().take(20).collect())
        })
        .boxed(),
        _ => Err(Error::new(
            ErrorKind::Configuration,
            format!("there is no step `{name}`"),
        )),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let flow = build(&serde_json::from_str(GRAPH)?)?.named("from_config");
    println!("{}", flow.run("  what a graph ".to_owned()).await?);
    Ok(())
}
