//! Orders, whatever their status.

use super::{Place, ShopStream};
use crate::{
    column::{Column, Kind::*, column},
    walk::{Endpoint, Nested, Walk},
};

/// The stream.
pub const STREAM: ShopStream =
    ShopStream { name: "orders", columns: COLUMNS, keys: 1, cursor_field: Some("updated_at"), walk: &WALK, place: Place::Root };

const COLUMNS: &[Column] = &[
    column("id", Key, "/id", "/id"),
    column("name", Text, "/name", "/name"),
    column("created_at", Time, "/createdAt", "/created_at"),
    column("updated_at", Time, "/updatedAt", "/updated_at"),
    column("processed_at", Time, "/processedAt", "/processed_at"),
    column("cancelled_at", Time, "/cancelledAt", "/cancelled_at"),
    column("closed_at", Time, "/closedAt", "/closed_at"),
    column("cancel_reason", Word, "/cancelReason", "/cancel_reason"),
    column("financial_status", Word, "/displayFinancialStatus", "/financial_status"),
    column("fulfillment_status", Word, "/displayFulfillmentStatus", "/fulfillment_status"),
    column("customer_id", Id, "/customer/id", "/customer/id"),
    column("email", Text, "/email", "/email"),
    column("currency", Text, "/currencyCode", "/currency"),
    column("subtotal", Money, "/subtotalPriceSet/shopMoney/amount", "/subtotal_price"),
    column("total_discounts", Money, "/totalDiscountsSet/shopMoney/amount", "/total_discounts"),
    column("total_tax", Money, "/totalTaxSet/shopMoney/amount", "/total_tax"),
    column("total_shipping", Money, "/totalShippingPriceSet/shopMoney/amount", "/total_shipping_price_set/shop_money/amount"),
    column("total", Money, "/totalPriceSet/shopMoney/amount", "/total_price"),
    column("current_total", Money, "/currentTotalPriceSet/shopMoney/amount", "/current_total_price"),
    column("taxes_included", Boolean, "/taxesIncluded", "/taxes_included"),
    column("test", Boolean, "/test", "/test"),
    column("source_name", Text, "/sourceName", "/source_name"),
    column("tags", Words, "/tags", "/tags"),
    column("note", Text, "/note", "/note"),
    column("shipping_city", Text, "/shippingAddress/city", "/shipping_address/city"),
    column("shipping_province", Text, "/shippingAddress/provinceCode", "/shipping_address/province_code"),
    column("shipping_country", Text, "/shippingAddress/countryCodeV2", "/shipping_address/country_code"),
    column("shipping_zip", Text, "/shippingAddress/zip", "/shipping_address/zip"),
];

/// The walk over orders, with their line items and refunds. Lines stop at 5 a page, since the cost of a query counts them as if each order
/// had as many; the rest of a long order is asked for by itself.
pub const WALK: Walk = Walk {
    root: "orders",
    kind: "Order",
    arguments: ", sortKey: UPDATED_AT",
    filters_nested: false,
    page: 15,
    fields: "id name createdAt updatedAt processedAt cancelledAt closedAt cancelReason displayFinancialStatus displayFulfillmentStatus \
        customer { id } email currencyCode \
        subtotalPriceSet { shopMoney { amount } } totalDiscountsSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } } \
        totalShippingPriceSet { shopMoney { amount } } totalPriceSet { shopMoney { amount } } currentTotalPriceSet { shopMoney { amount } } \
        taxesIncluded test sourceName tags note shippingAddress { city provinceCode countryCodeV2 zip } \
        refunds { id createdAt note totalRefundedSet { shopMoney { amount currencyCode } } }",
    nested: Some(Nested {
        name: "lineItems",
        kind: "LineItem",
        page: 5,
        continued: 100,
        fields: "id title variantTitle sku vendor quantity currentQuantity requiresShipping taxable isGiftCard \
            product { id } variant { id } originalUnitPriceSet { shopMoney { amount currencyCode } } totalDiscountSet { shopMoney { amount } }",
    }),
    rest: Endpoint {
        path: "orders.json",
        key: "orders",
        // Orders come open only unless the status is asked for.
        query: &[("status", "any"), ("order", "updated_at asc")],
        ascends: true,
        nested: "line_items",
        rest_of_nested: None,
        per_location: false,
    },
};
