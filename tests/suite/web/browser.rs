//! What people do with the dashboard: look, filter, go into a run, start one and watch it end, log in and out, look at raw rows.
//! Everything is found by its role and its name, so that a screen reader gets as far as these tests do.

use std::sync::{Arc, Condvar, Mutex};

use anyhow::{Result, ensure};
use tidegate_tests::{
    browser::{Page, Role},
    components::Components,
    http,
    program::Workplace,
    shops::plain::PlainShop,
    site::Site,
    wire::Wire,
};

use super::{PASSWORD, users, with_a_held_run};

#[test]
fn the_overview_shows_the_business_and_its_filters_live_in_the_address() -> Result<()> {
    let site = Site::of_olist("")?;
    let page = Page::open(site.address)?;
    page.go("/")?;
    page.arrives_at("/overview/olist")?;
    let shown = page.text()?.to_lowercase();
    for figure in ["orders", "revenue", "average order", "late", "review"] {
        ensure!(shown.contains(figure), "there is no figure about `{figure}`:\n{shown}");
    }
    let all = orders(&page)?;

    page.the(Role::Combobox, "State")?.choose("SP")?;
    page.the(Role::Button, "Apply")?.click()?;
    page.arrives_at("state=SP")?;
    let of_one_state = page.until("fewer orders", |page| Ok(Some(orders(page)?).filter(|orders| *orders < all)))?;
    ensure!(of_one_state > 0);
    // The address is all there is to a filter: loaded again, or sent to somebody, it shows the same.
    page.reload()?;
    ensure!(orders(&page)? == of_one_state);
    page.back()?;
    page.until("all orders", |page| Ok((orders(page)? == all).then_some(())))?;
    no_complaints(&page)
}

/// The number of orders, as the first of the key figures says it.
fn orders(page: &Page) -> Result<u64> {
    let text = page.text()?;
    let mut lines = text.lines().skip_while(|line| !line.trim().eq_ignore_ascii_case("orders")).skip(1);
    let number: String = lines.next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    number.parse().map_err(|_| anyhow::anyhow!("no number stands below `Orders`:\n{text}"))
}

#[test]
fn every_chart_is_drawn_and_has_a_table_and_a_csv_behind_it() -> Result<()> {
    let site = Site::of_olist("")?;
    let page = Page::open(site.address)?;
    page.go("/overview/olist")?;
    page.settled()?;
    let figures = page.all(Role::Figure, None)?;
    ensure!(figures.len() >= 6, "there are {} charts", figures.len());
    for (number, figure) in figures.iter().enumerate() {
        ensure!(figure.count("canvas, svg")? > 0, "chart {number} is not drawn: {}", figure.text()?);
        ensure!(figure.count("details table tbody tr")? > 0, "chart {number} has no table: {}", figure.text()?);
    }
    let files = page.links_to(".csv")?;
    ensure!(files.len() >= figures.len(), "{} charts, {} files", figures.len(), files.len());
    for file in files {
        let answer = http::get(site.address, http::path_of(&file))?;
        let kind = answer.header("content-type").unwrap_or_default();
        ensure!(answer.status == 200 && kind.starts_with("text/csv"), "{file}: {} {kind}", answer.status);
        ensure!(answer.text().lines().count() > 1, "{file} has no row");
    }
    no_complaints(&page)
}

#[test]
fn on_paper_every_chart_is_drawn_though_nobody_came_near_it() -> Result<()> {
    let site = Site::of_olist("")?;
    let page = Page::open(site.address)?;
    page.go("/overview/olist")?;
    let ink = page.print()?;
    ensure!(ink.len() >= 6 && ink.iter().all(|pixels| *pixels > 1000), "charts with so much ink: {ink:?}");
    no_complaints(&page)
}

#[test]
fn from_the_pipelines_down_to_what_held_a_run_and_the_rows_that_it_rejected() -> Result<()> {
    let (site, [loaded, held]) = with_a_held_run()?;
    let page = Page::open(site.address)?;
    page.go("/")?;
    page.the(Role::Link, "Pipelines")?.click()?;
    page.the(Role::Heading, "Pipelines")?;
    page.the(Role::Link, "olist")?.click()?;
    page.arrives_at("/pipelines/olist")?;

    page.the(Role::Link, &held)?.click()?;
    page.arrives_at(&format!("/runs/olist/{held}"))?;
    page.shows("integrity")?;
    page.shows("held")?;
    page.back()?;
    page.the(Role::Link, &loaded)?.click()?;
    page.arrives_at(&loaded)?;
    for stage in ["extract", "archive", "transform", "assess", "gate", "load", "refresh"] {
        page.shows(stage)?;
    }
    page.go(&format!("/runs/olist/{loaded}/rejected"))?;
    page.shows("inside-brazil")?;
    no_complaints(&page)
}

/// A door that stays shut until somebody opens it.
#[derive(Default)]
struct Door(Mutex<bool>, Condvar);

impl Door {
    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let shut = self.1.wait_while(self.0.lock().unwrap(), |open| !*open);
        drop(shut.unwrap());
    }
}

