//! How a page looks: the width of the window, dark or light, a picture of all of it.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::Page;

/// The part of a page that a window shows, in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Size {
    /// A laptop.
    pub const WIDE: Self = Self { width: 1440, height: 900 };
    /// A telephone.
    pub const NARROW: Self = Self { width: 390, height: 844 };
}

/// What a person has told the system to prefer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Colours {
    /// The name in CSS, and in the names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Page {
    /// Gives the page another size. A real window can't be as narrow as a telephone.
    pub fn resize(&self, size: Size) -> Result<()> {
        let metrics = json!({ "width": size.width, "height": size.height, "deviceScaleFactor": 1, "mobile": false });
        self.session.devtools("Emulation.setDeviceMetricsOverride", &metrics)?;
        // As on a telephone: a bar of 15 pixels would make each width another one.
        self.session.devtools("Emulation.setScrollbarsHidden", &json!({ "hidden": true })).map(drop)
    }

    /// Makes the system prefer dark or light.
    pub fn prefer(&self, colours: Colours) -> Result<()> {
        let features =
            json!([{ "name": "prefers-color-scheme", "value": colours.name() }, { "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.session.devtools("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Writes a picture of the whole page, also of what is below the window's end.
    pub fn picture(&self, file: &Path) -> Result<()> {
        let asked = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.session.devtools("Page.captureScreenshot", &asked)?;
        let text = taken["data"].as_str().context("a picture")?;
        fs::write(file, from_base64(text)).with_context(|| format!("write `{}`", file.display()))
    }

    /// Prints the page, and gives for each chart how many pixels of it had ink when the paper was filled.
    pub fn print(&self) -> Result<Vec<u64>> {
        let ink = "const ink = place => { const canvas = place.querySelector('canvas'); if (!canvas) return 0; \
                   const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data; \
                   return all.filter((value, at) => at % 4 === 3 && value > 0).length; }; \
                   window.addEventListener('beforeprint', () => \
                   { window.printed = [...document.querySelectorAll('figure [data-chart]')].map(ink); }, { once: true });";
        self.session.script(ink, &[])?;
        let paper = self.session.devtools("Page.printToPDF", &json!({}))?;
        ensure!(from_base64(paper["data"].as_str().context("a file")?).starts_with(b"%PDF"), "what was printed is no PDF");
        serde_json::from_value(self.session.script("return window.printed", &[])?).context("read how much ink there was")
    }

    /// By how many pixels the page is wider than its window: a person would have to scroll sideways.
    pub fn overflow(&self) -> Result<i64> {
        let wider = self.session.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth", &[])?;
        wider.as_i64().context("a number of pixels")
    }
}

/// Decodes base64 from a server that encodes it right.
fn from_base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 6 | u32::from(value(*byte))) << (6 * (4 - group.len()));
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
