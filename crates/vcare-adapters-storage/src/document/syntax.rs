//! The syntax of PDF objects, read as a stream of parts. No tree is made of them: a file of 10 MB could make one of a gigabyte.

use std::borrow::Cow;

use vcare_domain::RejectReason;

pub(super) const DAMAGED: RejectReason = RejectReason::Damaged;
/// How deep arrays and dictionaries may stand in each other.
const MOST_DEPTH: usize = 64;

/// A word of the syntax.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Number(&'a [u8]),
    /// A name, with its escapes undone: what is written `/J#61vaScript` is `JavaScript`.
    Name(Cow<'a, [u8]>),
    /// A text in parentheses or a hexadecimal one, as it stands in the file.
    Text(&'a [u8]),
    Word(&'a [u8]),
    OpenArray,
    CloseArray,
    OpenDictionary,
    CloseDictionary,
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

pub(super) const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

const fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !is_delimiter(byte)
}

/// Reads tokens from there on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexer<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn while_is(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Passes over what means nothing.
    pub(super) fn skip_space(&mut self) {
        loop {
            self.while_is(is_space);
            if self.rest().first() != Some(&b'%') {
                return;
            }
            self.while_is(|byte| !matches!(byte, b'\r' | b'\n'));
        }
    }

    /// The next token; `None` at the end.
    pub(super) fn token(&mut self) -> Result<Option<Token<'a>>, RejectReason> {
        self.skip_space();
        let rest = self.rest();
        let Some(first) = rest.first() else { return Ok(None) };
        let (token, length) = match (first, rest.get(1)) {
            (b'[', _) => (Token::OpenArray, 1),
            (b']', _) => (Token::CloseArray, 1),
            (b'<', Some(b'<')) => (Token::OpenDictionary, 2),
            (b'>', Some(b'>')) => (Token::CloseDictionary, 2),
            (b'<', _) => return self.hexadecimal().map(Some),
            (b'(', _) => return self.text().map(Some),
            (b'/', _) => {
                self.at += 1;
                return Ok(Some(Token::Name(unescaped(self.while_is(is_regular)))));
            }
            (b')' | b'>' | b'{' | b'}', _) => return Err(DAMAGED),
            _ => {
                let word = self.while_is(is_regular);
                let number = word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.'));
                return Ok(Some(if number { Token::Number(word) } else { Token::Word(word) }));
            }
        };
        self.at += length;
        Ok(Some(token))
    }

    fn hexadecimal(&mut self) -> Result<Token<'a>, RejectReason> {
        let rest = self.rest();
        let end = rest.iter().position(|byte| *byte == b'>').ok_or(DAMAGED)?;
        let text = rest.get(..=end).ok_or(DAMAGED)?;
        if !text[1..end].iter().all(|byte| byte.is_ascii_hexdigit() || is_space(*byte)) {
            return Err(DAMAGED);
        }
        self.at += end + 1;
        Ok(Token::Text(text))
    }

    fn text(&mut self) -> Result<Token<'a>, RejectReason> {
        let rest = self.rest();
        let (mut open, mut escaped) = (0_usize, false);
        for (at, byte) in rest.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                self.at += at + 1;
                return Ok(Token::Text(rest.get(..=at).ok_or(DAMAGED)?));
            }
        }
        Err(DAMAGED)
    }

    /// The rest of a reference whose first number was read, if it is one.
    fn reference(&mut self, first: &[u8]) -> Option<u32> {
        let number = whole(first)?;
        let mut ahead = *self;
        match (ahead.token(), ahead.token()) {
            (Ok(Some(Token::Number(generation))), Ok(Some(Token::Word(b"R")))) => whole(generation)?,
            _ => return None,
        };
        *self = ahead;
        Some(number)
    }
}

/// A number that counts something.
pub(super) fn whole(number: &[u8]) -> Option<u32> {
    std::str::from_utf8(number).ok()?.parse().ok()
}

fn unescaped(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'#') {
        return Cow::Borrowed(name);
    }
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let digits = behind.get(..2).filter(|_| *first == b'#').and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => plain.push(*first),
        }
    }
    Cow::Owned(plain)
}

