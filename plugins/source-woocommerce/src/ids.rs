//! The ids that a stream has given so far, as text that fits into a cursor.
//!
//! # Why
//! What is deleted for good leaves no trace in the API, so a deletion is an id that was there and is not any more. Ids ascend with few gaps:
//! the text holds the gap before each id, and how long runs without gaps are. 100,000 orders whose ids are three apart take 100 kB, ids
//! without gaps next to nothing.

use std::collections::BTreeSet;

use tidegate_sdk::{Failure, Result};

/// A set of ids, none of them 0.
pub type Ids = BTreeSet<u64>;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Six bits per character: five of a number, lowest first, and one that says that it goes on.
const MORE: u64 = 0b10_0000;

/// Writes a set.
pub fn write(ids: &Ids) -> String {
    let mut text = String::new();
    let mut last = 0;
    let mut run = 0;
    for &id in ids.iter().filter(|id| **id > 0) {
        let gap = id - last - 1;
        if gap == 0 {
            run += 1;
        } else {
            end_run(&mut text, &mut run);
            number(&mut text, gap);
        }
        last = id;
    }
    end_run(&mut text, &mut run);
    text
}

/// A run of ids without gaps: 0, then its length less 1.
fn end_run(text: &mut String, run: &mut u64) {
    if *run > 0 {
        number(text, 0);
        number(text, *run - 1);
        *run = 0;
    }
}

fn number(text: &mut String, mut number: u64) {
    loop {
        let low = number & (MORE - 1);
        number >>= 5;
        let character = if number > 0 { low | MORE } else { low };
        text.push(char::from(ALPHABET[usize::try_from(character).expect("six bits fit")]));
        if number == 0 {
            return;
        }
    }
}

/// Reads a set.
pub fn read(text: &str) -> Result<Ids> {
    let strange = || Failure::config("the cursor's list of ids can't be read; reset the cursor");
    let mut numbers = Numbers(text.bytes());
    let mut ids = Ids::new();
    let mut last: u64 = 0;
    while let Some(gap) = numbers.next().map_err(|()| strange())? {
        let run = if gap == 0 { numbers.next().map_err(|()| strange())?.ok_or_else(strange)? } else { 0 };
        let first = last.checked_add(gap).and_then(|id| id.checked_add(1)).ok_or_else(strange)?;
        last = first.checked_add(run).filter(|_| run < 1 << 32).ok_or_else(strange)?;
        ids.extend(first..=last);
    }
    Ok(ids)
}

struct Numbers<'t>(std::str::Bytes<'t>);

impl Numbers<'_> {
    fn next(&mut self) -> Result<Option<u64>, ()> {
        let mut number = 0;
        for place in 0..13 {
            let Some(byte) = self.0.next() else { return if place == 0 { Ok(None) } else { Err(()) } };
            let bits = ALPHABET.iter().position(|character| *character == byte).ok_or(())? as u64;
            number |= (bits & (MORE - 1)) << (5 * place);
            if bits & MORE == 0 {
                return Ok(Some(number));
            }
        }
        Err(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(ids: impl IntoIterator<Item = u64>) -> String {
        let ids: Ids = ids.into_iter().collect();
        let text = write(&ids);
        assert_eq!(read(&text).unwrap(), ids, "{text}");
        text
    }

    #[test]
    fn a_set_comes_back_as_it_was() {
        for ids in [vec![], vec![1], vec![2], vec![1, 2, 3], vec![7, 8, 20, 21, 22, 1000, 1_000_000_007], vec![u64::MAX - 1, u64::MAX]] {
            round(ids);
        }
        for step in 1..70 {
            round((1..500).map(|id| id * step + id % 3));
        }
    }

    #[test]
    fn ids_take_little_room() {
        assert!(round(1..=100_000).len() < 10);
        assert_eq!(round((1..=100_000).map(|id| id * 3)).len(), 100_000);
    }

    #[test]
    fn what_is_no_list_of_ids_is_said_to_be_none() {
        for text in ["!", "g", "A", "____________________", "Ag______", "é"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
