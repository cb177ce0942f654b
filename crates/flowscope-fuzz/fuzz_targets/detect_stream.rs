//! The target [`detect_stream`](flowscope_fuzz::targets::detect_stream), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::detect_stream(data));
