//! Fingerprints of clients and servers by what their hellos look like.

#[cfg(feature = "ja3")]
mod ja3;
#[cfg(feature = "ja4")]
mod ja4;

#[cfg(feature = "ja3")]
pub use ja3::Ja3;
#[cfg(feature = "ja4")]
pub use ja4::Ja4;
