//! Draws a view.

use flowscope::FlowSide;
use flowscope_tokio::CaptureCounts;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{
    Block, Borders, Cell, Paragraph, Row as TableRow, Sparkline, Table, TableState,
};

use super::choice::Choice;
use super::view::{Row, View};
use crate::units;

/// What is shown besides the view.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    /// What is watched.
    pub(super) source: String,
    pub(super) counts: CaptureCounts,
    /// Why nothing more comes.
    pub(super) end: Option<String>,
}

/// Draws all of it. What does not fit is left out, the least needed first.
pub(super) fn draw(frame: &mut Frame<'_>, about: &About, view: &View, choice: &Choice) {
    let area = frame.area();
    let plots = if area.height >= 14 { 4 } else { 0 };
    let panels = if area.height >= 22 && choice.drilled.is_none() {
        7
    } else {
        0
    };
    let [head, plots, flows, panels, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(plots),
        Constraint::Min(3),
        Constraint::Length(panels),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_head(frame, head, about, view, choice);
    draw_plots(frame, plots, view);
    let drilled = choice.drilled;
    match drilled.map(|flow| view.rows.iter().find(|row| row.flow == flow)) {
        None => draw_flows(frame, flows, view, choice),
        Some(row) => draw_flow(frame, flows, row),
    }
    draw_panels(frame, panels, view);
    draw_foot(frame, foot, choice);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, about: &About, view: &View, choice: &Choice) {
    let last = |rates: &[u64]| rates.last().copied().unwrap_or(0);
    let dropped = about.counts.dropped();
    let mut first = vec![
        Span::styled(format!(" {} ", about.source), BOLD),
        Span::raw(view.at.map_or(String::new(), units::date_time)),
    ];
    if choice.is_paused {
        first.push(Span::styled("  paused", WARNING));
    }
    if let Some(end) = &about.end {
        first.push(Span::styled(format!("  {end}"), WARNING));
    }
    let second = vec![
        Span::raw(format!(
            " {} packets/s  {}  {} flows  {} packets  {}  ",
            units::count(last(&view.packet_rates)),
            units::bit_rate(last(&view.bit_rates) as f64),
            units::count(view.flows),
            units::count(view.packets),
            units::bytes(view.bytes),
        )),
        Span::styled(
            format!("{} dropped", units::count(dropped)),
            if dropped > 0 { WARNING } else { PLAIN },
        ),
    ];
    frame.render_widget(Paragraph::new(vec![first.into(), second.into()]), area);
}

fn draw_plots(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]);
    let [left, right] = halves.areas(area);
    let most = |rates: &[u64]| rates.iter().copied().max().unwrap_or(0);
    let packets = format!(
        " packets/s, at most {} ",
        units::count(most(&view.packet_rates))
    );
    let bits = format!(
        " {} at most ",
        units::bit_rate(most(&view.bit_rates) as f64)
    );
    plot(frame, left, packets, &view.packet_rates, Color::Cyan);
    plot(frame, right, bits, &view.bit_rates, Color::Green);
}

/// The latest rates, the last at the right.
fn plot(frame: &mut Frame<'_>, area: Rect, title: String, rates: &[u64], color: Color) {
    let room = usize::from(area.width.saturating_sub(2));
    let shown = &rates[rates.len().saturating_sub(room)..];
    let mut data = vec![0; room - shown.len()];
    data.extend(shown);
    let plot = Sparkline::default()
        .block(Block::default().borders(Borders::ALL).title(title))
        .data(&data)
        .style(Style::new().fg(color));
    frame.render_widget(plot, area);
}

