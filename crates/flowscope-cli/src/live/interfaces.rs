//! `flowscope interfaces`: what can be listened to.

use std::io::{self, Write};

use flowscope_record::text::printable;
use flowscope_tokio::{Interface, interfaces};

use super::opening::failure;
use crate::args::{Format, Options, When};
use crate::error::Failure;
use crate::output::Target;
use crate::table::{Align, Cell, Column, Style, Table, Tone};

pub(crate) fn list(options: &Options) -> Result<Vec<Failure>, Failure> {
    let interfaces = interfaces().map_err(failure)?;
    let target = Target::named(options.output.clone());
    let written = match options.format() {
        Format::Table => draw(&interfaces, &target, options.color),
        Format::Json => write(&interfaces, &target),
        _ => return Err(Failure::Usage("interfaces are a table or JSON")),
    };
    match written {
        Ok(()) => Ok(Vec::new()),
        Err(error) => Failure::of_output(target, error).map(|()| Vec::new()),
    }
}

fn draw(interfaces: &[Interface], target: &Target, colours: When) -> io::Result<()> {
    let mut table = Table::new(COLUMNS, Style::of(target, colours), target.open()?);
    for interface in interfaces {
        let state = state(interface);
        let tone = match state {
            "down" | "disconnected" => Tone::Bad,
            "running" => Tone::Good,
            _ => Tone::Plain,
        };
        let description = interface.description.as_deref().unwrap_or_default();
        table.row(vec![
            Cell::new(printable(&interface.name)),
            Cell::toned(state, tone),
            Cell::new(addresses(interface).join(" ")),
            Cell::new(printable(description)),
        ])?;
    }
    table.finish()
}

fn write(interfaces: &[Interface], target: &Target) -> io::Result<()> {
    let mut out = target.open()?;
    for interface in interfaces {
        writeln!(
            out,
            "{{\"name\":{},\"state\":{},\"loopback\":{},\"addresses\":[{}]}}",
            quoted(&interface.name),
            quoted(state(interface)),
            interface.is_loopback,
            addresses(interface)
                .iter()
                .map(|address| quoted(address))
                .collect::<Vec<_>>()
                .join(","),
        )?;
    }
    out.flush()
}

/// Names of interfaces are of few bytes, but may be of any.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn addresses(interface: &Interface) -> Vec<String> {
    let addresses = interface.addresses.iter();
    addresses.map(ToString::to_string).collect()
}

fn state(interface: &Interface) -> &'static str {
    match interface {
        Interface { is_up: false, .. } => "down",
        Interface {
            is_connected: Some(false),
            ..
        } => "disconnected",
        Interface {
            is_running: true, ..
        } => "running",
        _ => "up",
    }
}

const COLUMNS: &[Column] = &[
    Column::new("interface", Align::Left, 0),
    Column::new("state", Align::Left, 0),
    Column::new("addresses", Align::Left, 1).flexible(),
    Column::new("description", Align::Left, 2).flexible(),
];

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_quoted_whatever_they_are() {
        assert_eq!(quoted("eth0"), "\"eth0\"");
        assert_eq!(quoted("a\"b\\\u{1b}"), "\"a\\\"b\\\\\\u001b\"");
    }
}
