//! The reviews of orders. A review can speak of several orders and an order can have several reviews: the key is both.

use std::sync::Arc;

use tidegate_sdk::{
    Result,
    arrow_array::{ArrayRef, Int32Array},
    arrow_schema::{
        DataType::{Date32, Int32, Utf8},
        Field,
    },
};

use super::{Definition, optional, required, timestamp};
use crate::{cells::text::Layout, rules::rules, sheet::Sheet};

pub static TABLE: Definition = Definition {
    name: "order_reviews",
    columns: &[
        "review_id",
        "order_id",
        "review_score",
        "review_comment_title",
        "review_comment_message",
        "review_creation_date",
        "review_answer_timestamp",
    ],
    spellings: &[],
    key: &["review_id", "order_id"],
    spread: &["review_id", "order_id"],
    rules: RULES,
    fields,
    clean,
};

rules! {
    RowBlank: "row-blank", Completeness, [], "every column is empty";
    ReviewIdMissing: "review-id-missing", Completeness, ["review_id"], "review id is missing";
    OrderIdMissing: "order-id-missing", Completeness, ["order_id"], "order id is missing";
    ScoreMissing: "score-missing", Completeness, ["review_score"], "score is missing";
    CreationMissing: "creation-date-missing", Completeness, ["review_creation_date"], "creation date is missing";
    AnswerMissing: "answer-time-missing", Completeness, ["review_answer_timestamp"], "answer time is missing";
    ReviewIdFormat: "review-id-format", Conformity, ["review_id"], "review id is not 32 hexadecimal digits";
    OrderIdFormat: "order-id-format", Conformity, ["order_id"], "order id is not 32 hexadecimal digits";
    ScoreFormat: "score-format", Conformity, ["review_score"], "score is not a whole number";
    CreationFormat: "creation-date-format", Conformity, ["review_creation_date"], "creation date is not a date that can be read in one way";
    AnswerFormat: "answer-time-format", Conformity, ["review_answer_timestamp"], "answer time is not a date that can be read in one way";
    ScoreRange: "score-range", Validity, ["review_score"], "score is not between 1 and 5";
    DatesPlausible: "dates-plausible", Accuracy, ["review_creation_date", "review_answer_timestamp"], "a date lies outside the plausible days";
    AnsweredAfterCreation: "answered-after-creation", Consistency, ["review_creation_date", "review_answer_timestamp"],
        "the answer came on a day before the review was asked for";
    Duplicate: "review-duplicate", Uniqueness, ["review_id", "order_id"], "an earlier row has this review id and order id";
}

fn fields() -> Vec<Field> {
    vec![
        required("review_id", Utf8),
        required("order_id", Utf8),
        required("review_score", Int32),
        optional("review_comment_title", Utf8),
        optional("review_comment_message", Utf8),
        required("review_creation_date", Date32),
        required("review_answer_timestamp", timestamp()),
    ]
}

fn clean(sheet: &mut Sheet) -> Result<Vec<ArrayRef>> {
    sheet.require("review_id", Rule::ReviewIdMissing);
    sheet.require("order_id", Rule::OrderIdMissing);
    sheet.require("review_score", Rule::ScoreMissing);
    sheet.require("review_creation_date", Rule::CreationMissing);
    sheet.require("review_answer_timestamp", Rule::AnswerMissing);
    let review_id = sheet.ids("review_id", Rule::ReviewIdFormat);
    let order_id = sheet.ids("order_id", Rule::OrderIdFormat);
    let score = sheet.integers("review_score", Rule::ScoreFormat);
    let title = sheet.texts("review_comment_title", Layout::Line);
    let message = sheet.texts("review_comment_message", Layout::Lines);
    let created = sheet.instants("review_creation_date", Rule::CreationFormat, Rule::DatesPlausible);
    let answered = sheet.instants("review_answer_timestamp", Rule::AnswerFormat, Rule::DatesPlausible);
    sheet.check(&score, Rule::ScoreRange, |score| (1..=5).contains(&score));
    sheet.check_days(&created, &answered, Rule::AnsweredAfterCreation);
    sheet.deduplicate(Rule::Duplicate, |key, row| {
        key.text(&review_id, row);
        key.text(&order_id, row);
    })?;
    Ok(vec![
        Arc::new(review_id),
        Arc::new(order_id),
        Arc::new(Int32Array::from(score)),
        Arc::new(title),
        Arc::new(message),
        Arc::new(created.days()),
        Arc::new(answered.timestamps()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn bench() -> Bench {
        let ids = ["2b816375babc6be3d60bb4da4fcab644", "8dc94cf41b20afea446efbf87b4c5b77"];
        Bench::new(&TABLE, &[ids[0], ids[1], "1", "", "", "2018-03-08 00:00:00", "2018-03-08 12:30:00"])
    }

    #[test]
    fn neither_id_is_a_key_alone() {
        let bench = bench();
        let other = "b2714ecb00000000000000000000000b";
        let rows = [bench.row(&[]), bench.row(&[("order_id", other)]), bench.row(&[("review_id", other)]), bench.row(&[])];
        assert_eq!(bench.push(&rows).1, [None, None, None, Some("review-duplicate".to_owned())]);
    }

    #[test]
    fn texts_are_tidied_and_may_be_missing() {
        let bench = bench();
        let rows = [
            bench.row(&[("review_comment_title", " super\r\nrecomendo "), ("review_comment_message", "chegou\r\nbem  👍 ")]),
            bench.row(&[("review_score", "5"), ("order_id", "b2714ecb00000000000000000000000b"), ("review_comment_title", "  ")]),
        ];
        let (accepted, _) = bench.push(&rows);
        assert_eq!(Bench::texts(&accepted, "review_comment_title"), [Some("super recomendo".to_owned()), None]);
        assert_eq!(Bench::texts(&accepted, "review_comment_message"), [Some("chegou\nbem  👍".to_owned()), None]);
    }
}
