//! Rejects the same row twice.

use tidegate_sdk::Rejections;

pub fn rows() -> Rejections {
    let mut rejected = Rejections::default();
    rejected.reject(0, 1);
    rejected.reject(0, 1);
    rejected
}
