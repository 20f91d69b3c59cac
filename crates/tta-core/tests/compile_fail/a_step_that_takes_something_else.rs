use tta_core::step;

fn main() {
    let count = step("count", async |text: String| Ok(text.len()));
    let shout = step("shout", async |text: String| Ok(text.to_uppercase()));
    let _ = count >> shout;
}
