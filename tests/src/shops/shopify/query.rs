//! Reading GraphQL: enough of the language for queries, inline fragments, variables and aliases. What it does not know it refuses.

use serde_json::{Map, Value};

/// A field that is asked for.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The key under which it is answered.
    pub key: String,
    /// Its arguments, variables filled in.
    pub arguments: Map<String, Value>,
    /// What is asked of its value; none of a scalar.
    pub fields: Vec<Selection>,
}

/// Something that is asked of an object.
#[derive(Debug, Clone)]
pub enum Selection {
    /// A field.
    Field(Field),
    /// Selections for objects of one type.
    On(String, Vec<Selection>),
}

/// An operation.
#[derive(Debug)]
pub struct Operation {
    /// Whether it is a mutation.
    pub mutation: bool,
    /// What it asks.
    pub fields: Vec<Selection>,
}

/// Reads a document with one operation.
pub fn parse(text: &str, variables: &Value) -> Result<Operation, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, variables, declared: Vec::new() };
    let mut mutation = false;
    if let Some(Token::Name(word)) = parser.peek().cloned() {
        mutation = match word.as_str() {
            "query" => false,
            "mutation" => true,
            other => return Err(format!("syntax error, unexpected {other}")),
        };
        parser.at += 1;
        if matches!(parser.peek(), Some(Token::Name(_))) {
            parser.at += 1;
        }
        if parser.take("(") {
            parser.declarations()?;
        }
    }
    let fields = parser.selections()?;
    if parser.at < parser.tokens.len() {
        return Err("a document has one operation".to_owned());
    }
    Ok(Operation { mutation, fields })
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Variable(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    variables: &'a Value,
    declared: Vec<String>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("syntax error, expecting {sign} at {:?}", self.peek())) }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek().cloned() {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name)
            }
            other => Err(format!("syntax error, expecting a name at {other:?}")),
        }
    }

    fn declarations(&mut self) -> Result<(), String> {
        while !self.take(")") {
            let Some(Token::Variable(name)) = self.peek().cloned() else { return Err("expecting a variable".to_owned()) };
            self.at += 1;
            self.expect(":")?;
            let list = self.take("[");
            self.name()?;
            let mut required = self.take("!");
            if list {
                self.expect("]")?;
                required = self.take("!");
            }
            if required && self.variables.get(&name).is_none_or(Value::is_null) {
                return Err(format!("Variable ${name} was provided invalid value"));
            }
            self.declared.push(name);
        }
        Ok(())
    }

    fn selections(&mut self) -> Result<Vec<Selection>, String> {
        self.expect("{")?;
        let mut found = Vec::new();
        while !self.take("}") {
            found.push(self.selection()?);
        }
        if found.is_empty() { Err("a selection is empty".to_owned()) } else { Ok(found) }
    }

    fn selection(&mut self) -> Result<Selection, String> {
        if self.take("...") {
            if self.name()? != "on" {
                return Err("named fragments are not known here".to_owned());
            }
            return Ok(Selection::On(self.name()?, self.selections()?));
        }
        let mut name = self.name()?;
        let key = name.clone();
        if self.take(":") {
            name = self.name()?;
        }
        let mut arguments = Map::new();
        if self.take("(") {
            while !self.take(")") {
                let argument = self.name()?;
                self.expect(":")?;
                let value = self.value()?;
                arguments.insert(argument, value);
            }
        }
        let fields = if matches!(self.peek(), Some(Token::Sign("{"))) { self.selections()? } else { Vec::new() };
        Ok(Selection::Field(Field { name, key, arguments, fields }))
    }

    fn value(&mut self) -> Result<Value, String> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Variable(name)) if self.declared.contains(&name) => Ok(self.variables.get(&name).cloned().unwrap_or_default()),
            Some(Token::Variable(name)) => Err(format!("Variable ${name} is used but not declared")),
            Some(Token::Text(text)) => Ok(Value::String(text)),
            Some(Token::Number(number)) => number.parse::<i64>().map(Value::from).map_err(|_| format!("`{number}` is no whole number")),
            Some(Token::Name(word)) => Ok(match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => Value::String(word),
            }),
            Some(Token::Sign("[")) => {
                let mut list = Vec::new();
                while !self.take("]") {
                    list.push(self.value()?);
                }
                Ok(Value::Array(list))
            }
            other => Err(format!("syntax error at {other:?}")),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(separates);
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '.' if rest.starts_with("...") => (Token::Sign("..."), &rest[3..]),
            '"' => text_token(rest)?,
            '$' => {
                let (name, after) = split_while(&rest[1..], in_name);
                (Token::Variable(name.to_owned()), after)
            }
            c if c.is_ascii_digit() || c == '-' => {
                let (number, after) = split_while(rest, |c| c.is_ascii_digit() || c == '-' || c == '.');
                (Token::Number(number.to_owned()), after)
            }
            c if in_name(c) => {
                let (name, after) = split_while(rest, in_name);
                (Token::Name(name.to_owned()), after)
            }
            c => {
                let sign = ["{", "}", "(", ")", "[", "]", ":", "!"].into_iter().find(|sign| sign.starts_with(c));
                (Token::Sign(sign.ok_or_else(|| format!("syntax error at `{c}`"))?), &rest[1..])
            }
        };
        found.push(token);
        rest = after.trim_start_matches(separates);
    }
    Ok(found)
}

fn separates(c: char) -> bool {
    c.is_whitespace() || c == ','
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn split_while(text: &str, keep: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !keep(c)).unwrap_or(text.len()))
}

fn text_token(rest: &str) -> Result<(Token, &str), String> {
    let mut end = 1;
    let bytes = rest.as_bytes();
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    let literal = rest.get(..=end).ok_or("a text does not end")?;
    let text = serde_json::from_str(literal).map_err(|error| format!("a text is broken: {error}"))?;
    Ok((Token::Text(text), &rest[end + 1..]))
}
