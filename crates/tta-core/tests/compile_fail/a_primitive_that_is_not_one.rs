use tta_core::Flow;

struct Translate;

fn main() {
    let _ = Flow::new(Translate);
}
