//! From the command line to the exit status.

use core::ops::ControlFlow;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;
use flowscope::detect::Protocol;
use flowscope::engine::EngineConfig;
use flowscope::engine::{Engine, PayloadConsumer};
use flowscope::extract::{AutoDetectEncap, FiveTuple, FlowExtractor, Scoped};

use crate::args::{Arguments, Command, Encap, Key, Options};
use crate::choice::Choice;
use crate::error::Failure;
use crate::extraction::Extraction;
use crate::format::Writer;
use crate::input::{self, Input};
use crate::listening::Aim;
use crate::observing::{Observer, Until};
use crate::output::Target;
use crate::progress::{Progress, Screen};
use crate::queue::Queue;
use crate::record::HasEnds;
use crate::report::{Report, Subject};
use crate::streams::{StreamReader, Streamed};
use crate::tally::Span;
use crate::tracking::{Follow, Recorder};
use crate::units;
use crate::watching::Watcher;

/// Does what the arguments say, and tells standard error what went wrong.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let is_quiet = arguments.options.quiet;
    let failures = perform(arguments).unwrap_or_else(|failure| vec![failure]);
    if !is_quiet {
        let mut stderr = io::stderr().lock();
        for failure in &failures {
            // One line for each, whatever a file is called.
            let failure = units::printable(&failure.to_string());
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
    let (subject, captures) = match command {
        None => (Subject::Summary, captures),
        Some(Command::Summary(captures)) => (Subject::Summary, captures),
        Some(Command::Flows(captures)) => (Subject::Flows, captures),
        Some(Command::Events(captures)) => (Subject::Events, captures),
        Some(Command::All(captures)) => (Subject::All, captures),
        Some(Command::Http(captures)) => (Subject::Messages(Protocol::Http), captures),
        Some(Command::Tls(captures)) => (Subject::Messages(Protocol::Tls), captures),
        Some(Command::Dns(captures)) => (Subject::Messages(Protocol::Dns), captures),
        Some(Command::Streams { extract, captures }) => {
            folder = extract;
            (Subject::Streams, captures)
        }
        Some(Command::Completions { shell }) => return print(&options, &completions(shell)),
        Some(Command::Man { command }) => return print(&options, &manual(command.as_deref())?),
    };
    report(subject, folder, &options, input::named(captures.files)?)
}

/// Reads the inputs and reports on them; comes back with what went wrong on
/// the way.
fn report(
    subject: Subject,
    folder: Option<PathBuf>,
    options: &Options,
    inputs: Vec<Input>,
) -> Result<Vec<Failure>, Failure> {
    let target = Target::named(options.output.clone());
    if target.is_among(&inputs) {
        return Err(Failure::Usage("the output is one of the captures"));
    }
    let writer = Writer::open(&target, options.format(), subject.schema(), options.limit);
    let writer = match writer {
        Ok(writer) => writer,
        Err(error) => return target.closed(error),
    };
    let screen = if target.is_terminal() && subject != Subject::Summary {
        Screen::Busy
    } else {
        Screen::Free
    };
    let job = Job {
        subject,
        folder,
        config: EngineConfig {
            checksums: options.checksums.into(),
            ..options.config()
        },
        jobs: options.jobs,
        progress: Progress::new(options.progress(), &inputs, screen),
        inputs,
        report: Report::new(subject, writer),
    };
    let choice = Choice {
        key: options.key,
        encap: options.encap,
    };
    let mut scoped = Scoped::new(choice);
    if options.vlan_in_key {
        scoped = scoped.with_vlan();
    }
    if options.tunnel_in_key {
        scoped = scoped.with_tunnel();
    }
    let is_scoped = options.vlan_in_key || options.tunnel_in_key;
    let (failures, written) = match (options.key, options.encap) {
        (Key::FiveTuple, Encap::Auto) if !is_scoped => {
            job.run(AutoDetectEncap::new(FiveTuple::bidirectional()))
        }
        (Key::FiveTuple, Encap::None) if !is_scoped => job.run(FiveTuple::bidirectional()),
        _ => job.run(scoped),
    };
    match written {
        Ok(()) => Ok(failures),
        Err(error) => target.closed(error),
    }
}

/// All that it takes but a way to tell flows apart.
struct Job {
    subject: Subject,
    /// Where streams are to be written to.
    folder: Option<PathBuf>,
    config: EngineConfig,
    jobs: u16,
    inputs: Vec<Input>,
    progress: Progress,
    report: Report,
}

impl Job {
    fn run<E>(self, extractor: E) -> (Vec<Failure>, io::Result<()>)
    where
        E: FlowExtractor<Key: HasEnds>,
    {
        match self.subject {
            Subject::Streams => self.read_streams(extractor),
            Subject::Flows => self.follow_flows(extractor, Recorder::with_glances()),
            Subject::Events => {
                let recorder = Recorder::with_glances();
                self.follow_flows(extractor, Observer::new(recorder, Watcher, Until::End))
            }
            Subject::Summary => self.follow_flows(extractor, Aim::Names.observer()),
            Subject::All => self.follow_flows(extractor, Aim::Everything.observer()),
            Subject::Messages(protocol) => {
                self.follow_flows(extractor, Aim::Only(protocol).observer())
            }
        }
    }

    fn read_streams<E>(self, extractor: E) -> (Vec<Failure>, io::Result<()>)
    where
        E: FlowExtractor<Key: HasEnds>,
    {
        let mut report = self.report;
        let reader = StreamReader::new(self.folder.map(Extraction::into_folder));
        let payload = PayloadConsumer::new(reader);
        let mut engine = Engine::with_consumer(extractor, payload, self.config);
        let mut write = |streamed: Streamed| {
            if let Streamed(Some(stream)) = streamed {
                report.stream(&stream);
            }
            report.is_done()
        };
        let mut failures = input::read(self.inputs, self.jobs, self.progress, |packet| {
            let mut is_done = false;
            engine.track(packet, &mut |streamed| is_done |= write(streamed));
            let extraction = engine.consumer().reader().extraction();
            match is_done || extraction.is_some_and(Extraction::has_failed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        engine.finish(&mut |streamed| {
            write(streamed);
        });
        let extraction = engine.consumer_mut().reader_mut().take_extraction();
        let error = extraction.and_then(Extraction::into_error);
        failures.extend(error.map(|(path, error)| Failure::Extract { path, error }));
        (failures, report.finish(engine.stats(), None))
    }

    fn follow_flows<E, C>(self, extractor: E, consumer: C) -> (Vec<Failure>, io::Result<()>)
    where
        E: FlowExtractor<Key: HasEnds>,
        C: Follow<E::Key>,
    {
        let Self {
            folder: _,
            subject: _,
            config,
            jobs,
            inputs,
            progress,
            mut report,
        } = self;
        let mut engine = Engine::with_consumer(extractor, consumer, config);
        let mut span = None;
        let mut queue = Queue::default();

        let failures = input::read(inputs, jobs, progress, |packet| {
            span = Some(Span::including(span, &packet));
            engine.track(packet, &mut |tracked| queue.push(tracked, &mut report));
            queue.flush(&mut report, |id| {
                let key = engine.flow_key(id).expect(LIVES);
                let state = engine.flow_state(id).expect(LIVES);
                (key.ends(), C::notes(state).icmp)
            });
            match report.is_done() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        engine.finish(&mut |tracked| queue.push(tracked, &mut report));
        (failures, report.finish(engine.stats(), span))
    }
}

/// Why a flow to which something happened is there.
const LIVES: &str = "a flow that ended was named by its end";

/// Writes a text that was asked for.
fn print(options: &Options, text: &[u8]) -> Result<Vec<Failure>, Failure> {
    let target = Target::named(options.output.clone());
    let written = target.open().and_then(|mut out| {
        out.write_all(text)?;
        out.flush()
    });
    match written {
        Ok(()) => Ok(Vec::new()),
        Err(error) => target.closed(error),
    }
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
