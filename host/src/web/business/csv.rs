//! CSV for downloads: RFC 4180, in UTF-8 with a header, and nothing that a spreadsheet would take for a formula.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use crate::web::warehouses::Cell;

/// What is at the start of a text that a spreadsheet computes: <https://owasp.org/www-community/attacks/CSV_Injection>.
const COMPUTED: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Writes one line, with its end.
pub fn line<'a>(into: &mut String, cells: impl IntoIterator<Item = &'a Cell>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            into.push(',');
        }
        match cell {
            Cell::Text(text) => field(into, text),
            other => into.push_str(&other.text()),
        }
    }
    into.push_str("\r\n");
}

/// Writes the header.
pub fn header<'a>(into: &mut String, names: impl IntoIterator<Item = &'a str>) {
    for (at, name) in names.into_iter().enumerate() {
        if at > 0 {
            into.push(',');
        }
        field(into, name);
    }
    into.push_str("\r\n");
}

fn field(into: &mut String, text: &str) {
    // A negative decimal is a number, not a formula.
    let formula = text.starts_with(COMPUTED) && text.parse::<f64>().is_err();
    let quoted = formula || text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ');
    if !quoted {
        into.push_str(text);
        return;
    }
    into.push('"');
    if formula {
        into.push('\'');
    }
    into.push_str(&text.replace('"', "\"\""));
    into.push('"');
}

/// The answer with which a browser saves a file. `name` is without its ending, of letters that every system takes.
pub fn download(name: &str, body: axum::body::Body) -> Response {
    let name: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '_' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[Cell]) -> String {
        let mut text = String::new();
        line(&mut text, cells);
        text
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let text = |text: &str| Cell::Text(text.into());
        let cells = [
            text("a,b"),
            text("say \"hi\""),
            text("two\nlines"),
            text("plain"),
            Cell::Null,
            Cell::Whole(-3),
            Cell::Number(0.5),
            Cell::Flag(true),
        ];
        assert_eq!(of(&cells), "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",plain,,-3,0.5,true\r\n");
        let mut names = String::new();
        header(&mut names, ["a", "b,c"]);
        assert_eq!(names, "a,\"b,c\"\r\n");
    }

    #[test]
    fn a_spreadsheet_computes_nothing() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"] {
            let line = of(&[Cell::Text(formula.into())]);
            assert!(line.starts_with("\"'"), "{line}");
        }
        assert_eq!(of(&[Cell::Text("-12.50".into()), Cell::Text("-".into())]), "-12.50,\"'-\"\r\n");
    }
}
