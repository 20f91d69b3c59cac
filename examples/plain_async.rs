//! No combinators: plain `async` Rust, in which a future is observed by naming it.

use std::time::Duration;

use tta::prelude::*;

async fn search(question: &str) -> std::io::Result<Vec<String>> {
    tokio::time::sleep(Duration::from_millis(30)).await;
    Ok(vec![format!("about {question}")])
}

async fn write(documents: &[String]) -> Result<String> {
    tokio::time::sleep(Duration::from_millis(10)).await;
    Ok(documents.join(", "))
}

async fn answer(question: &str, ctx: &WorkflowContext) -> Result<String> {
    let mut documents = ctx.observe("search", search(question)).await?;
    if documents.len() < 2 {
        let wider = format!("{question} in general");
        documents.extend(ctx.observe("search_again", search(&wider)).await?);
    }
    ctx.observe("write", write(&documents)).await
}

#[tokio::main]
async fn main() -> Result<()> {
    let observability = tta::initialize_observability("plain_async");
    let ctx = WorkflowContext::new();
    println!("{}", ctx.workflow("answer", answer("spans", &ctx)).await?);
    println!("{}", observability.shutdown());
    Ok(())
}
