//! The target [`dns_datagrams`](flowscope_fuzz::targets::dns_datagrams), run by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flowscope_fuzz::targets::dns_datagrams(data));
