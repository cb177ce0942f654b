//! The target [`detect_datagrams`](flowscope_fuzz::targets::detect_datagrams), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::detect_datagrams(data));
