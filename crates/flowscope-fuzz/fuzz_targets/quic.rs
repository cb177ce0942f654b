//! The target [`quic`](flowscope_fuzz::targets::quic), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::quic(data));
