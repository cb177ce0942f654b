//! Tables for eyes: aligned columns, as wide as the terminal at the most.
//!
//! Lines are laid out in blocks, bounded in rows and in bytes, so that memory
//! does not grow with a table and its first lines are seen early. Columns only
//! get wider from block to block.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use console::{Term, measure_text_width, truncate_str};

use crate::output::Target;

/// A table that grows at its end.
pub(crate) struct Table {
    columns: &'static [Column],
    layout: Option<Layout>,
    rows: Vec<Vec<Cell>>,
    /// How many bytes the text of these rows has.
    bytes: usize,
    style: Style,
    out: BufWriter<Box<dyn Write>>,
}

/// A column: its title, and what becomes of it where there is little room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    align: Align,
    /// Those with the highest number are the first to go; zero never goes.
    rank: u8,
    is_flexible: bool,
}

/// Where the text of a column begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// What stands in one place of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: Cow<'static, str>,
    tone: Tone,
}

/// What a cell's colour says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    Plain,
    Title,
    Good,
    Bad,
}

/// How wide and how colourful it may get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// The terminal's width, where there is one.
    width: Option<usize>,
    is_coloured: bool,
}

impl Column {
    pub(crate) const fn new(title: &'static str, align: Align, rank: u8) -> Self {
        Self {
            title,
            align,
            rank,
            is_flexible: false,
        }
    }

    /// The same column, whose text may be cut short.
    pub(crate) const fn flexible(self) -> Self {
        Self {
            is_flexible: true,
            ..self
        }
    }
}

impl Cell {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    pub(crate) fn toned(text: impl Into<Cow<'static, str>>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }

    fn width(&self) -> usize {
        width(&self.text)
    }
}

impl Style {
    /// What suits a target. Colours are for terminals, and not for those who
    /// set `NO_COLOR`.
    pub(crate) fn of(target: &Target) -> Self {
        let is_terminal = target.is_terminal();
        let size = Term::stdout().size_checked().filter(|_| is_terminal);
        Self {
            width: size.map(|(_, columns)| columns.into()),
            is_coloured: is_terminal && console::colors_enabled(),
        }
    }

    fn paint<'a>(self, text: &'a str, tone: Tone) -> Cow<'a, str> {
        let style = console::Style::new().force_styling(true);
        let style = match tone {
            _ if !self.is_coloured => return text.into(),
            Tone::Plain => return text.into(),
            Tone::Title => style.bold(),
            Tone::Good => style.green(),
            Tone::Bad => style.red(),
        };
        style.apply_to(text).to_string().into()
    }
}

impl Table {
    pub(crate) fn new(columns: &'static [Column], style: Style, out: Box<dyn Write>) -> Self {
        Self {
            columns,
            layout: None,
            rows: Vec::new(),
            bytes: 0,
            style,
            out: BufWriter::with_capacity(BUFFER, out),
        }
    }

    /// Adds a row to the end.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) -> io::Result<()> {
        self.bytes += cells.iter().map(|cell| cell.text.len()).sum::<usize>();
        self.rows.push(cells);
        if self.rows.len() >= BLOCK || self.bytes >= BLOCK_BYTES {
            self.write_block()?;
        }
        Ok(())
    }

    /// Adds an empty line.
    pub(crate) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Adds a whole table of its own.
    pub(crate) fn inset(&mut self, columns: &[Column], rows: &[Vec<Cell>]) -> io::Result<()> {
        let mut layout = Layout::new(columns);
        layout.make_room(columns, rows, self.style);
        if columns.iter().any(|column| !column.title.is_empty()) {
            layout.write_titles(columns, self.style, &mut self.out)?;
        }
        layout.write_rows(columns, rows, self.style, &mut self.out)
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.write_block()?;
        self.out.flush()
    }

    /// Lays out and writes the rows so far.
    pub(crate) fn write_block(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let is_first = self.layout.is_none();
        let layout = self.layout.get_or_insert_with(|| Layout::new(self.columns));
        layout.make_room(self.columns, &self.rows, self.style);
        if is_first {
            layout.write_titles(self.columns, self.style, &mut self.out)?;
        }
        layout.write_rows(self.columns, &self.rows, self.style, &mut self.out)?;
        self.rows.clear();
        self.bytes = 0;
        self.out.flush()
    }
}

/// Which columns are shown, and how wide they are.
#[derive(Debug)]
struct Layout {
    /// What the text seen so far would take, by column.
    wanted: Vec<usize>,
    /// What it gets; `None` for columns that are not shown.
    given: Vec<Option<usize>>,
}

impl Layout {
    fn new(columns: &[Column]) -> Self {
        let wanted: Vec<usize> = columns.iter().map(|column| width(column.title)).collect();
        Self {
            given: wanted.iter().copied().map(Some).collect(),
            wanted,
        }
    }

    /// Makes the columns wide enough for more rows, as far as the terminal is.
    fn make_room(&mut self, columns: &[Column], rows: &[Vec<Cell>], style: Style) {
        for row in rows {
            for (wanted, cell) in self.wanted.iter_mut().zip(row) {
                *wanted = (*wanted).max(cell.width());
            }
        }
        for (given, wanted) in self.given.iter_mut().zip(&self.wanted) {
            *given = given.map(|_| *wanted);
        }
        let Some(width) = style.width else {
            return;
        };
        while self.width() > width && self.drop_least(columns) {}
        while self.width() > width && self.squeeze_widest(columns) {}
    }

