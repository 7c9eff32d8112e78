//! Whether a page is well-formed: what a browser would repair in silence is a fault here.

use std::collections::HashSet;

/// Elements without an end.
const VOID: [&str; 6] = ["br", "hr", "img", "input", "link", "meta"];

/// Says what is wrong: elements that are not closed in order, ids that occur twice, labels without their field, styles or scripts inline.
pub fn check(text: &str) -> Result<(), String> {
    let (mut open, mut ids, mut labelled) = (Vec::new(), HashSet::new(), Vec::new());
    let mut rest = text.strip_prefix("<!DOCTYPE html>").ok_or("it does not begin with its type")?;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let end = end_of_tag(rest).ok_or_else(|| format!("a tag does not end: {}", &rest[..rest.len().min(80)]))?;
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            match open.pop() {
                Some(opened) if opened == name => continue,
                opened => return Err(format!("`{name}` ends where {opened:?} is open")),
            }
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        for (key, value) in attributes(tag) {
            match key {
                "id" if !ids.insert(value.to_owned()) => return Err(format!("the id `{value}` occurs twice")),
                "for" => labelled.push(value.to_owned()),
                "style" => return Err("an element has a style of its own".into()),
                key if key.starts_with("on") => return Err(format!("an element has a script of its own: {key}")),
                _ => {}
            }
        }
        if name == "script" {
            let close = rest.find("</script>").ok_or("a script does not end")?;
            let is_data = tag.contains("type=\"application/json\"");
            if close > 0 && !is_data {
                return Err("a script is written into the page".into());
            }
            if is_data && serde_json::from_str::<serde_json::Value>(&rest[..close]).is_err() {
                return Err(format!("a drawing is no JSON: {}", &rest[..close]));
            }
            rest = &rest[close + "</script>".len()..];
        } else if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    if let Some(opened) = open.pop() {
        return Err(format!("`{opened}` is not closed"));
    }
    match labelled.into_iter().find(|label| !ids.contains(label)) {
        Some(label) => Err(format!("a label is for `{label}`, which is not there")),
        None => Ok(()),
    }
}

/// The place of the `>` that ends the tag at the start, outside of quotes.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, letter)| {
        quoted ^= letter == '"';
        (letter == '>' && !quoted).then_some(at)
    })
}

fn attributes(tag: &str) -> Vec<(&str, &str)> {
    let (mut found, mut rest) = (Vec::new(), tag);
    while let Some(at) = rest.find("=\"") {
        let key = rest[..at].rsplit(' ').next().unwrap_or_default();
        let value = &rest[at + 2..];
        let end = value.find('"').unwrap_or(value.len());
        found.push((key, &value[..end]));
        rest = value.get(end + 1..).unwrap_or_default();
    }
    found
}

#[test]
fn faults_of_a_page_are_found() {
    let of = |body: &str| check(&format!("<!DOCTYPE html><html>{body}</html>"));
    assert_eq!(of("<p>a<br>b</p><input id=\"x\"><label for=\"x\">x</label><script src=\"a\"></script>"), Ok(()));
    for wrong in [
        "<p><b></p></b>",
        "<p>",
        "<i id=\"a\"></i><i id=\"a\"></i>",
        "<p style=\"a\"></p>",
        "<script>f()</script>",
        "<label for=\"y\"></label>",
        "<b onclick=\"f()\"></b>",
        "<script type=\"application/json\">{</script>",
    ] {
        assert!(of(wrong).is_err(), "{wrong}");
    }
}
