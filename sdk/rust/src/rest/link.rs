//! The header `Link` (RFC 8288).

/// The target of the first link with this relation. A list can have links of other relations only: it is the relation that counts.
pub(super) fn target<'a>(headers: &'a [(String, String)], relation: &str) -> Option<&'a str> {
    let links = headers.iter().filter(|(name, _)| name == "link").flat_map(|(_, value)| Links(value));
    links.filter(|(_, parameters)| has_relation(parameters, relation)).map(|(target, _)| target).next()
}

/// The links of one header: target and parameters.
struct Links<'a>(&'a str);

impl<'a> Iterator for Links<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (_, rest) = self.0.split_once('<')?;
        let (target, rest) = rest.split_once('>')?;
        let end = end_of_parameters(rest);
        self.0 = &rest[end..];
        Some((target.trim(), &rest[..end]))
    }
}

/// Where the next link starts: at a comma outside of quotes.
fn end_of_parameters(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn has_relation(parameters: &str, relation: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.into_iter().any(|found| found.eq_ignore_ascii_case(relation))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(value: &str) -> Option<String> {
        target(&[("date".into(), "now".into()), ("link".into(), value.into())], "next").map(str::to_owned)
    }

    #[test]
    fn the_relation_counts_not_the_header() {
        assert_eq!(next("<https://a.example/wp-json/>; rel=\"https://api.w.org/\""), None);
        let both = "<https://a.example/x?page=1>; rel=\"previous\", <https://a.example/x?a=1,2&page=3>; rel=\"next\"";
        assert_eq!(next(both).unwrap(), "https://a.example/x?a=1,2&page=3");
        assert_eq!(next("</x?page=2>; title=\"a, b; rel=last\"; REL=Next").unwrap(), "/x?page=2");
        assert_eq!(next("</x>; rel=\"last next\"").unwrap(), "/x");
        assert_eq!(next("</x>; title=\"next\""), None);
        assert_eq!(next("broken"), None);
    }
}
