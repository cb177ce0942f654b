//! The target [`fragments`](flowscope_fuzz::targets::fragments), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::fragments(data));
