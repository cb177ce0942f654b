//! The rules, as data.
//!
//! Each row carries an example that breaks it, which a test plants in an empty
//! workspace: a rule that cannot fail does not pass.

use super::manifest::Kind;
use super::references::Thing::{self, Macro, Path, Word};

/// Something that always holds in this workspace.
#[derive(Debug)]
pub(super) struct Rule {
    /// The rule, to be read after "but".
    pub(super) says: &'static str,
    pub(super) check: Check,
    /// A file that breaks the rule, and what is in it.
    #[cfg_attr(not(test), expect(dead_code, reason = "planted by the tests"))]
    pub(super) broken_by: (&'static str, &'static str),
}

/// How a rule is checked.
#[derive(Debug)]
pub(super) enum Check {
    /// A package's dependencies: these, perhaps those, and no others.
    DependsOnlyOn {
        package: &'static str,
        always: &'static [&'static str],
        sometimes: &'static [&'static str],
    },
    /// The crates of [`PROTOCOLS`] depend on the core and on what they name.
    Protocols,
    /// A package depends on no crates of the workspace but these. It is free
    /// to choose others.
    KnowsOnly {
        package: &'static str,
        kind: Kind,
        crates: &'static [&'static str],
    },
    /// No package goes by another name than its own.
    NotRenamed,
    /// Things that no source refers to whose path begins like this and not
    /// like that.
    Absent {
        what: &'static [Thing],
        under: &'static [&'static str],
        except: &'static [&'static str],
    },
}

impl Check {
    /// The packages whose dependencies it bounds.
    pub(super) fn packages(&self) -> Vec<&'static str> {
        match self {
            Self::DependsOnlyOn { package, .. } => vec![package],
            Self::KnowsOnly { package, kind, .. } if *kind == Kind::Shipped => vec![package],
            Self::Protocols => PROTOCOLS.iter().map(|it| it.package).collect(),
            Self::KnowsOnly { .. } | Self::NotRenamed | Self::Absent { .. } => Vec::new(),
        }
    }
}

/// A crate that reads a protocol.
#[derive(Debug)]
pub(super) struct Protocol {
    pub(super) package: &'static str,
    /// What it depends on besides the core.
    pub(super) always: &'static [&'static str],
    pub(super) sometimes: &'static [&'static str],
}

/// The crates of protocols. What may depend on one may depend on any of them, and
/// what holds for one holds for all.
pub(super) const PROTOCOLS: &[Protocol] = &[
    Protocol {
        package: "flowscope-http",
        always: &["httparse"],
        sometimes: &[],
    },
    Protocol {
        package: "flowscope-tls",
        always: &["memchr", "tls-parser"],
        // For fingerprints and certificates.
        sometimes: &["sha2", "md-5", "x509-parser"],
    },
    Protocol {
        package: "flowscope-quic",
        // It carries hellos of TLS. Initial packets are decrypted with the others.
        always: &["flowscope-tls", "aes-gcm", "hkdf", "sha2"],
        sometimes: &[],
    },
    Protocol {
        package: "flowscope-dns",
        always: &["hashbrown", "hickory-proto"],
        sometimes: &[],
    },
];

/// In a list of packages or folders: those of [`PROTOCOLS`].
pub(super) const EVERY_PROTOCOL: &str = "every protocol";

const CORE: &str = "crates/flowscope-core/src/";
const DETECT: &str = "crates/flowscope-detect/src/";
const PCAP: &str = "crates/flowscope-pcap/src/";
const RECORD: &str = "crates/flowscope-record/src/";
const EXPORT: &str = "crates/flowscope-export/src/";

/// Every crate but the facade and the outer ones.
const LIBRARIES: &[&str] = &[CORE, EVERY_PROTOCOL, DETECT, PCAP, RECORD, EXPORT];
/// Those of them that only compute.
const PURE: &[&str] = &[CORE, EVERY_PROTOCOL, DETECT, RECORD];

