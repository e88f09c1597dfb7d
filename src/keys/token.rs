//! The text of a key: `ws_<key id>_<secret>_<checksum>`.
//!
//! - All of it in base 62: 16 characters of id (95 bits, to find the key by), 43 of secret (256 bits), 6 of crc32c
//!   over what comes before. A scanner for leaked secrets can tell a key from noise without asking us.
//! - The secret is drawn character by character from uniformly random bytes; those that would make some characters
//!   likelier than others are drawn again.
//! - bcrypt reads no more than 72 bytes, and is given exactly the 43 of the secret.

use std::fmt;

use zeroize::Zeroizing;

use crate::limits;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX: &str = "ws_";
const ID_CHARS: usize = 16;
const SECRET_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;
const SECRET_AT: usize = PREFIX.len() + ID_CHARS + 1;
const CHECKSUM_AT: usize = SECRET_AT + SECRET_CHARS + 1;
/// The length of every key.
const TOKEN_CHARS: usize = CHECKSUM_AT + CHECKSUM_CHARS;

/// What a key is found by. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID_CHARS]);

impl KeyId {
    /// Reads 16 characters of base 62.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes().try_into().ok()?;
        text.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(Self(bytes))
    }

    /// The key id in what somebody presents, of which no more is looked at.
    pub fn named_in(text: &str) -> Option<Self> {
        Self::parse(text.strip_prefix(PREFIX)?.get(..ID_CHARS)?)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base 62 is ASCII")
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A key as its holder has it: well formed, which does not make it a good one. Wiped when it is dropped.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Draws a new key. `draw` fills a buffer with uniformly random bytes.
    pub fn mint(mut draw: impl FnMut(&mut [u8])) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(TOKEN_CHARS));
        text.push_str(PREFIX);
        push_drawn(&mut text, ID_CHARS, &mut draw);
        text.push('_');
        push_drawn(&mut text, SECRET_CHARS, &mut draw);
        let checksum = checksum(&text);
        text.push('_');
        text.extend(checksum.map(char::from));
        Self(text)
    }

    /// Reads what somebody presents; `None` for what no key looks like.
    pub fn parse(text: &str) -> Option<Self> {
        let is_shaped = text.len() == TOKEN_CHARS
            && text.starts_with(PREFIX)
            && text.bytes().enumerate().all(|(place, byte)| match place {
                2 => byte == b'_',
                _ if place == SECRET_AT - 1 || place == CHECKSUM_AT - 1 => byte == b'_',
                _ => byte.is_ascii_alphanumeric(),
            });
        let holds = is_shaped && checksum(&text[..CHECKSUM_AT - 1]) == text.as_bytes()[CHECKSUM_AT..];
        holds.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// What the key is found by.
    pub fn key_id(&self) -> KeyId {
        KeyId::parse(&self.0[PREFIX.len()..SECRET_AT - 1]).expect("a token is well formed")
    }

    /// The whole text, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// bcrypt of the secret, for the file. Takes a quarter of a second of a core, so never on an async thread.
    pub fn hash(&self, salt: [u8; 16]) -> String {
        let hash = bcrypt::non_truncating_hash_with_salt(self.secret(), limits::BCRYPT_COST, salt);
        hash.expect("43 bytes are not too long, and the cost is one there is").to_string()
    }

    /// Whether the hash is that of the secret. Takes as long as [`Self::hash`], whatever it finds.
    pub fn matches(&self, hash: &str) -> bool {
        // Hashes are checked when they are read, so an error means that this one is not the secret's.
        bcrypt::non_truncating_verify(self.secret(), hash).unwrap_or(false)
    }

    fn secret(&self) -> &str {
        &self.0[SECRET_AT..CHECKSUM_AT - 1]
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Token({:?})", self.key_id())
    }
}

/// Whether a text is a bcrypt hash of a cost that is neither a joke nor a way to stop the server.
pub(super) fn is_hash(text: &str) -> bool {
    let cost = text.parse::<bcrypt::HashParts>().map(|parts| parts.get_cost());
    text.len() == 60 && text.is_ascii() && cost.is_ok_and(|cost| (8..=14).contains(&cost))
}

fn push_drawn(text: &mut String, count: usize, draw: &mut impl FnMut(&mut [u8])) {
    // The largest multiple of 62 that a byte can hold: what is above it would favour the first digits.
    const FAIR: u8 = 248;
    let mut left = count;
    let mut drawn = Zeroizing::new([0; 64]);
    while left > 0 {
        draw(&mut drawn[..]);
        for &byte in drawn.iter().filter(|byte| **byte < FAIR).take(left) {
            text.push(char::from(DIGITS[usize::from(byte % 62)]));
            left -= 1;
        }
    }
}

fn checksum(text: &str) -> [u8; CHECKSUM_CHARS] {
    let mut rest = crc32c::crc32c(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that count up, through all values.
    fn counting() -> impl FnMut(&mut [u8]) {
        let mut next = 0_u8;
        move |buffer| {
            for byte in buffer {
                *byte = next;
                next = next.wrapping_add(1);
            }
        }
    }

    #[test]
    fn a_minted_key_is_read_back() {
        let token = Token::mint(counting());
        assert_eq!(token.expose().len(), 70);
        assert!(token.expose().starts_with("ws_0123456789ABCDEF_23456789AB"), "{}", token.expose());
        let read = Token::parse(token.expose()).unwrap();
        assert_eq!((read.key_id().as_str(), read.secret()), ("0123456789ABCDEF", token.secret()));
        assert!(!format!("{token:?}").contains(token.secret()));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let token = Token::mint(counting());
        let text = token.expose();
        for place in 0..text.len() {
            for other in ["_", "Z", "-", "é", ""] {
                let changed = format!("{}{other}{}", &text[..place], &text[place + 1..]);
                assert!(changed == text || Token::parse(&changed).is_none(), "{changed}");
            }
        }
        assert_eq!(KeyId::named_in(text), Some(token.key_id()));
        for text in ["", "ws_", "ws_0123456789ABCDE", "ws_0123456789ABCDé", "xx_0123456789ABCDEF"] {
            assert_eq!(KeyId::named_in(text), None, "{text}");
        }
        for text in ["", "ws_", &text[1..], &format!("{text}0"), &format!(" {text}"), &text.to_lowercase()] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn no_digit_is_favoured() {
        let mut counts = [0_u32; 62];
        let mut draw = counting();
        let mut text = String::new();
        // Each byte value comes equally often in whole rounds of 256.
        push_drawn(&mut text, 248 * 4, &mut draw);
        for byte in text.bytes() {
            counts[DIGITS.iter().position(|digit| *digit == byte).unwrap()] += 1;
        }
        assert_eq!(counts, [16; 62]);
    }

    #[test]
    fn the_hash_is_of_the_secret_alone_and_at_cost_12() {
        let token = Token::mint(counting());
        let hash = token.hash([7; 16]);
        assert!(hash.starts_with("$2b$12$") && is_hash(&hash), "{hash}");
        assert!(token.matches(&hash));
        let mut draw = counting();
        draw(&mut [0; 1]);
        assert!(!Token::mint(draw).matches(&hash));
        assert!(!token.matches("no hash"));
        for text in ["", "no hash", &hash[1..], &hash.replace("$12$", "$07$"), &hash.replace("$12$", "$31$")]
        {
            assert!(!is_hash(text), "{text}");
        }
    }
}
