use tta_core::step;

fn main() {
    let count = step("count", async |text: String| Ok(text.len()));
    let double = step("double", async |n: usize| Ok(n * 2));
    let _ = count | double;
}
