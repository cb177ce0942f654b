//! The formats of other tools.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::UdpSocket;
use std::path::PathBuf;

use flowscope_export::eve::EveWriter;
use flowscope_export::ipfix::{IpfixConfig, IpfixWriter};
use flowscope_export::zeek::{Form, Log, ZeekConfig, ZeekLogs};
use flowscope_record::{Goal, Record};

use crate::args::{Format, Options};
use crate::error::Failure;
use crate::output::Target;

/// Writes records in the format of another tool.
pub(crate) enum Exported {
    Zeek(Box<ZeekLogs<Box<dyn Write>, Open>>),
    Eve(Box<EveWriter<Box<dyn Write>>>),
    Ipfix(Box<IpfixWriter<Box<dyn Write>>>),
}

/// Opens a log by its name.
type Open = Box<dyn FnMut(&'static str) -> io::Result<Box<dyn Write>>>;

impl Exported {
    /// A writer, if the format is another tool's.
    pub(crate) fn open(target: &Target, options: &Options, goal: Goal) -> io::Result<Option<Self>> {
        let form = match options.format() {
            Format::Zeek => Form::Tsv,
            Format::ZeekJson => Form::Json,
            Format::Eve => return Ok(Some(Self::Eve(Box::new(EveWriter::new(target.open()?))))),
            Format::Ipfix => {
                let (config, out) = match &options.to {
                    Some(collector) => (IpfixConfig::UDP, Datagrams::to(collector)?),
                    None => (IpfixConfig::FILE, target.open()?),
                };
                return Ok(Some(Self::Ipfix(Box::new(IpfixWriter::new(config, out)))));
            }
            Format::Table | Format::Json | Format::Csv => return Ok(None),
        };
        let logs = logs(goal);
        let open = opener(target, &logs)?;
        let config = ZeekConfig {
            form,
            logs,
            local_nets: options.local_net.clone(),
        };
        Ok(Some(Self::Zeek(Box::new(ZeekLogs::new(config, open)))))
    }

    pub(crate) fn write(&mut self, record: &Record) -> io::Result<()> {
        match self {
            Self::Zeek(logs) => logs.write(record),
            Self::Eve(writer) => writer.write(record),
            Self::Ipfix(writer) => writer.write(record),
        }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Zeek(logs) => logs.flush(),
            Self::Eve(writer) => writer.flush(),
            Self::Ipfix(writer) => writer.flush(),
        }
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Zeek(logs) => logs.finish().map(|_| ()),
            Self::Eve(writer) => writer.finish().map(|_| ()),
            Self::Ipfix(writer) => writer.finish().map(|_| ()),
        }
    }
}

/// Whether the records of a goal can be written so, and there.
pub(crate) fn check(goal: Goal, options: &Options, target: &Target) -> Result<(), Failure> {
    let format = options.format();
    if options.to.is_some() && format != Format::Ipfix {
        return Err(Failure::Usage("only IPFIX is sent to a collector"));
    }
    if matches!(goal, Goal::Streams | Goal::Summary) {
        return Err(Failure::Usage(
            "the formats of other tools have no streams and no summary: use flows, events, http, \
             tls, dns or all with them",
        ));
    }
    if format == Format::Ipfix {
        let has_flows = matches!(goal, Goal::Flows | Goal::Events | Goal::All);
        return match has_flows {
            true if options.to.is_none() && target.is_terminal() => Err(Failure::Usage(
                "IPFIX is nothing to look at: name a file with --output, or a collector with --to",
            )),
            true => Ok(()),
            false => Err(Failure::Usage(
                "IPFIX has flows: use flows, events or all with it",
            )),
        };
    }
    let is_zeek = matches!(format, Format::Zeek | Format::ZeekJson);
    if is_zeek && logs(goal).len() > 1 && *target == Target::StandardOutput {
        return Err(Failure::Usage(
            "this is several logs: name the folder they go to with --output",
        ));
    }
    Ok(())
}

/// Which of Zeek's logs a command makes.
fn logs(goal: Goal) -> Vec<Log> {
    match goal {
        Goal::Flows => vec![Log::Conn],
        Goal::Events => vec![Log::Conn, Log::Weird],
        Goal::Http => vec![Log::Http],
        Goal::Tls => vec![Log::Ssl, Log::X509],
        Goal::Dns => vec![Log::Dns],
        _ => Log::ALL.to_vec(),
    }
}

/// Opens logs in the folder that was named; a single one also as a file, or on
/// standard output.
fn opener(target: &Target, logs: &[Log]) -> io::Result<Open> {
    let is_single = logs.len() == 1;
    let folder: PathBuf = match target {
        Target::File(path) if !is_single || path.is_dir() => path.clone(),
        target => {
            let target = target.clone();
            return Ok(Box::new(move |_| target.open()));
        }
    };
    fs::create_dir_all(&folder)?;
    Ok(Box::new(move |name| {
        let file = File::create(folder.join(format!("{name}.log")))?;
        Ok(Box::new(file))
    }))
}

/// Sends what is written at once as a datagram.
struct Datagrams(UdpSocket);

impl Datagrams {
    fn to(collector: &str) -> io::Result<Box<dyn Write>> {
        let targets: Vec<_> = std::net::ToSocketAddrs::to_socket_addrs(collector)?.collect();
        let is_ipv4 = targets.first().is_some_and(|target| target.is_ipv4());
        let socket = UdpSocket::bind(if is_ipv4 { "0.0.0.0:0" } else { "[::]:0" })?;
        socket.connect(targets.as_slice())?;
        Ok(Box::new(Self(socket)))
    }
}

impl Write for Datagrams {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        self.0.send(message)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
