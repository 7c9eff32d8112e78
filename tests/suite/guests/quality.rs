//! Quality plugins.

use insta::assert_snapshot;
use tidegate_tests::sandbox::measures;

use super::{bounded, said};

#[tokio::test]
async fn lies_about_passed_and_is_not_believed() {
    let error = bounded(measures(Some("lies_about_passed"))).await.unwrap_err();
    assert_snapshot!(said(&error), @"guest-quality@0.1.0 broke the contract when it was asked to sum up: rule `counted` passed 3 of 2");
    let measures = bounded(measures(None)).await.unwrap();
    assert_eq!((measures[0].passed, measures[0].total), (2, 2));
}

/// What is said of one that breaks the rules for sets of keys; the next instance works.
async fn refused(misbehaviour: &str) -> String {
    let error = bounded(measures(Some(misbehaviour))).await.unwrap_err();
    bounded(measures(None)).await.unwrap();
    said(&error)
}

#[tokio::test]
async fn forgets_origins_and_is_told() {
    assert_snapshot!(refused("forgets_origins").await, @"guest-quality@0.1.0 failed to sum up: hashes are two numbers for each key, with one origin where there are origins");
}

#[tokio::test]
async fn guesses_tickets_and_gets_nothing() {
    assert_snapshot!(refused("guesses_tickets").await, @"guest-quality@0.1.0 failed to sum up: no census of this run has this ticket; it may have been taken in already");
}

#[tokio::test]
async fn takes_itself_in_and_is_told() {
    assert_snapshot!(refused("takes_itself_in").await, @"guest-quality@0.1.0 failed to sum up: a census can't take in itself");
}
