//! The harness sees what it is there to see: pages with known faults, served from a socket.

use anyhow::{Result, ensure};
use tidegate_tests::{
    browser::{Page, Role, Size},
    http,
    wire::{Reply, Wire},
};

/// A page with four faults: a pale text, a field without a name, a script that fails, a part that is too wide.
const FAULTY: &str = r#"<!doctype html><html lang="en"><head><title>Faulty</title><link rel="icon" href="data:,"></head><body><main><h1>Faulty</h1>
    <p style="color: #ddd; background: #fff">pale</p><input name="nameless"><div style="width: 2000px">wide</div>
    <script>console.error("it broke")</script></main></body></html>"#;

const SOUND: &str = r#"<!doctype html><html lang="en"><head><title>Sound</title><link rel="icon" href="data:,"></head><body><main><h1>Sound</h1>
    <form action="/sound"><label>Name <input name="name"></label> <label>State <select name="state"><option value="">all</option>
    <option value="SP">Sao Paulo</option></select></label> <button>Apply</button></form></main></body></html>"#;

fn site() -> Wire {
    Wire::start(|asked| {
        let html = |text: &str| Reply::new(200).header("Content-Type", "text/html; charset=utf-8").body(text);
        match asked.path.as_str() {
            "/faulty" => html(FAULTY),
            "/sound" => html(SOUND),
            "/chunked" => Reply::text(200, "four and twenty").chunked(4),
            _ => Reply::text(404, "nothing"),
        }
    })
}

fn address(site: &Wire) -> std::net::SocketAddr {
    std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, site.port()))
}

#[test]
fn a_faulty_page_is_found_out_and_a_sound_one_is_not() -> Result<()> {
    let site = site();
    let page = Page::open(address(&site))?;
    page.go("/faulty")?;
    let faults = page.faults()?.join("\n");
    for fault in ["it broke", "color-contrast", "label (critical)", "pixels wider than its window"] {
        ensure!(faults.contains(fault), "`{fault}` was not found:\n{faults}");
    }
    page.go("/sound")?;
    ensure!(page.faults()?.is_empty(), "{:?}", page.faults()?);
    page.resize(Size::NARROW)?;
    ensure!(page.overflow()? == 0);
    Ok(())
}

#[test]
fn things_are_found_by_role_and_name() -> Result<()> {
    let site = site();
    let page = Page::open(address(&site))?;
    page.go("/sound")?;
    page.the(Role::Textbox, "name")?.fill("a b")?;
    page.the(Role::Combobox, "State")?.choose("Sao Paulo")?;
    page.the(Role::Button, "Apply")?.click()?;
    page.arrives_at("/sound?name=a+b&state=SP")?;
    ensure!(page.the(Role::Combobox, "State")?.choose("Rio").unwrap_err().to_string().contains("Sao Paulo"));
    ensure!(page.all(Role::Link, None)?.is_empty());
    Ok(())
}

#[test]
fn an_answer_is_read_by_its_length_by_its_chunks_or_to_its_end() -> Result<()> {
    let site = site();
    ensure!(http::get(address(&site), "/chunked")?.text() == "four and twenty");
    let missing = http::get(address(&site), "/nowhere")?;
    ensure!(missing.status == 404 && missing.text() == "nothing" && missing.header("CONTENT-TYPE").is_some());
    ensure!(http::path_of("http://x:1/a?b") == "/a?b" && http::path_of("/a") == "/a" && http::path_of("http://x") == "/");
    Ok(())
}
