//! Groups and what else starts with a parenthesis.

use super::translate::Translator;
use super::weight::Weight;

/// What ends with a group.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// White space and comments are skipped.
    pub(super) extended: bool,
    pub(super) weight: Weight,
}

impl Translator<'_> {
    /// After `(`.
    pub(super) fn open_group(&mut self) -> Result<(), String> {
        if self.eat("*") {
            return self.verb();
        }
        if self.eat("?") {
            return self.special();
        }
        self.groups += 1;
        self.enter("(?:")
    }

    pub(super) fn close_group(&mut self) -> Result<(), String> {
        let Some(outer) = self.outer.pop() else {
            return Err("a `)` closes nothing".to_owned());
        };
        let inner = std::mem::replace(&mut self.scope, outer);
        self.out.push(')');
        self.weigh(inner.weight);
        Ok(())
    }

    fn enter(&mut self, opening: &str) -> Result<(), String> {
        if self.outer.len() >= NESTING_MAX {
            return Err(format!("more than {NESTING_MAX} groups inside each other"));
        }
        let inner = Scope { extended: self.scope.extended, weight: Weight::default() };
        self.outer.push(std::mem::replace(&mut self.scope, inner));
        self.out.push_str(opening);
        self.barrier();
        Ok(())
    }

    fn enter_lacking(&mut self, what: &'static str) -> Result<(), String> {
        self.lack(what);
        self.enter("(?:")
    }

    /// After `(*`.
    fn verb(&mut self) -> Result<(), String> {
        let name = self.take_until(")").ok_or("a `(` is not closed")?;
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == ':') {
            return Err("the quantifier * has nothing to repeat".to_owned());
        }
        if !matches!(name, "UTF8" | "UTF" | "UCP") {
            self.lack("control verbs");
        }
        self.barrier();
        Ok(())
    }

    /// After `(?`.
    fn special(&mut self) -> Result<(), String> {
        for (opening, lacking) in LOOKING {
            if self.eat(opening) {
                return self.enter_lacking(lacking);
            }
        }
        if self.eat("#") {
            return self.take_until(")").map(|_| ()).ok_or_else(|| "a comment is not closed".to_owned());
        }
        if self.eat(":") || self.eat("|") {
            return self.enter("(?:");
        }
        if self.eat("P<") || self.eat("<") {
            return self.named(">");
        }
        if self.eat("'") {
            return self.named("'");
        }
        if self.eat("(") {
            return self.condition();
        }
        match self.peek() {
            Some('P') if self.eat("P=") => self.jump("back-references"),
            Some('P') if self.eat("P>") => self.jump("recursion"),
            Some('0'..='9') => {
                let digits = self.take_while(|c| c.is_ascii_digit());
                self.refer_to(digits);
                self.jump("recursion")
            }
            Some('R' | '&' | '+') => self.jump("recursion"),
            Some('C') => self.jump("callouts"),
            Some('-') if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.jump("recursion"),
            _ => self.flags(),
        }
    }

    fn named(&mut self, end: &str) -> Result<(), String> {
        let name = self.take_while(|c| c.is_alphanumeric() || c == '_');
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !self.eat(end) {
            return Err("a group name is not well-formed".to_owned());
        }
        self.groups += 1;
        self.enter("(?:")
    }

    /// Something like `(?1)`, which holds no expression of its own.
    fn jump(&mut self, lacking: &'static str) -> Result<(), String> {
        self.take_until(")").ok_or("a `(` is not closed")?;
        self.lack(lacking);
        self.weigh(Weight::item(1));
        Ok(())
    }

    /// After `(?(`: a reference or an assertion, then a group of one or two branches.
    fn condition(&mut self) -> Result<(), String> {
        self.enter_lacking("conditional groups")?;
        if self.peek() == Some('?') {
            return self.open_group();
        }
        self.take_until(")").map(|_| ()).ok_or_else(|| "a `(` is not closed".to_owned())
    }

    /// `(?i)`, `(?i-m)`, `(?i:…)`.
    fn flags(&mut self) -> Result<(), String> {
        let flags = self.take_while(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '^'));
        let ending = self.take();
        if let Some(stranger) = flags.chars().find(|c| !"imsxJUXna-^".contains(*c)) {
            return Err(format!("(?{stranger} is no group and no option"));
        }
        let (set, cleared) = flags.split_once('-').unwrap_or((flags, ""));
        if cleared.contains(['-', '^']) || set.trim_start_matches('^').contains('^') {
            return Err("options are not well-formed".to_owned());
        }
        let opening = options(set, cleared);
        match ending {
            Some(')') => {
                self.set_extended(set, cleared);
                if opening != "(?" {
                    self.out.push_str(&opening);
                    self.out.push(')');
                }
                self.barrier();
                Ok(())
            }
            Some(':') => {
                self.enter(&format!("{opening}:"))?;
                self.set_extended(set, cleared);
                Ok(())
            }
            Some(c) => Err(format!("(?{flags}{c} is no group and no option")),
            None => Err("a `(` is not closed".to_owned()),
        }
    }

    fn set_extended(&mut self, set: &str, cleared: &str) {
        if set.contains('x') {
            self.scope.extended = true;
        } else if cleared.contains('x') || set.starts_with('^') {
            self.scope.extended = false;
        }
    }
}

/// `(?` and the options that the engine shares; the others change nothing or are resolved here.
fn options(set: &str, cleared: &str) -> String {
    let reset = set.starts_with('^');
    let is_off = |flag: &char| cleared.contains(*flag) || (reset && !set.contains(*flag));
    let off: String = "ims".chars().filter(is_off).collect();
    let on: String = "ims".chars().filter(|flag| set.contains(*flag) && !off.contains(*flag)).collect();
    if off.is_empty() { format!("(?{on}") } else { format!("(?{on}-{off}") }
}

const LOOKING: [(&str, &str); 7] = [
    ("*", "look-ahead"),
    ("<*", "look-behind"),
    ("=", "look-ahead"),
    ("!", "look-ahead"),
    ("<=", "look-behind"),
    ("<!", "look-behind"),
    (">", "atomic groups"),
];

/// Most groups inside each other that PCRE takes.
const NESTING_MAX: usize = 250;
