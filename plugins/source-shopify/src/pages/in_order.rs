//! Requests whose answers have ascending page numbers, as `_origin` wants them within a slice.
//!
//! - Another stream of the walk may have got an answer in this run before; it has the page number of then. Where that is lower than the
//!   last one of this slice, the shop is asked again (`a_page_that_another_stream_got_too_early_is_asked_for_again`).
//! - After a failure the same request is sent anew, not answered from the archive with what failed.

use tidegate_sdk::{
    Result,
    http::{Request, Response},
};

/// Sends the requests of a slice.
#[derive(Debug, Default)]
pub struct InOrder {
    last: Option<u32>,
    failed: bool,
}

impl InOrder {
    /// Sends a request.
    pub fn send(&mut self, request: Request) -> Result<Response> {
        let request = if self.failed { request.fresh() } else { request };
        let answer = request.send().inspect_err(|_| self.failed = true)?;
        let early = self.last.is_some_and(|last| answer.page() <= last);
        let answer = if early { request.fresh().send().inspect_err(|_| self.failed = true)? } else { answer };
        // Until the answer is understood it counts as failed.
        self.failed = true;
        Ok(answer)
    }

    /// The last answer was understood: this is its page.
    pub fn understood(&mut self, page: u32) {
        (self.last, self.failed) = (Some(page), false);
    }

    /// The next request is for the shop, whatever the archive has.
    pub fn ask_anew(&mut self) {
        self.failed = true;
    }
}

#[cfg(test)]
mod tests {
    use tidegate_sdk::http::{
        get,
        testing::{self, Reply},
    };

    use super::*;

    fn send(order: &mut InOrder, url: &str) -> u32 {
        let answer = order.send(get(url)).unwrap();
        order.understood(answer.page());
        answer.page()
    }

    #[test]
    fn a_page_that_another_stream_got_too_early_is_asked_for_again() {
        testing::answer(|_| Ok(Reply::text(200, "")));
        let mut first = InOrder::default();
        assert_eq!((send(&mut first, "https://a.example/2"), send(&mut first, "https://a.example/1")), (0, 1));
        let mut second = InOrder::default();
        assert_eq!((send(&mut second, "https://a.example/1"), send(&mut second, "https://a.example/2")), (1, 2));
        assert_eq!(testing::asked().len(), 3);
    }

    #[test]
    fn what_was_not_understood_is_sent_anew() {
        testing::answer(|_| Ok(Reply::text(200, "")));
        let mut order = InOrder::default();
        order.send(get("https://a.example/1")).unwrap();
        assert_eq!(send(&mut order, "https://a.example/1"), 1);
        assert_eq!(send(&mut InOrder::default(), "https://a.example/1"), 1, "others get the newest answer");
    }
}