    /// The width of a line.
    fn width(&self) -> usize {
        let shown = self.given.iter().flatten();
        let gaps = shown.clone().count().saturating_sub(1) * GAP.len();
        shown.sum::<usize>() + gaps
    }

    /// Leaves out the columns that matter least, if any may go.
    fn drop_least(&mut self, columns: &[Column]) -> bool {
        let shown = columns.iter().zip(&self.given);
        let ranks = shown.filter_map(|(column, given)| given.map(|_| column.rank));
        let rank = ranks.max().unwrap_or(0);
        for (column, given) in columns.iter().zip(&mut self.given) {
            if rank > 0 && column.rank == rank {
                *given = None;
            }
        }
        rank > 0
    }

    /// Takes a letter from the widest column that can do without.
    fn squeeze_widest(&mut self, columns: &[Column]) -> bool {
        let flexible = columns
            .iter()
            .zip(&mut self.given)
            .filter(|(column, _)| column.is_flexible)
            .filter_map(|(_, given)| given.as_mut());
        match flexible.max_by_key(|given| **given) {
            Some(given) if *given > NARROWEST => {
                *given -= 1;
                true
            }
            _ => false,
        }
    }

    fn write_titles(
        &self,
        columns: &[Column],
        style: Style,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let titles: Vec<Cell> = columns
            .iter()
            .map(|column| Cell::toned(column.title, Tone::Title))
            .collect();
        self.write_rows(columns, &[titles], style, out)
    }

    fn write_rows(
        &self,
        columns: &[Column],
        rows: &[Vec<Cell>],
        style: Style,
        out: &mut impl Write,
    ) -> io::Result<()> {
        for row in rows {
            // Spaces are owed until something stands behind them.
            let mut owed = 0;
            let shown = columns.iter().zip(&self.given).zip(row);
            for ((column, given), cell) in shown {
                let Some(given) = *given else {
                    continue;
                };
                let text = match cell.width() > given {
                    true => truncate_str(&cell.text, given, "…"),
                    false => Cow::Borrowed(&*cell.text),
                };
                let padding = given.saturating_sub(width(&text));
                let before = match column.align {
                    Align::Left => 0,
                    Align::Right => padding,
                };
                if text.is_empty() {
                    owed += given;
                } else {
                    let spaces = owed + before;
                    write!(out, "{:spaces$}{}", "", style.paint(&text, cell.tone))?;
                    owed = padding - before;
                }
                owed += GAP.len();
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        measure_text_width(text)
    }
}

/// Bytes handed on at a time.
const BUFFER: usize = 256 * 1024;
/// Rows that are laid out together.
const BLOCK: usize = 256;
/// Bytes of text that are laid out together. What is over that is one row.
const BLOCK_BYTES: usize = 1 << 20;
/// A flexible column is not squeezed below this.
const NARROWEST: usize = 8;
const GAP: &str = "  ";

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::new("ID", Align::Right, 1),
        Column::new("HOST", Align::Left, 0).flexible(),
        Column::new("SIZE", Align::Right, 0),
        Column::new("NOTE", Align::Left, 2),
    ];

    fn rows() -> Vec<Vec<Cell>> {
        [
            ["1", "10.0.0.1", "5 kB", "→ ok"],
            ["20", "host.example", "123 B", ""],
        ]
        .map(|row| row.map(Cell::new).to_vec())
        .to_vec()
    }

    fn drawn(width: Option<usize>) -> Vec<String> {
        let style = Style {
            width,
            is_coloured: false,
        };
        let mut layout = Layout::new(COLUMNS);
        layout.make_room(COLUMNS, &rows(), style);
        let mut text = Vec::new();
        layout.write_titles(COLUMNS, style, &mut text).unwrap();
        layout
            .write_rows(COLUMNS, &rows(), style, &mut text)
            .unwrap();
        let text = String::from_utf8(text).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_are_aligned_and_lines_end_with_text() {
        assert_eq!(
            drawn(None),
            [
                "ID  HOST           SIZE  NOTE",
                " 1  10.0.0.1       5 kB  → ok",
                "20  host.example  123 B",
            ]
        );
    }

    #[test]
    fn what_matters_least_gives_way_first() {
        assert_eq!(drawn(Some(29)), drawn(None));
        assert_eq!(drawn(Some(28))[2], "20  host.example  123 B");
        assert_eq!(drawn(Some(22))[2], "host.example  123 B");
        assert_eq!(drawn(Some(16))[2], "host.exa…  123 B");
        // No narrower than that, whatever the terminal.
        assert_eq!(drawn(Some(1))[2], "host.ex…  123 B");
    }

    #[test]
    fn columns_only_get_wider() {
        let style = Style {
            width: None,
            is_coloured: false,
        };
        let mut layout = Layout::new(COLUMNS);
        layout.make_room(COLUMNS, &rows(), style);
        let width = layout.width();
        layout.make_room(COLUMNS, &rows()[..1], style);
        assert_eq!(layout.width(), width);
    }

    #[test]
    fn long_rows_are_written_before_there_are_many() {
        let style = Style {
            width: None,
            is_coloured: false,
        };
        let mut table = Table::new(COLUMNS, style, Box::new(io::sink()));
        let long = "x".repeat(BLOCK_BYTES / 4);
        for row in 1..20 {
            let cells = ["1", "10.0.0.1", "5 kB"].map(Cell::new).into_iter();
            let cells = cells.chain([Cell::new(long.clone())]);
            table.row(cells.collect()).unwrap();
            assert!(table.bytes < BLOCK_BYTES);
            assert_eq!(table.rows.len(), row % 4);
        }
    }
}
