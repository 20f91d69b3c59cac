//! One `init` line, three steps, two of them at once: traces, metrics and logs of all of them.
//!
//! Nothing leaves the process until an endpoint is set:
//!
//! ```text
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 cargo run --example observed
//! ```

use std::time::Duration;

use tta::prelude::*;

async fn search(question: String, ctx: &WorkflowContext) -> Result<Vec<String>> {
    tokio::time::sleep(Duration::from_millis(30)).await;
    ctx.set_attribute("documents", 2_usize);
    Ok(vec![
        format!("about {question}"),
        format!("more about {question}"),
    ])
}

async fn recall(question: String) -> Result<String> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(format!("you asked about {question} before"))
}

async fn write((documents, memory): (Vec<String>, String)) -> Result<String> {
    tokio::time::sleep(Duration::from_millis(10)).await;
    tracing::info!(documents = documents.len(), "writing the answer");
    Ok(format!("{}; {memory}", documents.join(", ")))
}

#[tokio::main]
async fn main() -> Result<()> {
    let observability = tta::initialize_observability("observed");

    let gather = step("search", search) | step("recall", recall);
    let answer = (gather >> step("write", write)).named("answer");

    let ctx = WorkflowContext::new();
    println!("{}", answer.execute("spans".to_owned(), &ctx).await?);
    println!("trace {}", ctx.trace_id());
    for metrics in tta::registry().all_primitive_metrics() {
        println!("{:8} {:?}", metrics.name(), metrics.mean());
    }
    println!("{}", observability.shutdown());
    Ok(())
}
