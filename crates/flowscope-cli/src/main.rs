//! The flowscope command.
fn main() {}
