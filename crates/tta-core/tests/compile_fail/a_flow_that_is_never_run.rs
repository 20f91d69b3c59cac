#![deny(unused_must_use)]

use tta_core::step;

fn main() {
    step("lazy", async |n: u64| Ok(n));
}
