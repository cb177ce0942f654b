//! The target [`records`](flowscope_fuzz::targets::records), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::records(data));