fn draw_flows(frame: &mut Frame<'_>, area: Rect, view: &View, choice: &Choice) {
    let is_wide = area.width >= 110;
    let mut titles = vec!["flow", "app"];
    let mut widths = vec![Constraint::Fill(3), Constraint::Length(5)];
    if is_wide {
        titles.extend(["name", "packets"]);
        widths.extend([Constraint::Fill(2), Constraint::Length(11)]);
    }
    titles.extend(["bytes", "rate"]);
    widths.extend([Constraint::Length(9), Constraint::Length(12)]);
    let rows = view.rows.iter().map(|row| {
        let mut cells = vec![row.key.to_string(), row.app.to_owned()];
        if is_wide {
            cells.push(row.name.clone().unwrap_or_default());
            cells.push(units::count(row.stats.packets.total()));
        }
        cells.push(units::bytes(row.stats.bytes.total()));
        cells.push(units::bit_rate(row.rate as f64));
        TableRow::new(cells.into_iter().map(Cell::from))
    });
    let order = if choice.is_reversed { "least" } else { "most" };
    let title = match choice.filter.as_str() {
        "" => format!(" flows by {}, {order} first ", choice.sort.as_str()),
        filter => format!(
            " flows with {filter:?} by {}, {order} first ",
            choice.sort.as_str()
        ),
    };
    let table = Table::new(rows, widths)
        .header(TableRow::new(titles).style(BOLD))
        .block(Block::default().borders(Borders::TOP).title(title))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let marked = choice.marked.min(view.rows.len().saturating_sub(1));
    let mut state = TableState::default().with_selected(Some(marked));
    frame.render_stateful_widget(table, area, &mut state);
}

fn draw_flow(frame: &mut Frame<'_>, area: Rect, row: Option<&Row>) {
    let block = Block::default().borders(Borders::TOP);
    let Some(row) = row else {
        let text = Paragraph::new("the flow has ended").block(block.title(" flow "));
        return frame.render_widget(text, area);
    };
    let [text, rates] = Layout::vertical([Constraint::Min(4), Constraint::Length(5)]).areas(area);
    let stats = &row.stats;
    let side = |name: &str, side: FlowSide| {
        Line::raw(format!(
            "{name}  {} packets  {}  {} payload  {} retransmitted  {} missing",
            units::count(stats.packets[side]),
            units::bytes(stats.bytes[side]),
            units::bytes(stats.payload_bytes[side]),
            stats.retransmissions[side],
            units::bytes(stats.missing_bytes[side]),
        ))
    };
    let age = stats.last_seen - stats.first_seen;
    let nanos = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
    let lines = vec![
        Line::raw(format!(
            "{} {}",
            row.app,
            row.name.as_deref().unwrap_or_default()
        )),
        Line::raw(format!(
            "since {}, for {}  state {}  history {}",
            units::date_time(stats.first_seen),
            units::duration(nanos),
            stats.state.as_str(),
            stats.history,
        )),
        side("initiator", FlowSide::Initiator),
        side("responder", FlowSide::Responder),
    ];
    let title = format!(" {} ", row.key);
    frame.render_widget(Paragraph::new(lines).block(block.title(title)), text);
    let most = row.rates.iter().copied().max().unwrap_or(0);
    let title = format!(
        " {}, at most {} ",
        units::bit_rate(row.rate as f64),
        units::bit_rate(most as f64)
    );
    plot(frame, rates, title, &row.rates, Color::Green);
}

