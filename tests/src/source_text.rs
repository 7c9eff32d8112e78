//! Rust source as the tidy test reads it: lines with their numbers, code without comments and texts, and the names that it uses.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{folder, root};

/// A file of the tree.
pub struct SourceFile {
    /// Its path below the root, with `/` between the parts.
    pub path: String,
    /// What it holds.
    pub text: String,
    /// The same with comments and the insides of literals blanked; lines and columns stay.
    pub code: String,
}

/// The Rust files below folders of the tree, sorted by path.
pub fn rust_files(folders: &[&str]) -> Result<Vec<SourceFile>> {
    let mut files = tree_files()?;
    files.retain(|file| file.path.ends_with(".rs") && folders.iter().any(|folder| file.path.starts_with(&format!("{folder}/"))));
    anyhow::ensure!(!files.is_empty(), "there is no Rust file below {folders:?}");
    Ok(files)
}

/// All text files of the tree, without what is built, fetched or run there.
pub fn tree_files() -> Result<Vec<SourceFile>> {
    let root = root();
    let made = |name: &str| matches!(name, "target" | ".git" | "store" | "node_modules" | "__pycache__");
    let enter = |folder: &Path| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let data = name == "data" && folder.starts_with(root.join("examples"));
        !made(&name) && !data
    };
    let mut files = Vec::new();
    for path in folder::walk(&root, &enter)? {
        let bytes = fs::read(&path).with_context(|| format!("read `{}`", path.display()))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let path = path.strip_prefix(&root).expect("a walk stays in its folder").to_string_lossy().replace('\\', "/");
        // What insta leaves beside a test that failed.
        if !path.ends_with(".pending-snap") {
            files.push(SourceFile::new(path, text));
        }
    }
    Ok(files)
}

impl SourceFile {
    /// A file with this path and text.
    pub fn new(path: String, text: String) -> Self {
        let code = if path.ends_with(".rs") { code_of(&text) } else { String::new() };
        Self { path, text, code }
    }

    /// The lines of its code with their numbers, from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Its lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The names that stand right behind a path, with their lines: `a` and `b` for `crate::a::x` and `crate::{b, ..}`.
    pub fn names_behind(&self, path: &str) -> Vec<(usize, String)> {
        let starts = self.code.match_indices(path).map(|(start, _)| start);
        let whole = starts.filter(|start| !self.code[..*start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
        whole.flat_map(|start| self.names_at(start + path.len())).collect()
    }

    fn names_at(&self, start: usize) -> Vec<(usize, String)> {
        let name_at = |at: usize| {
            let rest = &self.code[at..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            (end > 0).then(|| (self.line_of(at), rest[..end].to_owned()))
        };
        if !self.code[start..].starts_with('{') {
            return name_at(start).into_iter().collect();
        }
        let (mut names, mut depth, mut expected) = (Vec::new(), 0, false);
        for (offset, c) in self.code[start..].char_indices() {
            match c {
                '{' => (depth, expected) = (depth + 1, depth == 0),
                '}' if depth == 1 => break,
                '}' => depth -= 1,
                ',' => expected = depth == 1,
                c if c.is_whitespace() => {}
                _ if expected => {
                    names.extend(name_at(start + offset));
                    expected = false;
                }
                _ => {}
            }
        }
        names
    }

    fn line_of(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

/// Blanks comments and the insides of texts. It knows as much Rust as that takes.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let blank = literal_length(rest, &code);
        if blank == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..blank].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[blank..];
        }
    }
    code
}

/// The length of the comment, text or character that `rest` starts with; 0 where it starts with code.
fn literal_length(rest: &str, before: &str) -> usize {
    let until = |from: usize, end: &str| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until(2, "*/");
    }
    if let Some(inside) = rest.strip_prefix('"') {
        return 1 + quoted_length(inside, '"');
    }
    if rest.starts_with('r') && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
        let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
        if rest[1 + hashes..].starts_with('"') {
            return until(2 + hashes, &format!("\"{}", "#".repeat(hashes)));
        }
    }
    if let Some(inside) = rest.strip_prefix('\'') {
        let mut chars = inside.chars();
        let (first, second) = (chars.next(), chars.next());
        // A lifetime has no closing quote.
        if first == Some('\\') || second == Some('\'') {
            return 1 + quoted_length(inside, '\'');
        }
    }
    0
}

/// The length up to and with the closing quote.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
