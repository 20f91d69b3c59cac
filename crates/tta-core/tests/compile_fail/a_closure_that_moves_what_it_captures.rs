use tta_core::step;

fn main() {
    let prefix = String::from("[fr] ");
    let _ = step("translate", async move |text: String| Ok(format!("{prefix}{text}")));
}
