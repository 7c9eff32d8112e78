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
