//! The target [`capture`](flowscope_fuzz::targets::capture), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::capture(data));
