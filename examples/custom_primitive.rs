//! A step with state and settings of its own is a type that implements `Primitive`.

use std::collections::HashMap;

use tta::prelude::*;

/// Answers from a table; what is not in it is an error that says what is.
struct Glossary {
    entries: HashMap<&'static str, &'static str>,
}

impl Primitive for Glossary {
    type Input = String;
    type Output = String;

    fn name(&self) -> &'static str {
        "glossary"
    }

    async fn execute(&self, word: String, ctx: &WorkflowContext) -> Result<String> {
        ctx.set_attribute("entries", self.entries.len());
        let meaning = self.entries.get(word.as_str()).ok_or_else(|| {
            let mut known: Vec<_> = self.entries.keys().copied().collect();
            known.sort_unstable();
            let message = format!("no entry `{word}`; there are {}", known.join(", "));
            Error::new(ErrorKind::NotFound, message)
        })?;
        Ok((*meaning).to_owned())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let entries = HashMap::from([
        ("span", "a timed piece of work"),
        ("trace", "a tree of spans"),
    ]);
    let lower = step("lower", async |word: String| Ok(word.to_lowercase()));

    // A primitive is an operand like any step, and observed like any step.
    let define = (lower >> Glossary { entries }).named("define");

    println!("{}", define.run("Span".to_owned()).await?);
    if let Err(error) = define.run("Metric".to_owned()).await {
        println!("{error} ({} at {})", error.kind(), error.step());
    }
    Ok(())
}
