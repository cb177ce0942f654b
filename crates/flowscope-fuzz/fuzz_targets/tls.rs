//! The target [`tls`](flowscope_fuzz::targets::tls), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::tls(data));
