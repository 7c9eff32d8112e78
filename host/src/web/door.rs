//! Login, logout, colours: what the frame's own forms do.

use std::time::Instant;

use axum::{
    Extension, Form, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::html;
use serde::Deserialize;

use super::{
    App,
    guard::Caller,
    page::{PageContext, Theme, csrf_field, page},
    session::Login,
    view::icon,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/login", get(login).post(log_in)).route("/logout", post(log_out)).route("/theme", post(theme))
}

#[derive(Deserialize)]
struct Wish {
    /// Where to go afterwards.
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Colours {
    #[serde(default)]
    theme: String,
    #[serde(default)]
    back: String,
}

/// A path of ours, whatever a form or an address says: never another host.
pub(super) fn ours(path: &str) -> &str {
    let mut bytes = path.bytes();
    let starts = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    if starts && path.bytes().all(|byte| byte.is_ascii_graphic()) && !path.contains('\\') { path } else { "/" }
}

async fn login(State(app): State<App>, ctx: PageContext, Query(wish): Query<Wish>) -> Response {
    if ctx.who.is_some() || !app.guard().sessions.has_users() {
        return Redirect::to(ours(&wish.next)).into_response();
    }
    form(&ctx, &wish.next, None).into_response()
}

async fn log_in(
    State(app): State<App>,
    ctx: PageContext,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Form(sent): Form<Credentials>,
) -> Response {
    let sessions = &app.guard().sessions;
    let who = match sessions.log_in(&sent.user, &sent.password, caller.address).await {
        Login::In(who) => who,
        Login::Wrong => {
            tracing::warn!(address = %caller.address, "a login to the dashboard failed");
            return (StatusCode::UNAUTHORIZED, form(&ctx, &sent.next, Some("User or password is wrong."))).into_response();
        }
        Login::Wait => {
            tracing::warn!(address = %caller.address, "logins to the dashboard are slowed down");
            let words = "Too many tries. Wait half a minute, then try again.";
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "30")], form(&ctx, &sent.next, Some(words))).into_response();
        }
    };
    // The ticket that the browser had before is worth nothing now, whoever knows it.
    if let Some(before) = app.guard().ticket(&headers) {
        sessions.end(&before);
    }
    match sessions.begin(who, Instant::now()) {
        Some(ticket) => ([app.guard().ticket_cookie(Some(&ticket))], Redirect::to(ours(&sent.next))).into_response(),
        None => super::Problem::internal("The system gives no random numbers, so no session can begin.").into_response(),
    }
}

async fn log_out(State(app): State<App>, headers: HeaderMap) -> Response {
    if let Some(ticket) = app.guard().ticket(&headers) {
        app.guard().sessions.end(&ticket);
    }
    ([app.guard().ticket_cookie(None)], Redirect::to("/login")).into_response()
}

async fn theme(State(app): State<App>, Form(sent): Form<Colours>) -> Response {
    ([app.guard().theme_cookie(Theme::of(&sent.theme))], Redirect::to(ours(&sent.back))).into_response()
}

fn form(ctx: &PageContext, next: &str, wrong: Option<&str>) -> maud::Markup {
    page(
        ctx,
        "Log in",
        html! {
            div.door {
                h1 { "Log in" }
                @if let Some(wrong) = wrong { div.note.bad role="alert" { (icon("cross")) div { (wrong) } } }
                form.form.card method="post" action="/login" {
                    (csrf_field(ctx))
                    input type="hidden" name="next" value=(ours(next));
                    div.field { label for="user" { "User" } input #user name="user" autocomplete="username" required autofocus maxlength="64"; }
                    div.field {
                        label for="password" { "Password" }
                        input #password type="password" name="password" autocomplete="current-password" required maxlength="1024";
                    }
                    button.primary { "Log in" }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::ours;

    #[test]
    fn a_login_leads_to_our_own_pages_only() {
        for path in ["/", "/runs/shop/x?page=2&a=%20b", "/overview/olist?state=SP"] {
            assert_eq!(ours(path), path);
        }
        for path in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nset-cookie: b", "/a\\b", "/ä"]
        {
            assert_eq!(ours(path), "/");
        }
    }
}
