#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tta_fuzz::traceparent(data));
