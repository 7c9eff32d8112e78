//! Memory for messages that is used again once they were sent.
//!
//! # Why
//! A message of a batch is larger than what an allocator keeps for the next one who asks. Fresh memory for each costs a tenth of what encoding
//! costs: the system clears it page by page.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Memory of messages that were sent.
#[derive(Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// Memory that holds nothing.
    pub fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// A message, whose memory comes back when nobody holds it any more.
    pub fn message(&self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Message { bytes, buffers: self.clone() })
    }
}

struct Message {
    bytes: Vec<u8>,
    buffers: Buffers,
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.buffers.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_when_its_last_holder_goes() {
        let buffers = Buffers::default();
        let mut bytes = buffers.take();
        bytes.extend(b"a batch");
        let place = bytes.as_ptr();
        let message = buffers.message(bytes);
        let held = message.slice(2..);
        drop(message);
        assert_eq!((held.as_ref(), buffers.take().capacity()), (&b"batch"[..], 0));
        drop(held);
        let again = buffers.take();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
    }
}
