//! The screen, while it is there.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::time::Duration;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::thread;

use flowscope_record::text::printable;
use flowscope_tokio::{AsyncCapture, EventStream, FrameSource};
use futures_util::StreamExt as _;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::arguments::Top;
use super::choice::Choice;
use super::screen::{About, draw};
use super::view::View;
use super::watcher::Watcher;
use crate::error::Failure;
use crate::live::signals::Signals;

/// Shows what passes, until the user has seen enough.
pub(crate) fn show(arguments: Top) -> Result<Vec<Failure>, Failure> {
    if !std::io::stdout().is_terminal() {
        return Err(Failure::Usage("a screen needs a terminal"));
    }
    #[cfg(feature = "live")]
    if let Some(name) = &arguments.interface {
        let capture = crate::live::open(name, &arguments.capture)?;
        return watch(capture, name);
    }
    let file = arguments.file.ok_or(Failure::Usage(NOTHING))?;
    let capture = AsyncCapture::replay(&file, arguments.replay.0);
    let capture = capture.map_err(|error| Failure::Capture(error.to_string()))?;
    let name = file.file_name().unwrap_or(file.as_os_str());
    watch(capture, &name.to_string_lossy())
}

fn watch<S: FrameSource>(capture: AsyncCapture<S>, name: &str) -> Result<Vec<Failure>, Failure> {
    let failed = |error: std::io::Error| Failure::Capture(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(failed)?;
    let signals = Signals::new().map_err(failed)?;
    let about = About {
        source: printable(name),
        ..About::default()
    };
    // From here on a panic, too, leaves the terminal as it was.
    let terminal = ratatui::try_init().map_err(failed)?;
    let keys = Keys::listen();
    let session = Session {
        stream: capture.with_driver(Watcher::new()),
        about,
        view: View::default(),
        choice: Choice::default(),
        looked: Instant::now(),
    };
    let seen = runtime.block_on(session.run(terminal, keys, signals));
    ratatui::restore();
    seen.map(|()| Vec::new()).map_err(failed)
}

struct Session<S> {
    stream: EventStream<S, Watcher>,
    about: About,
    view: View,
    choice: Choice,
    looked: Instant,
}

impl<S: FrameSource> Session<S> {
    async fn run(
        mut self,
        mut terminal: DefaultTerminal,
        mut keys: Keys,
        mut signals: Signals,
    ) -> std::io::Result<()> {
        let mut tick = interval_at(Instant::now() + BETWEEN_LOOKS, BETWEEN_LOOKS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.choice.is_over {
            self.about.counts = self.stream.counts();
            terminal.draw(|frame| draw(frame, &self.about, &self.view, &self.choice))?;
            tokio::select! {
                end = self.stream.next(), if self.about.end.is_none() => {
                    self.about.end = Some(match end {
                        Some(Err(error)) => printable(&error.to_string()),
                        _ => "the end".to_owned(),
                    });
                }
                _ = tick.tick() => self.look(),
                event = keys.0.recv() => match event {
                    Some(event) => self.take(&event),
                    // There is no way to end it any more.
                    None => return Ok(()),
                },
                () = signals.asked() => return Ok(()),
            }
        }
        Ok(())
    }

    fn look(&mut self) {
        if !self.choice.is_paused {
            let passed = self.looked.elapsed();
            self.looked = Instant::now();
            self.view = self.stream.driver_mut().look(&self.choice, passed);
        }
    }

    fn take(&mut self, event: &Event) {
        if let Event::Key(key) = event
            && key.kind != KeyEventKind::Release
        {
            self.choice.press(*key, &self.view);
            // What is there is put in the new order at once.
            let wanted = |row: &super::view::Row| self.choice.wants(row);
            self.view.rows.retain(wanted);
            self.choice.sort(&mut self.view.rows);
        }
    }
}

/// What comes from the keyboard, and new sizes of the terminal.
struct Keys(mpsc::Receiver<Event>, Arc<AtomicBool>);

impl Keys {
    fn listen() -> Self {
        let (sender, receiver) = mpsc::channel(32);
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = is_over.clone();
        thread::spawn(move || {
            while !ends.load(Relaxed) {
                match event::poll(BETWEEN_KEYS) {
                    Ok(false) => {}
                    Ok(true) => {
                        let sent = event::read().map(|event| sender.blocking_send(event));
                        if !matches!(sent, Ok(Ok(()))) {
                            return;
                        }
                    }
                    Err(_) => return,
                }
            }
        });
        Self(receiver, is_over)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.1.store(true, Relaxed);
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
const BETWEEN_KEYS: Duration = Duration::from_millis(100);
const NOTHING: &str = if cfg!(feature = "live") {
    "neither an interface nor a capture was named"
} else {
    "no capture was named"
};

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::env;
    use std::process::Command;

    /// The test is its own program, in a terminal that `script` makes.
    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        if env::var_os("FLOWSCOPE_TEST_PANIC").is_some() {
            let _terminal = ratatui::try_init().expect("there is a terminal");
            panic!("on purpose");
        }
        let program = env::current_exe().expect("it runs");
        let name = "top::run::tests::a_panic_leaves_the_terminal_as_it_was";
        let line = format!("{} --exact {name} --nocapture", program.display());
        let script = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env("FLOWSCOPE_TEST_PANIC", "1")
            .output();
        let Ok(output) = script else {
            eprintln!("SKIPPED: script is not installed");
            return;
        };
        let shown = String::from_utf8_lossy(&output.stdout);
        let entered = shown.find("\u{1b}[?1049h").expect("the screen is taken");
        let left = shown.rfind("\u{1b}[?1049l").expect("it is given back");
        let said = shown.find("on purpose").expect("the panic is told");
        assert!(entered < left && left < said, "{shown:?}");
    }
}
