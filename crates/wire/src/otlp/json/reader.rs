//! Reads JSON value by value, without a tree and without recursion: however deep a value nests, the
//! caller may skip it. A text that says what is no Unicode (half of a surrogate pair, as a text cut
//! by JavaScript ends) is read with U+FFFD in that place.
//!
//! Source: RFC 8259.

use std::borrow::Cow;

use crate::Error;

/// What a value is or starts with.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::otlp) enum Token<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A list's opening; [`Reader::has_item`] comes next.
    List,
    /// An object's opening; [`Reader::key`] comes next.
    Map,
}

pub(in crate::otlp) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// How many halves of surrogate pairs have been replaced.
    pub(in crate::otlp) replaced: u64,
}

impl<'a> Reader<'a> {
    pub(in crate::otlp) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            replaced: 0,
        }
    }

    /// The next value, or its opening.
    pub(in crate::otlp) fn value(&mut self) -> Result<Token<'a>, Error> {
        match self.next_byte() {
            Some(b'{') => {
                self.at += 1;
                Ok(Token::Map)
            }
            Some(b'[') => {
                self.at += 1;
                Ok(Token::List)
            }
            Some(b'"') => Ok(Token::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, token) in [
                    ("null", Token::Null),
                    ("true", Token::Bool(true)),
                    ("false", Token::Bool(false)),
                ] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(token);
                    }
                }
                Err(self.fault("a value belongs"))
            }
        }
    }

    /// Whether an open list has one more item, which [`value`](Self::value) reads then.
    pub(in crate::otlp) fn has_item(&mut self, is_first: bool) -> Result<bool, Error> {
        self.goes_on(is_first, b']', "`,` or `]` belongs")
    }

    /// The next key of an open object, None at its end.
    pub(in crate::otlp) fn key(&mut self, is_first: bool) -> Result<Option<Cow<'a, str>>, Error> {
        if !self.goes_on(is_first, b'}', "`,` or `}` belongs")? {
            return Ok(None);
        }
        if self.next_byte() != Some(b'"') {
            return Err(self.fault("a key in quotes belongs"));
        }
        let key = self.string()?;
        if self.next_byte() != Some(b':') {
            return Err(self.fault("`:` belongs"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Reads what is left of a value that started with `token`.
    pub(in crate::otlp) fn skip(&mut self, token: &Token<'_>) -> Result<(), Error> {
        // For each open value: whether it is an object, and nothing of it has been read.
        let mut open = Vec::new();
        match token {
            Token::List => open.push((false, true)),
            Token::Map => open.push((true, true)),
            _ => {}
        }
        while let Some((is_map, is_first)) = open.last_mut() {
            let is_first = std::mem::take(is_first);
            let more = if *is_map {
                self.key(is_first)?.is_some()
            } else {
                self.has_item(is_first)?
            };
            if !more {
                open.pop();
                continue;
            }
            match self.value()? {
                Token::List => open.push((false, true)),
                Token::Map => open.push((true, true)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks that nothing comes after the value.
    pub(in crate::otlp) fn end(&mut self) -> Result<(), Error> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.fault("the end belongs")),
        }
    }

    pub(in crate::otlp) fn fault(&self, expected: &'static str) -> Error {
        Error::Json {
            at: self.at,
            expected,
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The first byte that is no white space.
    fn next_byte(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn goes_on(&mut self, is_first: bool, end: u8, expected: &'static str) -> Result<bool, Error> {
        match self.next_byte() {
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.at += 1;
                // Nothing but an item or a key may come now: `[1,]` is none.
                Ok(true)
            }
            Some(_) if is_first => Ok(true),
            _ => Err(self.fault(expected)),
        }
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if start == self.at {
            return Err(self.fault("a digit belongs"));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Token<'a>, Error> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Token::Number(&self.text[start..self.at]))
    }

    /// The string whose opening quote is next.
    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.at += 1;
        let mut start = self.at;
        let mut unescaped = String::new();
        loop {
            match self.byte() {
                Some(b'"') => {
                    let rest = &self.text[start..self.at];
                    self.at += 1;
                    if unescaped.is_empty() {
                        return Ok(rest.into());
                    }
                    unescaped.push_str(rest);
                    return Ok(unescaped.into());
                }
                Some(b'\\') => {
                    unescaped.push_str(&self.text[start..self.at]);
                    self.at += 1;
                    unescaped.push(self.escape()?);
                    start = self.at;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.fault("the rest of a text without line breaks belongs")),
            }
        }
    }

    /// The character of an escape, after its backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let character = match self.byte() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.fault("an escape belongs")),
        };
        self.at += 1;
        Ok(character)
    }

    /// The character of `uXXXX`, or of such a pair.
    fn unicode(&mut self) -> Result<char, Error> {
        let mut unit = u32::from(self.unit()?);
        if (0xd800..0xdc00).contains(&unit) && self.text[self.at..].starts_with("\\u") {
            let before = self.at;
            self.at += 1;
            let low = u32::from(self.unit()?);
            if (0xdc00..0xe000).contains(&low) {
                unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            } else {
                self.at = before;
            }
        }
        Ok(char::from_u32(unit).unwrap_or_else(|| {
            self.replaced += 1;
            char::REPLACEMENT_CHARACTER
        }))
    }

    fn unit(&mut self) -> Result<u16, Error> {
        let digits = self.text.get(self.at + 1..self.at + 5);
        let unit = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.fault("four hex digits belong"))?;
        self.at += 5;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests;
