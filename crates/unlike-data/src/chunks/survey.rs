//! What only a whole column tells: how its numbers and dates are written.

use unlike_core::{ColumnKind, Result};

use crate::{
    builder::{Cell, Cells, MissingCells, Told, number},
    dates::Orders,
    decimal::{Decimal, Fits, Marks},
    moment::Order,
    sniff,
};

/// A column of numbers or dates, cell after cell.
pub(crate) struct Looked<'a> {
    missing: &'a MissingCells<'a>,
    told: Told,
    marks: Marks,
    orders: Orders,
    /// Whether a text shows which mark it is.
    marked: bool,
    /// The first cell that is no plain number: its row, and its text.
    first: Option<(u32, String)>,
    last: Vec<u8>,
}

impl<'a> Looked<'a> {
    pub(crate) fn new(missing: &'a MissingCells<'a>, told: Told) -> Self {
        Self {
            missing,
            told,
            marks: Marks::default(),
            orders: Orders::default(),
            marked: false,
            first: None,
            last: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, cell: &[u8], row: u32) {
        let cell = sniff::trimmed(cell);
        // Files repeat themselves.
        if cell == self.last || self.missing.contains(cell) {
            return;
        }
        self.last.clear();
        self.last.extend(cell);
        let text = String::from_utf8_lossy(cell);
        match self.told.kind {
            Some(ColumnKind::Number) => {
                self.marks.add(&text);
                self.marked |= text.contains([',', '.']);
                if self.first.is_none() && number(cell, self.told.decimal).is_none() {
                    self.first = Some((row, text.into_owned()));
                }
            }
            _ => {
                let before = self.orders.one();
                self.orders.add(&text);
                let broken = before.is_some() && self.orders.one().is_none();
                if self.first.is_none() || broken {
                    self.first = Some((row, text.into_owned()));
                }
            }
        }
    }

    /// Which marks make numbers of all cells; none where all are plain numbers.
    pub(crate) fn fits(&self) -> Fits {
        match self.first {
            None => Fits::None,
            Some(_) => self.marks.fits(),
        }
    }

    /// What this column says of the decimal mark of others.
    pub(crate) fn says(&self) -> Option<Decimal> {
        match self.fits() {
            Fits::One(decimal) if self.marked => Some(decimal),
            _ => None,
        }
    }

    /// The order in which all cells are dates.
    pub(crate) fn order(&self) -> Option<Order> {
        self.orders.one_or(self.told.trained_order)
    }

    /// The first cell that is no plain number; of dates that are not all in one order, the one that
    /// contradicts the others.
    pub(crate) fn first(&self) -> Option<&(u32, String)> {
        self.first.as_ref()
    }
}

impl Cells for Looked<'_> {
    fn push_cell(&mut self, cell: Cell<'_>, row: u32) -> Result<()> {
        match cell {
            Cell::Missing => {}
            Cell::Text(text) => self.add(text, row),
            other => self.add(other.text().as_bytes(), row),
        }
        Ok(())
    }
}
