//! The text being read: whole from the start, or growing while it is read.

use super::JsonError;

/// Adds to the text, or says that it is at its end.
type More<'m> = &'m mut dyn FnMut(&mut Vec<u8>) -> bool;

/// A text that is read at `read` and rewritten without white space at `write`, which never
/// overtakes it.
pub(super) struct Source<'m> {
    pub(super) text: Vec<u8>,
    pub(super) read: usize,
    pub(super) write: usize,
    /// Line feeds before `read`; strings hold none.
    pub(super) lines: usize,
    /// Known to be UTF-8 up to here.
    checked: usize,
    more: Option<More<'m>>,
}

impl<'m> Source<'m> {
    pub(super) fn whole(text: Vec<u8>) -> Result<Self, JsonError> {
        let mut source = Self { text, read: 0, write: 0, lines: 0, checked: 0, more: None };
        source.check_encoding()?;
        Ok(source)
    }

    pub(super) fn growing(more: More<'m>) -> Result<Self, JsonError> {
        let mut source = Self::whole(Vec::new())?;
        source.more = Some(more);
        // A byte order mark is seen even if it comes in parts.
        while source.text.len() < BOM.len() && source.grow()? {}
        Ok(source)
    }

    /// Adds to the text; false at its end.
    #[cold]
    pub(super) fn grow(&mut self) -> Result<bool, JsonError> {
        let before = self.text.len();
        while let Some(more) = &mut self.more {
            if !more(&mut self.text) {
                self.more = None;
            }
            if self.text.len() > before {
                break;
            }
        }
        if self.text.len() > TEXT_MAX_BYTES {
            return self.fail(self.read, "the text has more than 4 GiB; send it in parts");
        }
        self.check_encoding()?;
        Ok(self.text.len() > before)
    }

    /// Makes sure that `count` bytes from `at` are there, unless the text ends before.
    pub(super) fn ensure(&mut self, at: usize, count: usize) -> Result<(), JsonError> {
        while self.text.len() < at + count && self.more.is_some() {
            self.grow()?;
        }
        Ok(())
    }

    pub(super) fn peek(&mut self) -> Result<Option<u8>, JsonError> {
        if self.read == self.text.len() && self.more.is_some() {
            self.grow()?;
        }
        Ok(self.text.get(self.read).copied())
    }

    pub(super) fn skip_space(&mut self) -> Result<(), JsonError> {
        while let Some(byte) = self.peek()? {
            match byte {
                b' ' | b'\t' | b'\r' => {}
                b'\n' => self.lines += 1,
                _ => break,
            }
            self.read += 1;
        }
        Ok(())
    }

    /// Moves `length` bytes from the reading to the writing position.
    pub(super) fn copy(&mut self, length: usize) {
        if self.read != self.write {
            self.text.copy_within(self.read..self.read + length, self.write);
        }
        self.read += length;
        self.write += length;
    }

    pub(super) fn fail<T>(&self, offset: usize, what: &str) -> Result<T, JsonError> {
        Err(JsonError { offset, line: self.lines + 1, item: None, what: what.to_owned() })
    }

    /// Checks what is new; a character may be cut by the end of what is there so far.
    fn check_encoding(&mut self) -> Result<(), JsonError> {
        if self.checked == 0 && self.text.starts_with(BOM) {
            return self.fail(0, "the text starts with a byte order mark; send UTF-8 without one");
        }
        match std::str::from_utf8(&self.text[self.checked..]) {
            Ok(_) => self.checked = self.text.len(),
            Err(error) if error.error_len().is_none() && self.more.is_some() => {
                self.checked += error.valid_up_to();
            }
            Err(error) => return self.fail(self.checked + error.valid_up_to(), "the text is not UTF-8"),
        }
        Ok(())
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";
/// Positions are kept in 32 bits.
const TEXT_MAX_BYTES: usize = u32::MAX as usize - 16;