/// A pipeline whose source waits at the door for its orders.
fn behind(door: &Arc<Door>) -> Result<(Workplace, Wire)> {
    let shop = PlainShop::new(120);
    let (clock, door) = (shop.clone(), door.clone());
    let wire = Wire::start(move |asked| {
        if asked.path == "/orders" {
            door.wait();
        }
        shop.answer(asked)
    });
    wire.set_clock(move || clock.now());
    let workplace = Workplace::empty()?;
    let url = wire.url();
    let text = format!(
        r#"version = 1
name = "shop"

[sources.shop]
plugin = "{plugin}"
config = {{ url = "{url}" }}
grants.http.api = {{ url = "{url}/**", private = true }}

[streams.orders]

[tables.orders]
stream = "orders"
mode = "append"
"#,
        plugin = Components::guests().path("guest-rest").display()
    );
    workplace.write("examples/shop/pipeline.toml", &text)?;
    Ok((workplace, wire))
}

#[test]
fn a_run_is_started_by_a_button_and_watched_to_its_end_without_a_reload() -> Result<()> {
    let door = Arc::new(Door::default());
    let (workplace, _wire) = behind(&door)?;
    let site = Site::start(workplace, "")?;
    let page = Page::open(site.address)?;
    page.go("/pipelines/shop")?;
    page.the(Role::Button, "Run now: shop")?.click()?;
    page.arrives_at("/pipelines/shop")?;
    // The part of the page that lists tasks comes anew by itself.
    let run = page.until("a link to the run", |page| {
        Ok(page.names(Role::Link)?.into_iter().find(|name| name.starts_with("20") && name.contains('-')))
    })?;
    page.the(Role::Link, &run)?.click()?;
    page.arrives_at(&format!("/runs/shop/{run}"))?;
    page.shows("running")?;
    ensure!(!page.text()?.contains("loaded"), "it waits at the door and is loaded all the same:\n{}", page.text()?);

    door.open();
    page.shows("loaded")?;
    page.shows("120")?;
    no_complaints(&page)?;

    page.go("/data/shop/orders")?;
    page.shows("São Paulo")?;
    no_complaints(&page)
}

#[test]
fn people_log_in_and_out_and_do_what_their_role_lets_them() -> Result<()> {
    let site = Site::of_olist(&users()?)?;
    let page = Page::open(site.address)?;
    page.go("/pipelines/olist")?;
    page.arrives_at("/login")?;
    log_in(&page, "ana", "wrong")?;
    page.shows("wrong")?;
    log_in(&page, "ana", PASSWORD)?;
    page.arrives_at("/pipelines/olist")?;
    page.the(Role::Button, "Pause: olist")?.click()?;
    page.the(Role::Button, "Resume: olist")?.click()?;
    page.the(Role::Button, "Pause: olist")?;
    page.the(Role::Button, "Log out")?.click()?;
    page.arrives_at("/login")?;
    // What the browser remembers of the page before is not what the daemon shows.
    page.go("/pipelines/olist")?;
    page.arrives_at("/login")?;

    log_in(&page, "bo", PASSWORD)?;
    page.arrives_at("/pipelines/olist")?;
    ensure!(page.all(Role::Button, Some("Run now: olist"))?.is_empty(), "a viewer may not start a run");
    page.the(Role::Button, "Log out")?.click()?;
    page.arrives_at("/login")?;
    // The refused login is an answer with status 401, and browsers complain of each of those.
    let others: Vec<_> = page.complaints()?.into_iter().filter(|complaint| !complaint.message.contains("401")).collect();
    ensure!(others.is_empty(), "{others:?}");
    Ok(())
}

fn log_in(page: &Page, user: &str, password: &str) -> Result<()> {
    page.the(Role::Textbox, "User")?.fill(user)?;
    page.the_secret("Password")?.fill(password)?;
    page.the(Role::Button, "Log in")?.click()
}

#[test]
fn raw_rows_are_filtered_sorted_and_paged() -> Result<()> {
    let site = Site::of_olist("")?;
    let page = Page::open(site.address)?;
    page.go("/")?;
    page.the(Role::Link, "Data")?.click()?;
    page.the(Role::Link, "fact_order_items")?.click()?;
    page.arrives_at("/data/olist/fact_order_items")?;
    let first = first_cells(&page, "price_cents")?;
    ensure!(first.len() > 10, "{first:?}");

    page.the(Role::Link, "price_cents")?.click()?;
    let sorted = page.until("the rows in the order of their prices", |page| {
        let prices = first_cells(page, "price_cents")?;
        Ok(prices.is_sorted().then_some(prices))
    })?;
    page.the(Role::Link, "Next")?.click()?;
    page.until("later rows", |page| {
        let prices = first_cells(page, "price_cents")?;
        Ok((prices.is_sorted() && prices != sorted && prices[0] >= sorted[sorted.len() - 1]).then_some(()))
    })?;
    no_complaints(&page)
}

/// The numbers of a column that the page shows.
fn first_cells(page: &Page, column: &str) -> Result<Vec<u64>> {
    let cells = page.column(column)?;
    cells.iter().map(|cell| Ok(cell.chars().filter(char::is_ascii_digit).collect::<String>().parse()?)).collect()
}

fn no_complaints(page: &Page) -> Result<()> {
    let complaints = page.complaints()?;
    ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    Ok(())
}
