//! Style sheet, scripts and icon: compiled into the program, served under names that change with their content.
//!
//! What always holds here: a URL names one content for ever, so that browsers may keep it for a year; a program with another content has
//! another URL. Nothing comes from another host (`tests`).

use std::{
    io::Write,
    sync::{LazyLock, OnceLock},
};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// A browser asks for a URL once a year at most.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A file of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asset {
    /// The design of all pages.
    Style,
    /// What makes pages more comfortable where scripts run.
    App,
    /// Draws the figures of business pages.
    Charts,
    /// The library that draws charts, from the package `charming`.
    Echarts,
    /// The program's sign.
    Icon,
}

struct File {
    asset: Asset,
    stem: &'static str,
    extension: &'static str,
    media: &'static str,
    bytes: &'static [u8],
    url: String,
    packed: OnceLock<Bytes>,
}

static FILES: LazyLock<[File; 5]> = LazyLock::new(|| {
    let script = "text/javascript; charset=utf-8";
    [
        File::new(Asset::Style, "style", "css", "text/css; charset=utf-8", include_bytes!("assets/style.css")),
        File::new(Asset::App, "app", "js", script, include_bytes!("assets/app.js")),
        File::new(Asset::Charts, "charts", "js", script, include_bytes!("assets/charts.js")),
        File::new(Asset::Echarts, "echarts", "js", script, include_bytes!(concat!(env!("OUT_DIR"), "/echarts.min.js"))),
        File::new(Asset::Icon, "icon", "svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
    ]
});

impl File {
    fn new(asset: Asset, stem: &'static str, extension: &'static str, media: &'static str, bytes: &'static [u8]) -> Self {
        let sum: String = Sha256::digest(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let url = format!("/assets/{stem}.{sum}.{extension}");
        Self { asset, stem, extension, media, bytes, url, packed: OnceLock::new() }
    }

    /// Its bytes packed once, by the first who wants them so.
    fn packed(&self) -> Bytes {
        let pack = || {
            let mut packer = GzEncoder::new(Vec::with_capacity(self.bytes.len() / 3), Compression::best());
            // Writing to memory can't fail; an empty answer would be served as it is.
            let _ = packer.write_all(self.bytes);
            Bytes::from(packer.finish().unwrap_or_default())
        };
        self.packed.get_or_init(pack).clone()
    }
}

/// Where a file is: its URL holds the sum of its content.
pub fn url(asset: Asset) -> &'static str {
    FILES.iter().find(|file| file.asset == asset).map_or("/assets/", |file| &file.url)
}

/// Serves them.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{name}", get(serve))
}

async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let asked = |file: &&File| file.url.strip_prefix("/assets/") == Some(name.as_str());
    let Some(file) = FILES.iter().find(asked) else {
        return moved(&name);
    };
    let common = [(header::CONTENT_TYPE, file.media), (header::CACHE_CONTROL, FOR_EVER), (header::VARY, "accept-encoding")];
    if takes_gzip(&headers) {
        return (common, [(header::CONTENT_ENCODING, "gzip")], file.packed()).into_response();
    }
    (common, Bytes::from_static(file.bytes)).into_response()
}

/// An older program's name leads to the file of now: a page that was open during an upgrade finds its style again.
fn moved(name: &str) -> Response {
    let parts: Vec<_> = name.split('.').collect();
    let same = |file: &&File| matches!(parts.as_slice(), [stem, _, extension] if *stem == file.stem && *extension == file.extension);
    match FILES.iter().find(same) {
        Some(file) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, file.url.as_str()), (header::CACHE_CONTROL, "no-store")]).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Whether the one who asks unpacks gzip. RFC 9110, section 12.5.3; a weight of zero refuses it.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    accepted.into_iter().any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts.next().is_some_and(|weight| weight.strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty()));
        is_gzip && !refused
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_url_names_one_content() {
        let mut urls: Vec<_> = FILES.iter().map(|file| file.url.clone()).collect();
        urls.dedup();
        assert_eq!(urls.len(), 5);
        let other = File::new(Asset::Style, "style", "css", "text/css", b"body{}");
        assert_ne!(other.url, url(Asset::Style));
    }

    #[test]
    fn packed_bytes_are_the_same() {
        for file in FILES.iter() {
            let mut bytes = Vec::new();
            GzDecoder::new(file.packed().as_ref()).read_to_end(&mut bytes).unwrap();
            assert!(bytes == file.bytes, "{}", file.stem);
        }
    }

    #[test]
    fn our_files_ask_no_other_host() {
        for file in FILES.iter().filter(|file| file.asset != Asset::Echarts) {
            let text = String::from_utf8_lossy(file.bytes).replace("http://www.w3.org/", "");
            assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("//cdn"), "{}", file.stem);
        }
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let with = |value: &'static str| takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value.parse().unwrap())]));
        assert!(with("br, GZIP") && with("gzip;q=0.5"));
        assert!(!with("br") && !with("gzip;q=0") && !with("gzip;q=0.000") && !takes_gzip(&HeaderMap::new()));
    }
}
