//! The target [`http`](flowscope_fuzz::targets::http), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::http(data));
