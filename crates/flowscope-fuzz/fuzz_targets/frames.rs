//! The target [`frames`](flowscope_fuzz::targets::frames), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::frames(data));
