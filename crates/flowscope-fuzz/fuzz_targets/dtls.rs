//! The target [`dtls`](flowscope_fuzz::targets::dtls), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::dtls(data));
