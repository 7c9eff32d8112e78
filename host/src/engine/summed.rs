//! A writer that sums up what passes it.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

/// Writes to `W` and keeps the sha256 of what was written.
pub struct Summed<W> {
    inner: W,
    digest: Sha256,
}

impl<W> Summed<W> {
    /// Nothing was written yet.
    pub fn new(inner: W) -> Self {
        Self { inner, digest: Sha256::new() }
    }

    /// The writer, and the sum in hex.
    pub fn finish(self) -> (W, String) {
        let sum = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (self.inner, sum)
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_the_bytes() {
        let mut file = Summed::new(Vec::new());
        file.write_all(b"tide").unwrap();
        file.write_all(b"gate").unwrap();
        let (bytes, sum) = file.finish();
        assert_eq!((bytes.as_slice(), sum), (&b"tidegate"[..], format!("{:x}", Sha256::digest("tidegate"))));
    }
}