fn draw_panels(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let parts = Layout::horizontal([Constraint::Fill(2), Constraint::Fill(1)]);
    let [left, right] = parts.areas(area);
    let list = |title: &'static str, lines: Vec<Line<'static>>| {
        Paragraph::new(lines).block(Block::default().borders(Borders::TOP).title(title))
    };
    let names = view
        .names
        .iter()
        .map(|(name, count)| Line::raw(format!(" {:>8}  {name}", units::count(*count))));
    frame.render_widget(list(" names asked for ", names.collect()), left);
    let all: u64 = view.protocols.iter().map(|(_, bytes)| bytes).sum();
    let protocols = view.protocols.iter().map(|(protocol, bytes)| {
        let share = units::percent(*bytes, all);
        Line::raw(format!(
            " {protocol:<6}{:>9} {share:>7}",
            units::bytes(*bytes)
        ))
    });
    let mut protocols: Vec<_> = protocols.collect();
    if view.skipped > 0 {
        protocols.push(Line::raw(format!(
            " {} without a flow",
            units::count(view.skipped)
        )));
    }
    frame.render_widget(list(" protocols ", protocols), right);
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, choice: &Choice) {
    let text = if choice.is_typing {
        format!(" filter: {}▏  Enter: done  Esc: none", choice.filter)
    } else if choice.drilled.is_some() {
        " Esc: back  p: pause  q: quit".to_owned()
    } else {
        " s: sort  r: reverse  /: filter  ↑↓: choose  Enter: one flow  p: pause  q: quit".to_owned()
    };
    frame.render_widget(Paragraph::new(text).style(DIM), area);
}

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const WARNING: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::collections::VecDeque;

    use flowscope::pcap::PcapFlowSource;
    use flowscope_tokio::{Driver as _, FrameBatch};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::watcher::Watcher;
    use super::*;

    fn view(choice: &Choice) -> View {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/");
        let mut source = PcapFlowSource::open(format!("{folder}http-1-0.pcap")).unwrap();
        let mut frames = FrameBatch::default();
        while let Some(packet) = source.next_packet().unwrap() {
            frames.push(packet);
        }
        let mut watcher = Watcher::new();
        watcher.take(&frames, &mut VecDeque::new());
        watcher.look(choice, Duration::from_secs(1))
    }

    fn drawn(width: u16, height: u16, view: &View, choice: &Choice) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let about = About {
            source: "http-1-0.pcap".into(),
            ..About::default()
        };
        terminal
            .draw(|frame| draw(frame, &about, view, choice))
            .unwrap();
        let buffer = terminal.backend().buffer();
        let cells: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
        let lines = cells.chunks(usize::from(width));
        lines.map(|line| line.concat()).collect()
    }

    fn has(lines: &[String], text: &str) -> bool {
        lines.iter().any(|line| line.contains(text))
    }

    #[test]
    fn eighty_columns_have_all_that_matters() {
        let choice = Choice::default();
        let view = view(&choice);
        let lines = drawn(80, 24, &view, &choice);
        for text in [
            "http-1-0.pcap",
            "packets/s",
            "0 dropped",
            "flows by rate",
            "names asked for",
            "protocols",
            "q: quit",
            " tcp ",
        ] {
            assert!(has(&lines, text), "{text}\n{}", lines.join("\n"));
        }
        let flow = view.rows[0].key.to_string();
        assert!(has(&lines, &flow), "{flow}\n{}", lines.join("\n"));
    }

    #[test]
    fn a_wide_screen_has_names_and_packets() {
        let choice = Choice::default();
        let lines = drawn(132, 40, &view(&choice), &choice);
        assert!(has(&lines, "name"), "{}", lines.join("\n"));
        assert!(has(&lines, "packets "), "{}", lines.join("\n"));
    }

    #[test]
    fn any_size_is_drawn() {
        let choice = Choice::default();
        let view = view(&choice);
        let drilled = Choice {
            drilled: Some(view.rows[0].flow),
            ..Choice::default()
        };
        for (width, height) in [(1, 1), (2, 3), (10, 5), (20, 14), (40, 22), (300, 100)] {
            drawn(width, height, &view, &choice);
            drawn(width, height, &view, &drilled);
            drawn(width, height, &View::default(), &choice);
        }
    }

    #[test]
    fn one_flow_is_told_in_full() {
        let view = view(&Choice::default());
        let choice = Choice {
            drilled: Some(view.rows[0].flow),
            ..Choice::default()
        };
        let lines = drawn(80, 24, &view, &choice);
        for text in ["initiator", "responder", "history", "state", "Esc: back"] {
            assert!(has(&lines, text), "{text}\n{}", lines.join("\n"));
        }
        let gone = View::default();
        assert!(has(&drawn(80, 24, &gone, &choice), "the flow has ended"));
    }

    #[test]
    fn drops_and_pauses_are_seen() {
        let choice = Choice {
            is_paused: true,
            filter: "dns".into(),
            ..Choice::default()
        };
        let lines = drawn(80, 24, &view(&choice), &choice);
        assert!(has(&lines, "paused"));
        assert!(has(&lines, "flows with \"dns\""));
    }
}