/// A part of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part<'a> {
    /// A key of a dictionary. Its value follows.
    Key(Cow<'a, [u8]>),
    Name(Cow<'a, [u8]>),
    Number(&'a [u8]),
    Text(&'a [u8]),
    /// `true`, `false` or `null`.
    Word(&'a [u8]),
    Reference(u32),
    OpenArray,
    CloseArray,
    OpenDictionary,
    CloseDictionary,
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Array,
    /// A dictionary in which a key is next.
    Keys,
    /// A dictionary in which the value of a key is next.
    Value,
}

/// Hands out the parts of the object that begins there, and answers where it ends.
pub(super) fn walk<'a>(
    bytes: &'a [u8],
    at: usize,
    mut part: impl FnMut(Part<'a>, usize) -> Result<(), RejectReason>,
) -> Result<usize, RejectReason> {
    let mut lexer = Lexer::new(bytes, at);
    let mut inside: Vec<Inside> = Vec::new();
    loop {
        lexer.skip_space();
        let from = lexer.at;
        let token = lexer.token()?.ok_or(DAMAGED)?;
        let found = match (token, inside.last()) {
            (Token::CloseDictionary, Some(Inside::Keys)) => Part::CloseDictionary,
            (Token::Name(name), Some(Inside::Keys)) => {
                inside.pop();
                inside.push(Inside::Value);
                part(Part::Key(name), from)?;
                continue;
            }
            (_, Some(Inside::Keys)) => return Err(DAMAGED),
            (Token::CloseArray, Some(Inside::Array)) => Part::CloseArray,
            (Token::OpenArray, _) => Part::OpenArray,
            (Token::OpenDictionary, _) => Part::OpenDictionary,
            (Token::CloseArray | Token::CloseDictionary, _) => return Err(DAMAGED),
            (Token::Name(name), _) => Part::Name(name),
            (Token::Text(text), _) => Part::Text(text),
            (Token::Number(number), _) => match lexer.reference(number) {
                Some(number) => Part::Reference(number),
                None => Part::Number(number),
            },
            (Token::Word(word @ (b"true" | b"false" | b"null")), _) => Part::Word(word),
            (Token::Word(_), _) => return Err(DAMAGED),
        };
        match found {
            Part::OpenArray | Part::OpenDictionary => {
                if inside.len() >= MOST_DEPTH {
                    return Err(DAMAGED);
                }
                inside.push(if found == Part::OpenArray { Inside::Array } else { Inside::Keys });
                part(found, from)?;
                continue;
            }
            Part::CloseArray | Part::CloseDictionary => {
                inside.pop();
            }
            _ => {}
        }
        part(found, from)?;
        match inside.last_mut() {
            None => return Ok(lexer.at),
            Some(last @ Inside::Value) => *last = Inside::Keys,
            Some(_) => {}
        }
    }
}

/// Where the value of a key of the dictionary that begins there stands.
pub(super) fn lookup(bytes: &[u8], at: usize, key: &[u8]) -> Option<usize> {
    let (mut depth, mut next, mut found) = (0_usize, false, None);
    let walked = walk(bytes, at, |part, from| {
        if std::mem::take(&mut next) && found.is_none() {
            found = Some(from);
        }
        match part {
            Part::Key(name) => next = depth == 1 && *name == *key,
            Part::OpenArray | Part::OpenDictionary => depth += 1,
            Part::CloseArray | Part::CloseDictionary => depth -= 1,
            _ => {}
        }
        Ok(())
    });
    walked.ok().and(found)
}

/// The one part that stands there, if it is neither an array nor a dictionary.
pub(super) fn single(bytes: &[u8], at: usize) -> Option<Part<'_>> {
    let mut lexer = Lexer::new(bytes, at);
    Some(match lexer.token().ok()?? {
        Token::Number(number) => lexer.reference(number).map_or(Part::Number(number), Part::Reference),
        Token::Name(name) => Part::Name(name),
        Token::Text(text) => Part::Text(text),
        Token::Word(word) => Part::Word(word),
        _ => return None,
    })
}

/// What a text says.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    if text.first() == Some(&b'<') {
        let digits: Vec<u8> =
            inner.iter().filter_map(|byte| char::from(*byte).to_digit(16)).map(|digit| digit as u8).collect();
        return digits.chunks(2).map(|two| two[0] << 4 | two.get(1).unwrap_or(&0)).collect();
    }
    let mut said = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            said.push(byte);
            continue;
        }
        match rest.next() {
            Some(first @ b'0'..=b'7') => {
                let mut code = u32::from(first - b'0');
                for _ in 0..2 {
                    if let Some(digit) = rest.next_if(|byte| matches!(byte, b'0'..=b'7')) {
                        code = code * 8 + u32::from(digit - b'0');
                    }
                }
                said.push((code & 0xFF) as u8);
            }
            Some(b'n') => said.push(b'\n'),
            Some(b'r') => said.push(b'\r'),
            Some(b't') => said.push(b'\t'),
            Some(b'b') => said.push(8),
            Some(b'f') => said.push(12),
            Some(b'\r' | b'\n') | None => {}
            Some(other) => said.push(other),
        }
    }
    said
}
