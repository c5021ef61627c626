//! Rules of others. Nobody compiles them before a scanner does, and one that does not compile costs the
//! scanner all of them: so only those pass that are made of a part of the language read here whole.

mod condition;
mod token;

use std::collections::HashSet;
use token::{Token, Tokens};

/// A rule that was understood whole.
pub(super) struct Foreign<'a> {
    /// The modules that it needs.
    pub(super) imports: Vec<&'static str>,
    /// Its name.
    pub(super) name: &'a str,
    /// What follows its name.
    pub(super) rest: &'a str,
}

/// Exactly one complete rule, or nothing. Neither one that others rest upon (`private`) nor one that they
/// all hang on (`global`).
pub(super) fn read(text: &str) -> Option<Foreign<'_>> {
    let is_plain = text.len() <= LENGTH_MAX && text.chars().all(|c| !c.is_control() || "\n\r\t".contains(c));
    is_plain.then_some(())?;
    let mut tokens = Tokens::of(text);
    let mut imports = Vec::new();
    while tokens.skip_word("import") {
        let Token::Text(module) = tokens.next()? else { return None };
        imports.push(*MODULES.iter().find(|name| **name == module)?);
    }
    tokens.word("rule")?;
    let name = tokens.name()?;
    let start = tokens.end();
    if tokens.skip_sign(":") {
        let mut tags = HashSet::from([tokens.name()?]);
        while !tokens.is_sign("{") {
            tags.insert(tokens.name()?).then_some(())?;
        }
    }
    tokens.sign("{")?;
    if tokens.skip_section("meta") {
        meta(&mut tokens)?;
    }
    let strings = if tokens.skip_section("strings") { strings(&mut tokens)? } else { Vec::new() };
    tokens.skip_section("condition").then_some(())?;
    let used = condition::read(&mut tokens, &strings, &imports)?;
    tokens.sign("}")?;
    // A string that no condition names is an error.
    if !tokens.is_done() || !strings.iter().all(|name| used.contains(name)) {
        return None;
    }
    Some(Foreign { imports, name, rest: text[start..].trim_end() })
}

fn meta(tokens: &mut Tokens) -> Option<()> {
    loop {
        tokens.name()?;
        tokens.sign("=")?;
        match tokens.next()? {
            Token::Text(_) | Token::Number(_) | Token::Word("true" | "false") => {}
            _ => return None,
        }
        if tokens.is_section("strings") || tokens.is_section("condition") {
            return Some(());
        }
    }
}

/// The names of the strings, without `$`. Regular expressions are not read.
fn strings<'a>(tokens: &mut Tokens<'a>) -> Option<Vec<&'a str>> {
    let mut names = Vec::new();
    while !tokens.is_section("condition") {
        let Token::String(name) = tokens.next()? else { return None };
        if name.is_empty() || names.contains(&name) {
            return None;
        }
        names.push(name);
        tokens.sign("=")?;
        match tokens.next_hex_or_text()? {
            Token::Text(text) if !text.is_empty() => modifiers(tokens)?,
            Token::Hex => {}
            _ => return None,
        }
    }
    (!names.is_empty()).then_some(names)
}

fn modifiers(tokens: &mut Tokens) -> Option<()> {
    let mut seen = HashSet::new();
    while let Some(word) =
        ["ascii", "wide", "nocase", "fullword"].into_iter().find(|word| tokens.skip_word(word))
    {
        seen.insert(word).then_some(())?;
    }
    Some(())
}

/// The longest rule, in bytes.
const LENGTH_MAX: usize = 100_000;
/// Modules that every build of YARA 4 has.
const MODULES: [&str; 3] = ["hash", "math", "pe"];
