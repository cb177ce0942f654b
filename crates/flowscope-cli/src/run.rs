//! From the command line to the exit status.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory;
use flowscope_record::text::printable;
use flowscope_record::{Goal, Record, RecordTracker};

use crate::args::{Arguments, Command, Options};
use crate::captures;
use crate::cut;
use crate::error::Failure;
use crate::exported;
use crate::extraction::Extraction;
use crate::input::Input;
use crate::output::Target;
use crate::page;
use crate::parallel;
use crate::progress::{Progress, Screen};
use crate::writer::Writer;

/// Does what the arguments say, and tells standard error what went wrong.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let is_quiet = arguments.options.quiet;
    let failures = perform(arguments).unwrap_or_else(|failure| vec![failure]);
    if !is_quiet {
        let mut stderr = io::stderr().lock();
        for failure in &failures {
            // One line for each, whatever a file is called.
            let failure = printable(&failure.to_string());
            // There is nowhere left to complain about standard error.
            let _ = writeln!(stderr, "flowscope: {failure}");
        }
    }
    failures.first().map_or(0, Failure::exit_status).into()
}

fn perform(arguments: Arguments) -> Result<Vec<Failure>, Failure> {
    let Arguments {
        command,
        options,
        captures,
    } = arguments;
    let mut folder = None;
    let (goal, captures) = match command {
        None => (Goal::Summary, captures),
        Some(Command::Summary(captures)) => (Goal::Summary, captures),
        Some(Command::Flows(captures)) => (Goal::Flows, captures),
        Some(Command::Events(captures)) => (Goal::Events, captures),
        Some(Command::All(captures)) => (Goal::All, captures),
        Some(Command::Http(captures)) => (Goal::Http, captures),
        Some(Command::Tls(captures)) => (Goal::Tls, captures),
        Some(Command::Dns(captures)) => (Goal::Dns, captures),
        Some(Command::Streams { extract, captures }) => {
            folder = extract;
            (Goal::Streams, captures)
        }
        #[cfg(feature = "live")]
        Some(Command::Live(arguments)) => return crate::live::listen(&options, arguments),
        #[cfg(feature = "live")]
        Some(Command::Interfaces) => return crate::live::list(&options),
        #[cfg(feature = "top")]
        Some(Command::Top(arguments)) => return crate::top::show(arguments),
        // These are other programs, unless something comes before their names.
        Some(Command::Parquet { .. }) => {
            return Err(Failure::Usage(
                "the options of parquet go behind the command",
            ));
        }
        Some(Command::Sql { .. }) => {
            return Err(Failure::Usage("the options of sql go behind the command"));
        }
        Some(Command::Cut {
            selection,
            captures,
        }) => return cut::run(&selection, &options, captures::named(captures.files)?),
        Some(Command::Report(captures)) => {
            return page::run(&options, captures::named(captures.files)?);
        }
        Some(Command::Schema) => return print(&options, &schema()),
        Some(Command::Completions { shell }) => return print(&options, &completions(shell)),
        Some(Command::Man { command }) => return print(&options, &manual(command.as_deref())?),
    };
    report(goal, folder, &options, captures::named(captures.files)?)
}

/// Reads the inputs and reports on them; comes back with what went wrong on
/// the way.
fn report(
    goal: Goal,
    folder: Option<PathBuf>,
    options: &Options,
    inputs: Vec<Input>,
) -> Result<Vec<Failure>, Failure> {
    let target = Target::named(options.output.clone());
    if target.is_among(&inputs) {
        return Err(Failure::Usage("the output is one of the captures"));
    }
    if options.format().is_exported() || options.to.is_some() {
        exported::check(goal, options, &target)?;
    }
    let writer = Writer::open(&target, options, goal);
    let mut writer = match writer {
        Ok(writer) => writer,
        Err(error) => return Failure::of_output(target, error).map(|()| Vec::new()),
    };
    let screen = if target.is_terminal() && goal != Goal::Summary {
        Screen::Busy
    } else {
        Screen::Free
    };
    let progress = Progress::new(options.progress(), &inputs, screen);
    // Set where nothing more is of use: there are enough records, or they cannot
    // be written.
    let is_done = Arc::new(AtomicBool::new(false));
    let extraction = folder.map(|folder| Extraction::into_folder(folder, is_done.clone()));
    let config = options.record_config(goal);
    if extraction.is_none() && parallel::gains(goal) && options.jobs() > 1 {
        let failures = parallel::read(&config, inputs, options.jobs(), progress, &mut writer);
        return match writer.finish() {
            Ok(()) => Ok(failures),
            Err(error) => Failure::of_output(target, error).map(|()| Vec::new()),
        };
    }
    let mut tracker = RecordTracker::new(config);
    if let Some(extraction) = &extraction {
        tracker = tracker.with_stream_writer(extraction.clone());
    }

    let mut write = |record: Record| {
        writer.write(&record);
        if writer.is_done() {
            is_done.store(true, Relaxed);
        }
    };
    let mut failures = captures::read(inputs, options.jobs(), progress, |source| {
        let batch = source.next_batch()?;
        let len = batch.len();
        let wanted = |packet| (!is_done.load(Relaxed)).then_some(packet);
        tracker.track_batch(batch.map_while(wanted), &mut write);
        Ok(match is_done.load(Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(len),
        })
    });
    tracker.finish(&mut write);
    let error = extraction.and_then(|extraction| extraction.take_error());
    failures.extend(error.map(|(path, error)| Failure::Extract { path, error }));
    match writer.finish() {
        Ok(()) => Ok(failures),
        Err(error) => Failure::of_output(target, error).map(|()| Vec::new()),
    }
}

/// Writes a text that was asked for.
fn print(options: &Options, text: &[u8]) -> Result<Vec<Failure>, Failure> {
    let target = Target::named(options.output.clone());
    let written = target.open().and_then(|mut out| {
        out.write_all(text)?;
        out.flush()
    });
    match written {
        Ok(()) => Ok(Vec::new()),
        Err(error) => Failure::of_output(target, error).map(|()| Vec::new()),
    }
}

/// The schema of records, for people to read, too.
fn schema() -> Vec<u8> {
    flowscope_record::schema::json_schema().into_bytes()
}

fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "flowscope", &mut script);
    script
}

/// The manual page of the command, or of one of its commands.
fn manual(command: Option<&str>) -> Result<Vec<u8>, Failure> {
    let mut whole = Arguments::command().disable_help_subcommand(true);
    whole.build();
    let part = match command {
        None => Some(&whole),
        Some(name) => whole.find_subcommand(name),
    };
    let part = part.ok_or(Failure::Usage("there is no such command"))?;
    let mut page = Vec::new();
    let version = env!("CARGO_PKG_VERSION");
    clap_mangen::Man::new(part.clone())
        .source(format!("flowscope {version}"))
        .render(&mut page)
        .expect("a vector takes everything");
    Ok(page)
}
