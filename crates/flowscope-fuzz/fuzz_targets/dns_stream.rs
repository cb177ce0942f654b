//! The target [`dns_stream`](flowscope_fuzz::targets::dns_stream), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::dns_stream(data));
