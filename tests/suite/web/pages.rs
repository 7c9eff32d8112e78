//! Every page, at a laptop's and a telephone's width, light and dark: nothing for the console to complain of, nothing serious for axe to find,
//! nothing to scroll to sideways. Each leaves a picture for people to look at, in the folder that `tests/run` names at its end.

use anyhow::{Context, Result, ensure};
use tidegate_tests::{
    browser::{Colours, Page, Role, Size, screenshots},
    site::Site,
};

use super::{users, with_a_held_run};

const KEY_TAB: &str = "\u{e004}";
const KEY_ENTER: &str = "\u{e007}";

#[test]
fn every_page_is_good_at_both_widths_in_both_colours() -> Result<()> {
    let (site, [loaded, held]) = with_a_held_run()?;
    let run = |of: &str, part: &str| format!("/runs/olist/{of}{part}");
    let pages = [
        ("overview", "/overview/olist".to_owned()),
        ("overview of a state", "/overview/olist?state=SP".to_owned()),
        ("tables", "/data".to_owned()),
        ("rows", "/data/olist/fact_orders".to_owned()),
        ("pipelines", "/pipelines".to_owned()),
        ("pipeline", "/pipelines/olist".to_owned()),
        ("run", run(&loaded, "")),
        ("held run", run(&held, "")),
        ("rejected rows", run(&loaded, "/rejected")),
        ("archived pages", run(&loaded, "/pages")),
        ("archived page", run(&loaded, "/pages/olist/1")),
        ("plugins", "/plugins".to_owned()),
        ("sources", "/sources".to_owned()),
    ];
    let page = Page::open(site.address)?;
    let mut faults = Vec::new();
    for (name, path) in &pages {
        faults.extend(judge(&page, name, path)?);
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[test]
fn the_login_is_good_at_both_widths_in_both_colours() -> Result<()> {
    let site = Site::of_olist(&users()?)?;
    let faults = judge(&Page::open(site.address)?, "login", "/login")?;
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Looks at a page four times; gives what is wrong with it.
fn judge(page: &Page, name: &str, path: &str) -> Result<Vec<String>> {
    let folder = screenshots()?;
    let mut faults = Vec::new();
    for (width, size) in [("1440", Size::WIDE), ("390", Size::NARROW)] {
        for colours in [Colours::Light, Colours::Dark] {
            page.resize(size)?;
            page.prefer(colours)?;
            page.go(path)?;
            page.settled()?;
            let look = format!("{name}, {width}, {}", colours.name());
            page.picture(&folder.join(format!("{}.png", look.replace(", ", "-").replace(' ', "-"))))?;
            ensure!(page.all(Role::Main, None)?.len() == 1, "{look}: a page has one main part");
            faults.extend(page.faults()?.into_iter().map(|fault| format!("{look} ({path}): {fault}")));
        }
    }
    Ok(faults)
}

#[test]
fn pages_are_read_without_a_script() -> Result<()> {
    let (site, [loaded, _]) = with_a_held_run()?;
    let page = Page::open(site.address)?;
    page.scripts(false)?;
    let run = format!("/runs/olist/{loaded}");
    for (path, wanted) in [
        ("/overview/olist", vec!["Orders", "Revenue"]),
        ("/data/olist/fact_orders", vec!["order_id", "delivered"]),
        ("/pipelines", vec!["olist", "loaded"]),
        (run.as_str(), vec!["completeness", "fact_orders"]),
        ("/plugins", vec!["source-files"]),
    ] {
        page.go(path)?;
        for text in wanted {
            page.shows(text)?;
        }
    }
    // Filters are a form, and a form needs no script.
    page.go("/overview/olist")?;
    page.the(Role::Combobox, "State")?.pick("SP")?;
    page.the(Role::Button, "Apply")?.click()?;
    page.arrives_at("state=SP")
}

#[test]
fn a_keyboard_gets_everywhere() -> Result<()> {
    let site = Site::of_olist("")?;
    let page = Page::open(site.address)?;
    page.go("/pipelines/olist")?;
    page.press(KEY_TAB)?;
    let (role, name) = page.focused()?.context("the first stop")?.role_and_name()?;
    ensure!(role == "link" && name.to_lowercase().contains("skip"), "the first stop is the {role} `{name}`");
    page.press(KEY_ENTER)?;
    page.arrives_at("#main")?;
    let mut stops = Vec::new();
    for _ in 0..40 {
        page.press(KEY_TAB)?;
        stops.extend(page.focused()?.map(|stop| stop.role_and_name()).transpose()?.map(|(_, name)| name));
    }
    ensure!(stops.iter().any(|name| name == "Run now: olist"), "a keyboard gets to {stops:?}");
    ensure!(stops.iter().all(|name| !name.trim().is_empty()), "there is a stop without a name: {stops:?}");
    Ok(())
}
