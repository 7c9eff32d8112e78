//! What one counter knows: how much it looked at, how much failed, which rows to name.

use tidegate_sdk::Result;

use crate::state::{Reader, Writer};

/// How many failing rows a measure names; the contract's limit.
const SAMPLES: usize = 10;

/// Counts of one measure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub total: u64,
    pub failed: u64,
    pub samples: Samples,
}

impl Tally {
    pub fn save(&self, out: &mut Writer) {
        out.number(self.total);
        out.number(self.failed);
        out.number(self.samples.0.len() as u64);
        for (origin, label) in &self.samples.0 {
            out.number(*origin);
            out.text(label);
        }
    }

    pub fn merge(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.total = self.total.saturating_add(input.number()?);
        self.failed = self.failed.saturating_add(input.number()?);
        for _ in 0..input.count(16)? {
            let origin = input.number()?;
            let label = input.text()?;
            self.samples.offer(origin, || label.to_owned());
        }
        Ok(())
    }
}

/// The failing rows with the smallest origins, ascending: whichever way rows were spread, the same ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples(Vec<(u64, String)>);

impl Samples {
    /// Takes a failing row; its label is made only where it is among the smallest.
    pub fn offer(&mut self, origin: u64, label: impl FnOnce() -> String) {
        if self.0.len() == SAMPLES && self.0.last().is_some_and(|(last, _)| origin > *last) {
            return;
        }
        let sample = (origin, label());
        if let Err(place) = self.0.binary_search(&sample) {
            self.0.insert(place, sample);
            self.0.truncate(SAMPLES);
        }
    }

    pub fn labels(&self) -> Vec<String> {
        self.0.iter().map(|(_, label)| label.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn the_ten_smallest_origins_stay_whatever_the_order() {
        let mut samples = Samples::default();
        for origin in (0..40).rev().chain(20..60) {
            samples.offer(origin, || origin.to_string());
        }
        assert_eq!(samples.labels(), (0..10).map(|origin| origin.to_string()).collect::<Vec<_>>());
    }
}
