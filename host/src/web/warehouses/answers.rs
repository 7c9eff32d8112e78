//! What was asked of a snapshot, kept within a bound.
//!
//! What always holds here: answers together hold no more than [`BYTES`]; those longest unused go first. A failure is not kept. (`tests`)

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use super::{Answer, Question, Trouble};

/// What the answers of a snapshot may hold in memory, by the sizes of their values.
pub(super) const BYTES: usize = 32 << 20;

type Asking = Shared<BoxFuture<'static, Result<Arc<Answer>, Trouble>>>;

/// Answers by their questions.
#[derive(Default)]
pub(super) struct Answers(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    entries: HashMap<Question, Entry>,
    /// Counts every question, so that entries can be ordered by their last use.
    clock: u64,
    bytes: usize,
}

#[derive(Clone)]
struct Entry {
    asking: Asking,
    used: u64,
    /// 0 until the answer is there.
    bytes: usize,
}

impl Answers {
    /// The answer to a question: what is known, what is being asked, or what `ask` finds. The asking goes on also when nobody waits any more.
    pub async fn get<F>(&self, question: &Question, ask: impl FnOnce(Question) -> F) -> Result<Arc<Answer>, Trouble>
    where
        F: Future<Output = Result<Answer, Trouble>> + Send + 'static,
    {
        let asking = {
            let mut kept = locked(&self.0);
            kept.clock += 1;
            let now = kept.clock;
            match kept.entries.get_mut(question) {
                Some(entry) => {
                    entry.used = now;
                    entry.asking.clone()
                }
                None => {
                    let asking = self.begin(question, ask(question.clone()));
                    kept.entries.insert(question.clone(), Entry { asking: asking.clone(), used: now, bytes: 0 });
                    asking
                }
            }
        };
        asking.await
    }

    fn begin(&self, question: &Question, asked: impl Future<Output = Result<Answer, Trouble>> + Send + 'static) -> Asking {
        let (kept, question) = (self.0.clone(), question.clone());
        let work = tokio::spawn(async move {
            let found = asked.await.map(Arc::new);
            locked(&kept).settle(&question, found.as_ref().ok().map(|answer| answer.bytes()));
            found
        });
        let broken = || Trouble { what: "Something broke while the warehouse was asked.".into(), hint: None };
        work.map(move |found| found.unwrap_or_else(|_| Err(broken()))).boxed().shared()
    }

    /// The questions that were asked last, the last one first.
    pub fn last(&self, most: usize) -> Vec<Question> {
        let kept = locked(&self.0);
        let mut known: Vec<_> = kept.entries.iter().filter(|(_, entry)| entry.bytes > 0).collect();
        known.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.used));
        known.into_iter().take(most).map(|(question, _)| question.clone()).collect()
    }

    /// The answers of these that still hold.
    pub fn those(&self, holds: impl Fn(&Question) -> bool) -> Self {
        let kept = locked(&self.0);
        let entries = kept.entries.iter().filter(|(question, entry)| entry.bytes > 0 && holds(question));
        let entries: HashMap<_, _> = entries.map(|(question, entry)| (question.clone(), entry.clone())).collect();
        let bytes = entries.values().map(|entry| entry.bytes).sum();
        Self(Arc::new(Mutex::new(Kept { entries, clock: kept.clock, bytes })))
    }
}

impl Kept {
    /// Writes down the size of an answer, and lets others go for it; a failure is forgotten, so that it is tried again.
    fn settle(&mut self, question: &Question, bytes: Option<usize>) {
        let Some(bytes) = bytes.map(|bytes| bytes + question.sql().len()) else {
            self.entries.remove(question);
            return;
        };
        if let Some(entry) = self.entries.get_mut(question) {
            entry.bytes = bytes;
            self.bytes += bytes;
        }
        while self.bytes > BYTES {
            let settled = self.entries.iter().filter(|(_, entry)| entry.bytes > 0);
            let Some(oldest) = settled.min_by_key(|(_, entry)| entry.used).map(|(question, _)| question.clone()) else { return };
            self.bytes -= self.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::web::warehouses::Cell;

    fn question(sql: &str) -> Question {
        Question::Tables(sql.to_owned())
    }

    fn answer(bytes: usize) -> Answer {
        Answer::new(vec!["text".into()], vec![vec![Cell::Text("x".repeat(bytes).into())]])
    }

    #[tokio::test]
    async fn what_many_ask_at_once_is_asked_once() {
        let (answers, asked) = (Answers::default(), Arc::new(AtomicUsize::new(0)));
        let ask = |_| {
            let asked = asked.clone();
            async move {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(answer(1))
            }
        };
        let asked_for = question("select 1");
        let found = futures::future::join_all((0..50).map(|_| answers.get(&asked_for, ask))).await;
        assert!(found.iter().all(Result::is_ok));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_failure_is_tried_again() {
        let answers = Answers::default();
        let trouble = Trouble { what: "no".into(), hint: None };
        assert_eq!(answers.get(&question("a"), |_| async { Err(Trouble { what: "no".into(), hint: None }) }).await.unwrap_err(), trouble);
        assert!(answers.get(&question("a"), |_| async { Ok(answer(1)) }).await.is_ok());
    }

    #[tokio::test]
    async fn those_longest_unused_go_when_the_bound_is_reached() {
        let answers = Answers::default();
        for sql in ["a", "b"] {
            answers.get(&question(sql), |_| async { Ok(answer(BYTES / 2 - 1000)) }).await.unwrap();
        }
        answers.get(&question("a"), |_| async { Ok(answer(1)) }).await.unwrap();
        answers.get(&question("c"), |_| async { Ok(answer(BYTES / 4)) }).await.unwrap();
        assert_eq!(answers.last(9), ["c", "a"].map(question));
        assert!(locked(&answers.0).bytes <= BYTES);
        answers.get(&question("d"), |_| async { Ok(answer(2 * BYTES)) }).await.unwrap();
        assert!(answers.last(9).is_empty());
    }

    #[tokio::test]
    async fn what_still_holds_is_not_asked_again() {
        let answers = Answers::default();
        for sql in ["a", "b"] {
            answers.get(&question(sql), |_| async { Ok(answer(9)) }).await.unwrap();
        }
        let next = answers.those(|known| *known == question("a"));
        assert_eq!(next.last(9), [question("a")]);
        assert_eq!(next.get(&question("a"), |_| async { Ok(answer(1)) }).await.unwrap(), Arc::new(answer(9)));
        assert_eq!(next.get(&question("b"), |_| async { Ok(answer(1)) }).await.unwrap(), Arc::new(answer(1)));
        assert_eq!(locked(&next.0).bytes, answer(9).bytes() + answer(1).bytes() + 2);
    }
}
