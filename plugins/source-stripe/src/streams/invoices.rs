//! Invoices. Drafts can be deleted.

use super::{Changes, Entity, ONE_LIST, RowsOf};
use crate::column::{deleted, flag, integer, key, metadata, money, reference, text, time};

/// What changes an invoice. An item changes the draft that it is put on. The stream of lines goes by the same events, so that both ask
/// for the same invoices in the same order, and the second one is answered from the archive.
pub(super) const CHANGES: Changes = super::events(&[("invoice", "id"), ("invoiceitem", "invoice")]);

/// The stream.
pub static INVOICES: Entity = Entity {
    name: "invoices",
    path: "/v1/invoices",
    lists: ONE_LIST,
    rows: RowsOf::Objects,
    changes: CHANGES,
    deletion: Some("invoice.deleted"),
    key: &["id"],
    columns: &[
        key("id"),
        time("created"),
        text("number"),
        text("status"),
        reference("customer"),
        text("customer_name"),
        text("customer_email"),
        reference("subscription").at(&["parent/subscription_details/subscription", "subscription"]),
        reference("charge"),
        reference("payment_intent"),
        text("currency"),
        money("subtotal"),
        money("subtotal_excluding_tax"),
        money("total"),
        money("total_excluding_tax"),
        money("amount_due"),
        money("amount_paid"),
        money("amount_remaining"),
        money("amount_shipping"),
        money("starting_balance"),
        money("ending_balance"),
        text("billing_reason"),
        text("collection_method"),
        flag("auto_advance"),
        flag("attempted"),
        integer("attempt_count"),
        time("due_date"),
        time("next_payment_attempt"),
        time("period_start"),
        time("period_end"),
        time("finalized_at").at(&["status_transitions/finalized_at"]),
        time("paid_at").at(&["status_transitions/paid_at"]),
        time("voided_at").at(&["status_transitions/voided_at"]),
        time("marked_uncollectible_at").at(&["status_transitions/marked_uncollectible_at"]),
        text("description"),
        flag("livemode"),
        metadata(),
        deleted(),
    ],
};
