//! A made-up e-commerce data set in the layout of the nine Olist files, for the example, the tests and the benchmark.
//!
//! - The same plan gives the same bytes on every machine (test `the_same_seed_gives_the_same_bytes`); nothing is copied from the published
//!   set, only its shares, quantiles and oddities are followed (test `shares_follow_the_published_set`).
//! - Every reference resolves (test `every_reference_resolves`).
//! - Memory does not grow with the orders: whatever an order refers to is drawn again from its number.
//! - A file has its name only when all nine are complete (test `nothing_is_left_under_a_temporary_name`).

mod calendar;
mod csv;
mod curve;
mod files;
mod order;
mod payment;
mod places;
mod review;
mod rng;
mod shop;
#[cfg(test)]
mod tests;
mod words;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use self::{files::Files, order::Order, shop::Shop};

/// What to make. Products, sellers and geolocation rows follow from the orders: a third, a 32nd, and ten times as many up to 200,000.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many orders; at least 1.
    pub orders: u64,
    /// Where the draws start.
    pub seed: u64,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The nine files, orders first.
    pub files: Vec<FileSummary>,
}

/// One file that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary {
    /// Its name inside the directory.
    pub name: &'static str,
    /// Its rows without the header, repeated ones included.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Nothing was asked for.
    #[error("make a sample of 0 orders; ask for at least 1")]
    NoOrders,
    /// The disk said no.
    #[error("write the sample into `{}`", directory.display())]
    Write {
        /// The directory that was asked for.
        directory: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Orders between two calls of `progress`.
const PROGRESS_EVERY: u64 = 4_096;

/// Writes the nine files of `plan` into `directory`, which is made where it is missing; files of the same names are replaced once all nine
/// are complete. `progress` is told now and then how many orders are written, and at the end.
pub fn write(plan: &Plan, directory: &Path, progress: &mut dyn FnMut(u64)) -> Result<Summary, SampleError> {
    if plan.orders == 0 {
        return Err(SampleError::NoOrders);
    }
    write_files(plan, directory, progress).map_err(|source| SampleError::Write { directory: directory.to_owned(), source })
}

fn write_files(plan: &Plan, directory: &Path, progress: &mut dyn FnMut(u64)) -> io::Result<Summary> {
    fs::create_dir_all(directory)?;
    let shop = Shop::new(plan);
    let mut files = Files::create(directory)?;
    let mut order = Order::default();
    for number in 0..plan.orders {
        order.fill(&shop, number);
        files.order(&shop, number, &order)?;
        if (number + 1).is_multiple_of(PROGRESS_EVERY) {
            progress(number + 1);
        }
    }
    files.products(&shop)?;
    files.sellers(&shop)?;
    files.geolocation(&shop)?;
    files.translation()?;
    for table in files.tables() {
        table.flush()?;
    }
    let mut summary = Vec::new();
    for table in files.tables() {
        table.publish()?;
        summary.push(FileSummary { name: table.name, rows: table.rows, bytes: table.bytes });
    }
    progress(plan.orders);
    Ok(Summary { files: summary })
}
