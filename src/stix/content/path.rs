//! The way to a value, kept on the stack and written down only if something is wrong there.

use crate::stix::json::Key;

/// A step, and those before it.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Key(Key<'p>),
    Name(&'p str),
    Item(usize),
    /// A pointer below what is before it.
    Below(&'p str),
}

/// The object itself.
pub(super) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

impl<'p> Path<'p> {
    pub(super) fn key(&'p self, key: Key<'p>) -> Path<'p> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    pub(super) fn name(&'p self, name: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: Step::Name(name) }
    }

    pub(super) fn item(&'p self, at: usize) -> Path<'p> {
        Path { parent: Some(self), step: Step::Item(at) }
    }

    pub(super) fn below(&'p self, pointer: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: Step::Below(pointer) }
    }

    /// Is this a member of the object itself?
    pub(super) fn is_top(&self) -> bool {
        self.parent.is_some_and(|parent| matches!(parent.step, Step::Root))
    }

    /// RFC 6901; what is hostile is cut.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.parent.map(Path::pointer).unwrap_or_default();
        if pointer.len() > POINTER_MAX_BYTES {
            return pointer;
        }
        match self.step {
            Step::Root => {}
            Step::Key(key) => push(&mut pointer, &key.name()),
            Step::Name(name) => push(&mut pointer, name),
            Step::Below(rest) => pointer.push_str(rest),
            Step::Item(at) => push(&mut pointer, &at.to_string()),
        }
        pointer
    }
}

fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    // Names are short in honest content; what is hostile is cut.
    for c in name.chars().take(NAME_SHOWN) {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

const NAME_SHOWN: usize = 300;
/// Past this nothing is added.
const POINTER_MAX_BYTES: usize = 1_000;
