//! The frame of every page: head, navigation, the place for its content.
//!
//! What always holds here: a page has one `h1`, landmarks, a link that skips the navigation, and is whole without a script. No element has a
//! style or a script of its own: the content policy would refuse it (`tests`).

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use maud::{DOCTYPE, Markup, html};

use super::{
    assets::{self, Asset},
    view::icon,
};
use crate::config::Role;

/// Who asks for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Their name: a user, a token, or `this machine` where there is no login.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Bright or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// What the system of the one who looks prefers.
    #[default]
    System,
    /// Bright.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The word in the cookie, and on the page's root.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a word; the system's for any other word.
    pub fn of(word: &str) -> Self {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.name() == word).unwrap_or_default()
    }

    /// The one after it.
    fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// What a page needs to know of the one who asks for it. Handlers take it as an argument.
#[derive(Debug, Clone)]
pub struct PageContext {
    /// Who asks; none before the login.
    pub who: Option<Who>,
    /// The token that every form sends back: [`csrf_field`].
    pub csrf: String,
    /// Bright or dark.
    pub theme: Theme,
    /// Path and query of the page.
    pub path: String,
    /// Whether there is a login, and so a way out.
    pub has_login: bool,
}

impl PageContext {
    /// Whether the one who asks may change things. Pages leave out what would be refused; the guard refuses it anyway.
    pub fn may_operate(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.role >= Role::Operator)
    }

    /// The name that is kept beside what they do.
    pub fn name(&self) -> &str {
        self.who.as_ref().map_or("nobody", |who| who.name.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageContext {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // The guard puts it there before any handler is called.
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The parts of the dashboard, as the navigation names them.
const SECTIONS: [(&str, &str, &str, &[&str]); 5] = [
    ("/", "Overview", "chart", &["/overview"]),
    ("/data", "Data", "table", &["/data/"]),
    ("/pipelines", "Pipelines", "flow", &["/pipelines/", "/runs/"]),
    ("/sources", "Sources", "plug", &[]),
    ("/plugins", "Plugins", "cube", &[]),
];

/// A page with `title` in the window and `body` as its content, which has the `h1`.
pub fn page(ctx: &PageContext, title: &str, body: Markup) -> Markup {
    framed(ctx, title, false, body)
}

/// A page with charts: the library and what draws with it come along.
pub fn page_with_charts(ctx: &PageContext, title: &str, body: Markup) -> Markup {
    framed(ctx, title, true, body)
}

/// The hidden field by which a form shows that it came from our page. Every form with `method="post"` has it.
pub fn csrf_field(ctx: &PageContext) -> Markup {
    html! { input type="hidden" name="csrf" value=(ctx.csrf); }
}

fn framed(ctx: &PageContext, title: &str, charts: bool, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(ctx.theme.name()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="csrf" content=(ctx.csrf);
                title { (title) " · tidegate" }
                link rel="icon" type="image/svg+xml" href=(assets::url(Asset::Icon));
                link rel="stylesheet" href=(assets::url(Asset::Style));
                script src=(assets::url(Asset::App)) defer {}
                @if charts {
                    script src=(assets::url(Asset::Echarts)) defer {}
                    script src=(assets::url(Asset::Charts)) defer {}
                }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                (top(ctx))
                main #main tabindex="-1" { (body) }
                footer.foot {
                    span { "tidegate " (env!("CARGO_PKG_VERSION")) }
                    span { "Times are UTC" }
                    a href="/api/openapi.json" { "API" }
                }
            }
        }
    }
}

fn top(ctx: &PageContext) -> Markup {
    html! {
        header.top {
            a.brand href="/" { img src=(assets::url(Asset::Icon)) alt="" width="24" height="24"; span { "tidegate" } }
            @if ctx.who.is_some() {
                nav.sections aria-label="Main" {
                    ul {
                        @for (href, name, sign, below) in SECTIONS {
                            li { a href=(href) aria-current=[current(&ctx.path, href, below)] { (icon(sign)) span { (name) } } }
                        }
                    }
                }
            }
            div.me {
                form method="post" action="/theme" {
                    (csrf_field(ctx))
                    input type="hidden" name="back" value=(ctx.path);
                    button.icon-button name="theme" value=(ctx.theme.next().name()) title={ "Colours: " (ctx.theme.name()) }
                        aria-label={ "Colours: " (ctx.theme.name()) ". Change to " (ctx.theme.next().name()) } {
                        (icon(ctx.theme.name()))
                    }
                }
                @if let Some(who) = ctx.who.as_ref().filter(|_| ctx.has_login) {
                    span.who { (who.name) " " span.role { (who.role.name()) } }
                    form method="post" action="/logout" {
                        (csrf_field(ctx))
                        button.icon-button title="Log out" aria-label="Log out" { (icon("leave")) }
                    }
                }
            }
        }
    }
}

fn current(path: &str, href: &str, below: &[&str]) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or_default();
    (path == href || below.iter().any(|below| path.starts_with(below))).then_some("page")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The context of a page that an operator or a viewer asks for.
    pub(in crate::web) fn context(path: &str, role: Role) -> PageContext {
        let who = Some(Who { name: "ana".into(), role });
        PageContext { who, csrf: "c5rf".into(), theme: Theme::System, path: path.into(), has_login: true }
    }

    #[test]
    fn the_frame_has_landmarks_and_no_inline_style_or_script() {
        let text = page_with_charts(&context("/runs/shop/x?page=2", Role::Viewer), "A run", html! { h1 { "A <run>" } }).into_string();
        for part in ["<!DOCTYPE html>", "lang=\"en\"", "<main id=\"main\"", "<nav", "<header", "<footer", "href=\"#main\"", "A &lt;run&gt;"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!text.contains(" style=") && !text.contains("<style") && !text.contains(" on"), "{text}");
        assert!(text.split("<script").skip(1).all(|script| script.starts_with(" src=\"/assets/") && script.contains("></script>")));
        assert_eq!(text.matches("aria-current=\"page\"").count(), 1);
        assert!(text.contains("<a href=\"/pipelines\" aria-current=\"page\">"));
    }

    #[test]
    fn a_theme_is_read_as_it_is_written() {
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            assert_eq!(Theme::of(theme.name()), theme);
        }
        assert_eq!(Theme::of("\"><script>"), Theme::System);
        assert_eq!(Theme::System.next().next().next(), Theme::System);
    }

    #[test]
    fn only_an_operator_may_operate() {
        assert!(context("/", Role::Operator).may_operate() && !context("/", Role::Viewer).may_operate());
        assert!(!PageContext { who: None, ..context("/", Role::Operator) }.may_operate());
    }
}
