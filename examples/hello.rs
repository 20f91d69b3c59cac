//! Two steps, composed; no telemetry, no set-up.

use tta::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let trim = step("trim", async |text: String| Ok(text.trim().to_owned()));
    let greet = step("greet", async |name: String| Ok(format!("hello, {name}")));
    let flow = trim >> greet;
    println!("{}", flow.run("  world ".to_owned()).await?);
    Ok(())
}
