//! `flowscope top`: which flows are busy, on a screen.
//!
//! `Watcher` is given frames and keeps what the screen may need; `View` is what it
//! says of one moment; `Choice` is what the user wants to see of it; `screen`
//! draws the one as the other says.

mod arguments;
mod choice;
mod names;
mod run;
mod screen;
mod view;
mod watcher;

pub(crate) use arguments::Top;
pub(crate) use run::show;