pub(super) const RULES: &[Rule] = &[
    // Crates.
    Rule {
        says: "flowscope-core depends on smoltcp and hashbrown, and may on the two it can be \
               observed by and on serde",
        check: Check::DependsOnlyOn {
            package: "flowscope-core",
            always: &["smoltcp", "hashbrown"],
            sometimes: &["metrics", "serde", "tracing"],
        },
        broken_by: (
            "crates/flowscope-core/Cargo.toml",
            "[package]\nname = \"flowscope-core\"\n[dependencies]\nsmoltcp = \"0\"\n\
             hashbrown = \"0\"\nlog = \"0\"\n",
        ),
    },
    Rule {
        says: "a protocol depends on the core and on what is its own",
        check: Check::Protocols,
        broken_by: (
            "crates/flowscope-http/Cargo.toml",
            "[package]\nname = \"flowscope-http\"\n[dependencies]\n\
             flowscope-core.workspace = true\nhttparse = \"1\"\nflowscope-pcap.workspace = true\n",
        ),
    },
    Rule {
        says: "flowscope-detect depends on the core and the protocols it tells apart, and may on \
               the reader",
        check: Check::DependsOnlyOn {
            package: "flowscope-detect",
            always: &["flowscope-core"],
            sometimes: &[EVERY_PROTOCOL, "flowscope-pcap"],
        },
        broken_by: (
            "crates/flowscope-detect/Cargo.toml",
            "[package]\nname = \"flowscope-detect\"\n[dependencies]\n\
             flowscope-core.workspace = true\n[dependencies.pcap-parser]\nversion = \"0\"\n",
        ),
    },
    Rule {
        says: "flowscope-pcap depends on the core, pcap-parser and two decompressors",
        check: Check::DependsOnlyOn {
            package: "flowscope-pcap",
            always: &["flowscope-core", "pcap-parser"],
            sometimes: &["flate2", "zstd"],
        },
        broken_by: (
            "crates/flowscope-pcap/Cargo.toml",
            "[package]\nname = \"flowscope-pcap\"\n[dependencies]\n\
             flowscope-core.workspace = true\npcap-parser = \"0\"\n\
             [target.'cfg(unix)'.dependencies]\nmemmap2 = \"0\"\n",
        ),
    },
    Rule {
        says: "flowscope-record depends on the core, the protocols and what tells them apart, and \
               may on the reader, two hashes and what writes text",
        check: Check::DependsOnlyOn {
            package: "flowscope-record",
            always: &["flowscope-core", "flowscope-detect"],
            sometimes: &[
                EVERY_PROTOCOL,
                "flowscope-pcap",
                "data-encoding",
                "serde_json",
                "sha1",
                "sha2",
            ],
        },
        broken_by: (
            "crates/flowscope-record/Cargo.toml",
            "[package]\nname = \"flowscope-record\"\n[dependencies]\n\
             flowscope-core.workspace = true\nflowscope-detect.workspace = true\nclap = \"4\"\n",
        ),
    },
    Rule {
        says: "flowscope-export depends on the records and what they are made of, and may on hashes, \
               an inflater, civil time and a writer of pages",
        check: Check::DependsOnlyOn {
            package: "flowscope-export",
            always: &["flowscope-core", "flowscope-detect", "flowscope-record"],
            sometimes: &[
                EVERY_PROTOCOL,
                "askama",
                "data-encoding",
                "flate2",
                "itoa",
                "jiff",
                "sha1",
                "sha2",
            ],
        },
        broken_by: (
            "crates/flowscope-export/Cargo.toml",
            "[package]\nname = \"flowscope-export\"\n[dependencies]\n\
             flowscope-core.workspace = true\nflowscope-detect.workspace = true\n\
             flowscope-record.workspace = true\nclap = \"4\"\n",
        ),
    },
    Rule {
        says: "the facade depends on the crates it re-exports alone",
        check: Check::DependsOnlyOn {
            package: "flowscope",
            always: &["flowscope-core"],
            sometimes: &[EVERY_PROTOCOL, "flowscope-pcap", "flowscope-detect"],
        },
        broken_by: (
            "crates/flowscope/Cargo.toml",
            "[package]\nname = \"flowscope\"\n[dependencies]\nflowscope-core.workspace = true\n\
             smoltcp.workspace = true\n",
        ),
    },
    Rule {
        says: "flowscope-parallel depends on the core alone",
        check: Check::DependsOnlyOn {
            package: "flowscope-parallel",
            always: &["flowscope-core"],
            sometimes: &[],
        },
        broken_by: (
            "crates/flowscope-parallel/Cargo.toml",
            "[package]\nname = \"flowscope-parallel\"\n[dependencies]\n\
             flowscope-core.workspace = true\nrayon = \"1\"\n",
        ),
    },
    Rule {
        says: "the command knows the facade, the records, their formats, several threads and live \
               captures",
        check: Check::KnowsOnly {
            package: "flowscope-cli",
            kind: Kind::Shipped,
            crates: &[
                "flowscope",
                "flowscope-record",
                "flowscope-parallel",
                "flowscope-export",
                "flowscope-tokio",
            ],
        },
        broken_by: (
            "crates/flowscope-cli/Cargo.toml",
            "[package]\nname = \"flowscope-cli\"\n[dependencies]\nflowscope-core = \"0\"\n",
        ),
    },
    Rule {
        says: "the tables know the records, what they are made of, and no more of the workspace",
        check: Check::KnowsOnly {
            package: "flowscope-table",
            kind: Kind::Shipped,
            crates: &["flowscope-core", "flowscope-pcap", "flowscope-record"],
        },
        broken_by: (
            "crates/flowscope-table/Cargo.toml",
            "[package]\nname = \"flowscope-table\"\n[dependencies]\nflowscope = \"0\"\n",
        ),
    },
    Rule {
        says: "SQL knows the tables, and how records are made",
        check: Check::KnowsOnly {
            package: "flowscope-sql",
            kind: Kind::Shipped,
            crates: &["flowscope-core", "flowscope-record", "flowscope-table"],
        },
        broken_by: (
            "crates/flowscope-sql/Cargo.toml",
            "[package]\nname = \"flowscope-sql\"\n[dependencies]\nflowscope-dns = \"0\"\n",
        ),
    },
    Rule {
        says: "Python knows the tables, and how records are made",
        check: Check::KnowsOnly {
            package: "flowscope-python",
            kind: Kind::Shipped,
            crates: &["flowscope-core", "flowscope-record", "flowscope-table"],
        },
        broken_by: (
            "crates/flowscope-python/Cargo.toml",
            "[package]\nname = \"flowscope-python\"\n[dependencies]\nflowscope-dns = \"0\"\n",
        ),
    },
    Rule {
        says: "the fuzzer's targets know the facade, records, their formats and the fixtures",
        check: Check::KnowsOnly {
            package: "flowscope-fuzz",
            kind: Kind::Shipped,
            crates: &[
                "flowscope",
                "flowscope-export",
                "flowscope-fixtures",
                "flowscope-record",
            ],
        },
        broken_by: (
            "crates/flowscope-fuzz/Cargo.toml",
            "[package]\nname = \"flowscope-fuzz\"\n[dependencies]\nflowscope-cli = \"0\"\n",
        ),
    },
    Rule {
        says: "live capture depends on the facade, a runtime and its streams, and may on libpcap",
        check: Check::DependsOnlyOn {
            package: "flowscope-tokio",
            always: &["flowscope", "futures-util", "tokio"],
            sometimes: &["pcap"],
        },
        broken_by: (
            "crates/flowscope-tokio/Cargo.toml",
            "[package]\nname = \"flowscope-tokio\"\n[dependencies]\nflowscope.workspace = true\n\
             futures-util = \"0\"\ntokio = \"1\"\nflowscope-core = \"0\"\n",
        ),
    },
    Rule {
        says: "the fixtures depend on nothing",
        check: Check::DependsOnlyOn {
            package: "flowscope-fixtures",
            always: &[],
            sometimes: &[],
        },
        broken_by: (
            "fixtures/Cargo.toml",
            "[package]\nname = \"flowscope-fixtures\"\n[dependencies]\nflowscope-core = \"0\"\n",
        ),
    },
    Rule {
        says: "the benches know the facade, the fixtures and the records",
        check: Check::KnowsOnly {
            package: "flowscope-benches",
            kind: Kind::Shipped,
            crates: &["flowscope", "flowscope-fixtures", "flowscope-record"],
        },
        broken_by: (
            "benches/Cargo.toml",
            "[package]\nname = \"flowscope-benches\"\n[dependencies]\nxtask = \"0\"\n",
        ),
    },
    Rule {
        says: "the build tasks depend on the fixtures, on what writes them to captures, \
               and on what reads JSON",
        check: Check::DependsOnlyOn {
            package: "xtask",
            always: &[],
            sometimes: &[
                "flowscope-fixtures",
                "flowscope-pcap",
                "flowscope-core",
                "serde_json",
            ],
        },
        broken_by: (
            "xtask/Cargo.toml",
            "[package]\nname = \"xtask\"\n[dependencies]\nxshell = \"0\"\n",
        ),
    },
    // Crates, in their tests.
    Rule {
        says: "the core needs no other crate to test itself",
        check: Check::KnowsOnly {
            package: "flowscope-core",
            kind: Kind::Development,
            crates: &["flowscope-fixtures"],
        },
        broken_by: (
            "crates/flowscope-core/Cargo.toml",
            "[package]\nname = \"flowscope-core\"\n[dev-dependencies]\nflowscope = \"0\"\n",
        ),
    },
    Rule {
        says: "the reader needs no protocol to test itself",
        check: Check::KnowsOnly {
            package: "flowscope-pcap",
            kind: Kind::Development,
            crates: &["flowscope-core", "flowscope-fixtures"],
        },
        broken_by: (
            "crates/flowscope-pcap/Cargo.toml",
            "[package]\nname = \"flowscope-pcap\"\n[dev-dependencies]\nflowscope-dns = \"0\"\n",
        ),
    },
    Rule {
        says: "no dependency goes by another name",
        check: Check::NotRenamed,
        broken_by: (
            "crates/flowscope-core/Cargo.toml",
            "[package]\nname = \"flowscope-core\"\n[dependencies]\n\
             smoltcp = { package = \"other\", version = \"0\" }\n",
        ),
    },
    // Who names a third party.
    Rule {
        says: "Arrow is for tables",
        check: Check::Absent {
            what: &[
                Word("arrow_array"),
                Word("arrow_schema"),
                Word("parquet"),
                Word("datafusion"),
            ],
            under: &["crates/", "fixtures/", "benches/", "xtask/"],
            except: &[
                "crates/flowscope-table/",
                "crates/flowscope-python/",
                "crates/flowscope-sql/",
            ],
        },
        broken_by: (
            "crates/flowscope-record/src/json.rs",
            "use arrow_array::RecordBatch;",
        ),
    },
    Rule {
        says: "smoltcp is named in `wire` alone",
        check: Check::Absent {
            what: &[Word("smoltcp")],
            under: &["crates/"],
            except: &[
                "crates/flowscope-core/src/wire/",
                "crates/flowscope-core/src/wire.rs",
            ],
        },
        broken_by: (
            "crates/flowscope-core/src/track/tcp.rs",
            "use smoltcp::wire::TcpPacket;",
        ),
    },
    Rule {
        says: "pcap-parser is named in the reader alone",
        check: Check::Absent {
            what: &[Word("pcap_parser")],
            under: &["crates/"],
            except: &["crates/flowscope-pcap/src/reader"],
        },
        broken_by: (
            "crates/flowscope-pcap/src/error.rs",
            "pub type Inner = pcap_parser::PcapError<()>;",
        ),
    },
    Rule {
        says: "httparse is named in `head` alone",
        check: Check::Absent {
            what: &[Word("httparse")],
            under: &["crates/"],
            except: &["crates/flowscope-http/src/head.rs"],
        },
        broken_by: ("crates/flowscope-http/src/body.rs", "use httparse::Status;"),
    },
    Rule {
        says: "tls-parser is named where records, handshakes and hellos are read",
        check: Check::Absent {
            what: &[Word("tls_parser")],
            under: &["crates/"],
            except: &[
                "crates/flowscope-tls/src/record",
                "crates/flowscope-tls/src/handshake",
                "crates/flowscope-tls/src/hello",
            ],
        },
        broken_by: ("crates/flowscope-tls/src/parser.rs", "use tls_parser as t;"),
    },
    Rule {
        says: "ciphers are named where Initial packets and Retries are opened",
        check: Check::Absent {
            what: &[Word("aes_gcm"), Word("hkdf")],
            under: &["crates/"],
            except: &[
                "crates/flowscope-quic/src/keys.rs",
                "crates/flowscope-quic/src/retry.rs",
                "crates/flowscope-quic/tests/",
            ],
        },
        broken_by: (
            "crates/flowscope-quic/src/parser.rs",
            "use aes_gcm::Aes128Gcm;",
        ),
    },
    Rule {
        says: "x509-parser is named where certificates are read",
        check: Check::Absent {
            what: &[Word("x509_parser")],
            under: &["crates/"],
            except: &["crates/flowscope-tls/src/certificate.rs"],
        },
        broken_by: (
            "crates/flowscope-tls/src/message.rs",
            "fn name(n: x509_parser::x509::X509Name<'_>) {}",
        ),
    },
    Rule {
        says: "hickory is named in `decode` alone",
        check: Check::Absent {
            what: &[Word("hickory_proto")],
            under: &["crates/"],
            except: &["crates/flowscope-dns/src/decode.rs"],
        },
        broken_by: (
            "crates/flowscope-dns/src/message.rs",
            "fn name(n: hickory_proto::rr::Name) {}",
        ),
    },
    Rule {
        says: "runtimes and interfaces are for live captures, who shows them, and SQL",
        check: Check::Absent {
            what: &[
                Word("tokio"),
                Word("futures"),
                Word("futures_util"),
                Word("ratatui"),
            ],
            under: &["crates/"],
            except: &[
                "crates/flowscope-tokio/",
                "crates/flowscope-cli/src/live",
                "crates/flowscope-cli/src/top",
                // DataFusion's queries run on one.
                "crates/flowscope-sql/",
            ],
        },
        broken_by: (
            "crates/flowscope-core/src/engine/timers.rs",
            "use tokio::time::Instant;",
        ),
    },
    Rule {
        says: "libpcap is named where interfaces are opened",
        check: Check::Absent {
            what: &[Path("pcap")],
            under: &["crates/flowscope-tokio/src/"],
            except: &["crates/flowscope-tokio/src/live"],
        },
        broken_by: (
            "crates/flowscope-tokio/src/error.rs",
            "pub struct Failed(pub pcap::Error);",
        ),
    },
    // What is not there.
    Rule {
        says: "the facade has no logic",
        check: Check::Absent {
            what: &[Word("fn"), Word("impl"), Word("macro_rules")],
            under: &["crates/flowscope/src/"],
            except: &[],
        },
        broken_by: ("crates/flowscope/src/lib.rs", "pub fn open() {}"),
    },
    Rule {
        says: "nothing is unsafe",
        check: Check::Absent {
            what: &[Word("unsafe")],
            under: &["crates/", "fixtures/src/", "benches/src/", "xtask/src/"],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-pcap/src/reader/map.rs",
            "unsafe fn map() {}",
        ),
    },
    Rule {
        says: "below the facade time is the packets'",
        check: Check::Absent {
            what: &[Path("std::time::Instant"), Path("std::time::SystemTime")],
            under: LIBRARIES,
            // It converts what a user has read from a clock.
            except: &["crates/flowscope-core/src/time.rs"],
        },
        broken_by: (
            "crates/flowscope-core/src/engine/mod.rs",
            "use std::time;\nfn now() { time::Instant::now(); }",
        ),
    },
    Rule {
        says: "what converts times reads no clock",
        check: Check::Absent {
            what: &[Word("now"), Word("elapsed")],
            under: &["crates/flowscope-core/src/time.rs"],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-core/src/time.rs",
            "fn age(t: SystemTime) { t.elapsed(); }",
        ),
    },
    Rule {
        says: "below the facade nothing uses the network",
        check: Check::Absent {
            what: &[
                Path("std::net::Tcp*"),
                Path("std::net::Udp*"),
                Path("std::net::ToSocketAddrs"),
                Path("std::os"),
            ],
            under: LIBRARIES,
            except: &[],
        },
        broken_by: (
            "crates/flowscope-dns/src/udp.rs",
            "use std::net::{IpAddr, UdpSocket};",
        ),
    },
    Rule {
        says: "below the facade nothing has a thread, a process or an environment",
        check: Check::Absent {
            what: &[
                Path("std::thread"),
                Path("std::process"),
                Path("std::env"),
                Macro("thread_local"),
            ],
            under: LIBRARIES,
            except: &[],
        },
        broken_by: (
            "crates/flowscope-pcap/src/source.rs",
            "fn f() { std::thread::spawn(|| ()); }",
        ),
    },
    Rule {
        says: "files and streams are for the reader",
        check: Check::Absent {
            what: &[Path("std::fs"), Path("std::io"), Path("std::path")],
            under: PURE,
            except: &[
                // They name the reader, and read nothing.
                "crates/flowscope-detect/src/pcap.rs",
                "crates/flowscope-record/src/records.rs",
                // They write to whatever they are given.
                "crates/flowscope-record/src/csv.rs",
                "crates/flowscope-record/src/json.rs",
                "crates/flowscope-record/src/plain_text.rs",
            ],
        },
        broken_by: (
            "crates/flowscope-tls/src/lib.rs",
            "use std::{fs::File, vec};",
        ),
    },
    Rule {
        says: "below the facade nothing prints",
        check: Check::Absent {
            what: &[
                Macro("print"),
                Macro("println"),
                Macro("eprint"),
                Macro("eprintln"),
                Macro("dbg"),
            ],
            under: LIBRARIES,
            except: &[],
        },
        broken_by: (
            "crates/flowscope-http/src/parser.rs",
            "fn f() { eprintln!(\"x\") }",
        ),
    },
    Rule {
        says: "below the facade only `observe` reports to an observer",
        check: Check::Absent {
            what: &[Path("log"), Path("metrics"), Path("tracing")],
            under: LIBRARIES,
            except: &["crates/flowscope-core/src/observe"],
        },
        broken_by: (
            "crates/flowscope-core/src/track/table.rs",
            "fn f() { tracing::debug!(\"x\") }",
        ),
    },
    Rule {
        says: "records are made of what `engines` observes, and only that names the core's engine",
        check: Check::Absent {
            what: &[Path("flowscope_core::engine")],
            under: &[RECORD],
            except: &["crates/flowscope-record/src/engines/"],
        },
        broken_by: (
            "crates/flowscope-record/src/tracker.rs",
            "use flowscope_core::engine::Engine;",
        ),
    },
    // Inside the core, downward only.
    Rule {
        says: "the base types know nothing above them",
        check: Check::Absent {
            what: ABOVE_BASE,
            under: &[
                "crates/flowscope-core/src/packet",
                "crates/flowscope-core/src/seq",
                "crates/flowscope-core/src/side",
                "crates/flowscope-core/src/sink",
                "crates/flowscope-core/src/time",
            ],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-core/src/packet.rs",
            "use crate::wire::Skip;",
        ),
    },
    Rule {
        says: "`wire` knows the base types alone",
        check: Check::Absent {
            what: ABOVE_WIRE,
            under: &["crates/flowscope-core/src/wire"],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-core/src/wire/ip.rs",
            "use super::super::extract::FiveTuple;",
        ),
    },
    Rule {
        says: "`extract`, `defrag` and `dedup` know no flows",
        check: Check::Absent {
            what: ABOVE_EXTRACT,
            under: &[
                "crates/flowscope-core/src/extract",
                "crates/flowscope-core/src/defrag",
                "crates/flowscope-core/src/dedup",
            ],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-core/src/extract/auto.rs",
            "fn f(id: crate::track::FlowId) {}",
        ),
    },
    Rule {
        says: "`track` knows neither streams nor sessions",
        check: Check::Absent {
            what: &[
                Path("crate::reassemble"),
                Path("crate::session"),
                Path("crate::engine"),
                Path("crate::driver"),
            ],
            under: &["crates/flowscope-core/src/track"],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-core/src/track/table.rs",
            "use crate::session::Interest;",
        ),
    },
    Rule {
        says: "`reassemble` knows neither flows nor sessions",
        check: Check::Absent {
            what: &[
                Path("crate::track"),
                Path("crate::session"),
                Path("crate::engine"),
                Path("crate::driver"),
            ],
            under: &["crates/flowscope-core/src/reassemble"],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-core/src/reassemble/buffered.rs",
            "use crate::{track::FlowId, time::Timestamp};",
        ),
    },
    Rule {
        // A chunk is what a parser is fed, and all it sees of reassembly.
        says: "`session` knows neither flows nor how streams are put together",
        check: Check::Absent {
            what: &[
                Path("crate::track"),
                Path("crate::reassemble::buffered"),
                Path("crate::reassemble::seq"),
                Path("crate::reassemble::Reassembler"),
                Path("crate::engine"),
                Path("crate::driver"),
            ],
            under: &["crates/flowscope-core/src/session"],
            // What drivers of parsers report is about flows.
            except: &["crates/flowscope-core/src/session/event.rs"],
        },
        broken_by: (
            "crates/flowscope-core/src/session/mod.rs",
            "use crate::reassemble::{Chunk, Reassembler};",
        ),
    },
    Rule {
        says: "only what drives packets tells `observe` of them",
        check: Check::Absent {
            what: &[Path("crate::observe")],
            under: &[CORE],
            // Where it is declared, what calls it, and itself.
            except: &[
                "crates/flowscope-core/src/lib.rs",
                "crates/flowscope-core/src/driver",
                "crates/flowscope-core/src/engine",
                "crates/flowscope-core/src/observe",
            ],
        },
        broken_by: (
            "crates/flowscope-core/src/reassemble/buffered.rs",
            "fn f() { super::super::observe::message::<u8>(1) }",
        ),
    },
    Rule {
        says: "`observe` is told of flows and streams, and knows nothing above them",
        check: Check::Absent {
            what: &[
                Path("crate::session"),
                Path("crate::engine"),
                Path("crate::driver"),
            ],
            under: &["crates/flowscope-core/src/observe"],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-core/src/observe/publish.rs",
            "use crate::engine::Consumer;",
        ),
    },
    Rule {
        says: "`engine` does not know what drivers are called",
        check: Check::Absent {
            what: &[Path("crate::driver")],
            under: &["crates/flowscope-core/src/engine"],
            except: &[],
        },
        broken_by: (
            "crates/flowscope-core/src/engine/mod.rs",
            "use super::driver::FlowTracker;",
        ),
    },
];

const ABOVE_EXTRACT: &[Thing] = &[
    Path("crate::track"),
    Path("crate::reassemble"),
    Path("crate::session"),
    Path("crate::engine"),
    Path("crate::driver"),
];

const ABOVE_WIRE: &[Thing] = &[
    Path("crate::extract"),
    Path("crate::defrag"),
    Path("crate::dedup"),
    Path("crate::track"),
    Path("crate::reassemble"),
    Path("crate::session"),
    Path("crate::engine"),
    Path("crate::driver"),
];

const ABOVE_BASE: &[Thing] = &[
    Path("crate::wire"),
    Path("crate::extract"),
    Path("crate::defrag"),
    Path("crate::dedup"),
    Path("crate::track"),
    Path("crate::reassemble"),
    Path("crate::session"),
    Path("crate::engine"),
    Path("crate::driver"),
];
