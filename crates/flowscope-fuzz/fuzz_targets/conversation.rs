//! The target [`conversation`](flowscope_fuzz::targets::conversation), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::conversation(data));
