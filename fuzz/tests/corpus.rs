//! The inputs that were worth keeping, through the targets they were kept for.

use std::fs;
use std::path::Path;

use tta_fuzz::TARGETS;

#[test]
fn every_kept_input_is_borne() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let inputs: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(
            inputs.len() > 5,
            "{} holds next to nothing",
            folder.display()
        );
        for input in inputs {
            target(&fs::read(input).unwrap());
        }
    }
}
