//! Texts with placeholders: `{pipeline} {what}`. They are checked when the file is read, so that filling one in can't fail.
//!
//! What always holds here: a line whose placeholders are all empty is left out (`a_line_without_anything_to_say_is_left_out`); what is
//! filled in is never read as a placeholder (`what_is_filled_in_is_not_read_again`).

use super::diagnose::near_miss;

/// The placeholders of a message, in the order in which people read them, with what stands in their place.
pub const PLACEHOLDERS: [(&str, &str); 10] = [
    ("pipeline", "the pipeline's name"),
    ("what", "what happened, fit to follow the pipeline's name"),
    ("kind", "`failure`, `hold`, `sla` or `recovery`"),
    ("why", "the reasons, one in a line"),
    ("run", "the run"),
    ("at", "when, in UTC"),
    ("link", "the run's page on the dashboard"),
    ("kept_back", "how many like this were kept back since the last one"),
    ("channel", "the name of the channel"),
    ("host", "the machine"),
];

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder that there is not.
    #[error("there is no placeholder `{{{name}}}`")]
    Unknown {
        /// What stands between the braces.
        name: String,
        /// The one that was probably meant.
        near: Option<&'static str>,
    },
    /// A brace that nothing closes or opens.
    #[error("a lone `{0}`: write it twice where the letter itself is meant")]
    Lone(char),
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Place(&'t str),
}

/// Whether a text can be filled in.
pub fn check(template: &str) -> Result<(), TemplateError> {
    pieces(template).map(drop)
}

/// The template with `value` of each placeholder in its place. A text that is no template stays as it is.
pub fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    let lines = template.lines().filter_map(|line| {
        let Ok(pieces) = pieces(line) else { return Some(line.to_owned()) };
        let mut filled = String::new();
        let (mut places, mut empty) = (0, 0);
        for piece in pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Place(name) => {
                    let value = value(name);
                    places += 1;
                    empty += usize::from(value.is_empty());
                    filled.push_str(&value);
                }
            }
        }
        (places == 0 || empty < places).then_some(filled)
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let brace = if rest[at..].starts_with('{') { '{' } else { '}' };
        if rest[at + 1..].starts_with(brace) {
            found.push(Piece::Text(&rest[..=at]));
            rest = &rest[at + 2..];
            continue;
        }
        let end = rest[at..].find('}').map(|end| at + end);
        let (Some(end), '{') = (end, brace) else { return Err(TemplateError::Lone(brace)) };
        let name = &rest[at + 1..end];
        let known = PLACEHOLDERS.iter().map(|(known, _)| *known);
        if !known.clone().any(|known| known == name) {
            return Err(TemplateError::Unknown { name: name.to_owned(), near: near_miss(name, known) });
        }
        found.extend([Piece::Text(&rest[..at]), Piece::Place(name)]);
        rest = &rest[end + 1..];
    }
    found.push(Piece::Text(rest));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        fill(template, |name| match name {
            "pipeline" => "shop".to_owned(),
            "why" => "a {run}\nb".to_owned(),
            _ => String::new(),
        })
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        assert_eq!(filled("{pipeline}: {why}"), "shop: a {run}\nb");
    }

    #[test]
    fn a_line_without_anything_to_say_is_left_out() {
        assert_eq!(filled("{pipeline}\nrun: {run}\n{link} {pipeline}\nend"), "shop\n shop\nend");
    }

    #[test]
    fn braces_stand_for_themselves_when_doubled() {
        assert_eq!(filled("{{\"text\": \"{pipeline}\"}}"), "{\"text\": \"shop\"}");
    }

    #[test]
    fn what_can_not_be_filled_in_is_refused() {
        assert_eq!(check("{pipelin}"), Err(TemplateError::Unknown { name: "pipelin".into(), near: Some("pipeline") }));
        assert_eq!(check("a { b"), Err(TemplateError::Lone('{')));
        assert_eq!(check("a } b"), Err(TemplateError::Lone('}')));
        assert!(matches!(check("{}"), Err(TemplateError::Unknown { .. })));
        for (name, _) in PLACEHOLDERS {
            assert_eq!(check(&format!("{{{name}}}")), Ok(()));
        }
    }
}
