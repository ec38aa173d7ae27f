//! Who may publish and play: those who know a secret, or were given an address that someone who does has signed.
//!
//! An address carries `?secret=SECRET`, or `?sign=EXPIRES-HASH` with seconds since 1970 and, in hexadecimal,
//! HMAC-SHA256 of `ACTION/APP/NAME-EXPIRES` under the secret; ACTION is `publish` or `play`. So a signature for
//! one stream is of no use for another, and one for playing none for publishing.
//!
//! **Invariant:** secrets are compared in constant time and shown nowhere. A signature is asked for when a client
//! comes, not while it stays.

use std::{fmt, time::SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::Sha256;

use crate::{name::StreamName, refusal::Refusal};

const HASH_LEN: usize = 32;
/// Escaped where a credential is written into an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// `None` of an empty one, which would be no secret.
    pub fn new(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self(text))
    }

    /// In a time that says nothing of how much is right, nor of the length.
    fn is(&self, guess: &[u8]) -> bool {
        mac(guess, b"").verify(&self.mac(b"").finalize().into_bytes()).is_ok()
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        mac(self.0.as_bytes(), message)
    }
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Publish,
    Play,
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Play => "play",
        }
    }
}

/// What is asked of those who come; `None` of an action that anyone may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    pub publish: Option<Secret>,
    pub play: Option<Secret>,
}

impl Gate {
    pub fn check(
        &self,
        action: Action,
        name: &StreamName,
        query: Option<&str>,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let secret = match action {
            Action::Publish => &self.publish,
            Action::Play => &self.play,
        };
        let Some(secret) = secret else { return Ok(()) };
        if let Some(sign) = parameter(query, "sign") {
            return signed(secret, action, name, &sign, now);
        }
        match parameter(query, "secret") {
            Some(guess) if secret.is(&guess) => Ok(()),
            Some(_) => Err(Refusal::BadSignature),
            None => Err(Refusal::Unsigned),
        }
    }
}

impl Gate {
    /// What a player was admitted by, as a query of its own: for the addresses in what it is given.
    pub fn carried(&self, query: Option<&str>) -> String {
        let found = ["sign", "secret"].iter().find_map(|name| Some((name, parameter(query, name)?)));
        match found.filter(|_| self.play.is_some()) {
            Some((name, value)) => format!("?{name}={}", percent_encode(&value, PLAIN)),
            None => String::new(),
        }
    }
}

fn signed(
    secret: &Secret,
    action: Action,
    name: &StreamName,
    sign: &[u8],
    now: SystemTime,
) -> Result<(), Refusal> {
    let parts = std::str::from_utf8(sign).ok().and_then(|sign| sign.split_once('-'));
    let (expires, hash) = parts.ok_or(Refusal::BadSignature)?;
    let hash = unhex(hash).ok_or(Refusal::BadSignature)?;
    let message = format!("{}/{name}-{expires}", action.word());
    secret.mac(message.as_bytes()).verify_slice(&hash).map_err(|_| Refusal::BadSignature)?;
    let expires: u64 = expires.parse().map_err(|_| Refusal::BadSignature)?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if now > expires { Err(Refusal::Expired(expires)) } else { Ok(()) }
}

/// The first parameter of that name, decoded.
fn parameter(query: Option<&str>, name: &str) -> Option<Vec<u8>> {
    let found = query?.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    Some(percent_decode_str(found.1).collect())
}

fn unhex(text: &str) -> Option<[u8; HASH_LEN]> {
    let mut hash = [0; HASH_LEN];
    if text.len() != 2 * HASH_LEN {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |d: u8| char::from(d).to_digit(16);
        let value = digit(*digits.first()?)? << 4 | digit(*digits.get(1)?)?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// `printf %s publish/live/camera-2000000000 | openssl dgst -sha256 -hmac correct-horse`
    const VECTOR: &str = "78de6e3c85ab8d84545a8bffb8f5c222b222ebf185ddbedfb7dbf36d2fcca0ae";

    fn gate() -> Gate {
        Gate { publish: Secret::new("correct-horse".into()), play: None }
    }

    fn ask(gate: &Gate, action: Action, name: &str, query: &str) -> Result<(), Refusal> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        gate.check(action, &name.parse().unwrap(), Some(query), now)
    }

    #[test]
    fn without_a_secret_anyone_may() {
        for action in [Action::Publish, Action::Play] {
            assert_eq!(ask(&Gate::default(), action, "live/camera", "secret=x"), Ok(()));
        }
        assert_eq!(ask(&gate(), Action::Play, "live/camera", ""), Ok(()));
    }

    #[test]
    fn the_secret_itself_opens() {
        let ask = |query| ask(&gate(), Action::Publish, "live/camera", query);
        assert_eq!(ask("secret=correct-horse"), Ok(()));
        assert_eq!(ask("a=b&secret=correct%2Dhorse&c"), Ok(()));
        for wrong in ["secret=", "secret=correct", "secret=correct-horse-", "secret=%ff"] {
            assert_eq!(ask(wrong), Err(Refusal::BadSignature), "{wrong}");
        }
        for missing in ["", "secret", "Secret=correct-horse", "x=secret=correct-horse"] {
            assert_eq!(ask(missing), Err(Refusal::Unsigned), "{missing}");
        }
    }

    #[test]
    fn a_signature_is_for_one_stream_one_action_and_some_time() {
        let query = format!("sign=2000000000-{VECTOR}");
        let publish = |name, query: &str| ask(&gate(), Action::Publish, name, query);
        assert_eq!(publish("live/camera", &query), Ok(()));
        assert_eq!(publish("live/camera", &query.to_uppercase().replace("SIGN", "sign")), Ok(()));
        assert_eq!(publish("live/other", &query), Err(Refusal::BadSignature));
        let both = Gate { play: gate().publish, ..gate() };
        assert_eq!(ask(&both, Action::Play, "live/camera", &query), Err(Refusal::BadSignature));
        let later = query.replace("2000000000", "2000000001");
        assert_eq!(publish("live/camera", &later), Err(Refusal::BadSignature));
        let after = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_001);
        let name = "live/camera".parse().unwrap();
        let over = gate().check(Action::Publish, &name, Some(&query), after);
        assert_eq!(over, Err(Refusal::Expired(2_000_000_000)));
    }

    #[test]
    fn a_signature_that_is_none_is_wrong() {
        for sign in
            ["", "-", "1", "2000000000-", "2000000000-zz", &format!("-{VECTOR}"), &format!("x-{VECTOR}")]
        {
            let query = format!("sign={sign}&secret=correct-horse");
            assert_eq!(
                ask(&gate(), Action::Publish, "live/camera", &query),
                Err(Refusal::BadSignature),
                "{sign}"
            );
        }
    }

    #[test]
    fn what_admitted_a_player_is_carried_on_and_nothing_else() {
        let guarded = Gate { play: Secret::new("s".into()), publish: None };
        let carried = |query| guarded.carried(Some(query));
        assert_eq!(carried("_HLS_msn=1&sign=2000-ab&x=y"), "?sign=2000-ab");
        assert_eq!(carried("secret=a%22b\"c%26d"), "?secret=a%22b%22c%26d");
        assert_eq!(carried("sign=1-2&secret=s"), "?sign=1-2", "as the gate looks at it");
        assert_eq!(carried("x=y"), "");
        assert_eq!(gate().carried(Some("secret=correct-horse")), "", "playing is open");
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", gate()).contains("horse"));
    }
}
