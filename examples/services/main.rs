//! Three services and one trace: a shop that calls a price service and queues a job, and the worker
//! that does it.
//!
//! Each runs in a task of its own here; they share nothing but HTTP and the queue, as they would in
//! processes of their own.
//!
//! ```text
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 cargo run --example services
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tta::prelude::*;
use tta::{HttpClientConfig, HttpClientMiddleware, HttpServerLayer, Messages, RequestContext};

/// What a queue carries: the headers take the context along.
struct Job {
    headers: HashMap<String, String>,
    order: String,
}

#[derive(Clone)]
struct Shop {
    prices: SocketAddr,
    client: ClientWithMiddleware,
    jobs: mpsc::Sender<Job>,
}

/// The first service: asks for the price and queues the invoice.
async fn order(
    State(shop): State<Shop>,
    RequestContext(ctx): RequestContext,
    Path(item): Path<String>,
) -> Result<Json<u64>, StatusCode> {
    let place = step(
        "place_order",
        async |(shop, item): (Shop, String), ctx: &WorkflowContext| {
            // The client finds the step that is running by itself.
            let url = format!("http://{}/prices/{item}", shop.prices);
            let answer = shop.client.get(url).send().await?;
            let price: u64 = answer.text().await?.parse()?;

            let mut headers = HashMap::new();
            let sending = queue().sender(ctx, &mut headers);
            let sent = shop
                .jobs
                .send(Job {
                    headers,
                    order: item,
                })
                .await;
            sending.end();
            sent.map_err(|_| Error::new(ErrorKind::Unavailable, "nobody works on invoices"))?;
            Ok(price)
        },
    );
    let placed = place.named("order").execute((shop, item), &ctx).await;
    placed.map(Json).map_err(|_| StatusCode::BAD_GATEWAY)
}

/// The second service.
async fn price(RequestContext(ctx): RequestContext, Path(item): Path<String>) -> String {
    let look_up = step("look_up", async |item: String| Ok(item.len() as u64 * 100));
    let price = look_up.named("price").execute(item, &ctx).await;
    price.unwrap_or_default().to_string()
}

/// The worker.
async fn work(mut jobs: mpsc::Receiver<Job>, done: mpsc::Sender<String>) {
    let invoice = step("write_invoice", async |order: String| {
        tracing::info!(order, "invoice written");
        Ok(order)
    });
    let invoice = invoice.named("invoice");
    while let Some(Job { headers, order }) = jobs.recv().await {
        let written = queue()
            .process(&headers, async |ctx| invoice.execute(order, &ctx).await)
            .await;
        match written {
            Ok(order) => drop(done.send(order).await),
            Err(error) => eprintln!("failed to write an invoice: {error}"),
        }
    }
}

fn queue() -> Messages {
    Messages::new("memory", "invoices")
}

/// Serves until the program ends, and says where.
async fn serve(app: Router) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = app.layer(HttpServerLayer::new().with_matched_path());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

#[tokio::main]
async fn main() -> Result<()> {
    let observability = tta::initialize_observability("services");
    run().await?;
    println!("{}", observability.shutdown());
    Ok(())
}

/// A customer's order, from the request to the invoice.
pub(crate) async fn run() -> Result<()> {
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(HttpClientMiddleware::new(HttpClientConfig::new()))
        .build();
    let (jobs, queued) = mpsc::channel(16);
    let (done, mut invoices) = mpsc::channel(16);
    tokio::spawn(work(queued, done));
    let prices = serve(Router::new().route("/prices/{item}", get(price))).await?;
    let shop = Shop {
        prices,
        client: client.clone(),
        jobs,
    };
    let shop = serve(
        Router::new()
            .route("/orders/{item}", post(order))
            .with_state(shop),
    )
    .await?;

    let url = format!("http://{shop}/orders/lamp");
    let ctx = WorkflowContext::new();
    let ordering = async {
        let answer = client.post(url).send().await?;
        Ok::<_, Error>(answer.text().await?)
    };
    println!("price {}", ctx.workflow("customer", ordering).await?);
    println!("trace {}", ctx.trace_id());

    if let Some(invoice) = invoices.recv().await {
        println!("invoice for {invoice}");
    }
    Ok(())
}
