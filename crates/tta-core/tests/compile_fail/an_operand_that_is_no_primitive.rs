use tta_core::step;

fn main() {
    let count = step("count", async |text: String| Ok(text.len()));
    let _ = count >> "print";
}
