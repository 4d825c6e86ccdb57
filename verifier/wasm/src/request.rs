//! What a caller demands, as JSON.
//!
//! Unknown fields are errors, and so is a `null`: a condition that is misspelt, or whose value got lost on the way, would
//! otherwise be no condition at all.

use avouch_verifier::{Acceptance, Freshness, KeyPolicy, Output};
use serde::{Deserialize, Deserializer, de::Error as _};

/// Which key is trusted. Groth16 keys of a ceremony are admitted by their pinned digest only, development keys only if
/// they are allowed, and transparent keys because they are derived again.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    #[serde(default, deserialize_with = "given")]
    expect_vk: Option<Digest>,
    #[serde(default)]
    allow_dev_setup: bool,
}

impl From<Trust> for KeyPolicy {
    fn from(Trust { expect_vk, allow_dev_setup }: Trust) -> Self {
        Self { allow_dev: allow_dev_setup, expect_vk: bytes(expect_vk) }
    }
}

/// What is demanded of a claim; whatever is left out is not checked, and listed as such.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demands {
    #[serde(default, deserialize_with = "given")]
    expect_model: Option<Digest>,
    #[serde(default, deserialize_with = "given")]
    expect_context: Option<Digest>,
    #[serde(default, deserialize_with = "given")]
    expect_policy: Option<Digest>,
    #[serde(default, deserialize_with = "given")]
    expect_root: Option<Digest>,
    #[serde(default, deserialize_with = "given")]
    expect_output: Option<ExpectedOutput>,
    #[serde(default, deserialize_with = "given")]
    freshness: Option<Clock>,
}

impl From<Demands> for Acceptance {
    fn from(demands: Demands) -> Self {
        Self {
            expect_model: bytes(demands.expect_model),
            expect_context: bytes(demands.expect_context),
            expect_policy: bytes(demands.expect_policy),
            expect_root: bytes(demands.expect_root),
            expect_output: demands.expect_output.map(Output::from),
            freshness: demands.freshness.map(|c| Freshness { now: c.now, max_delay: c.max_delay, skew: c.skew }),
        }
    }
}

/// An output as claims show it, without the real numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum ExpectedOutput {
    Raw { integers: Vec<i32> },
    Argmax { class: u32 },
    Threshold { index: u32, threshold: i32, reached: bool },
    Commit { commitment: Digest },
}

impl From<ExpectedOutput> for Output {
    fn from(output: ExpectedOutput) -> Self {
        match output {
            ExpectedOutput::Raw { integers } => Self::Raw(integers),
            ExpectedOutput::Argmax { class } => Self::Argmax(class),
            ExpectedOutput::Threshold { index, threshold, reached } => Self::Threshold { index, threshold, reached },
            ExpectedOutput::Commit { commitment } => Self::Commit(commitment.0),
        }
    }
}

/// Seconds: the verifier's clock, and how far the records may be from it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    now: u64,
    max_delay: u64,
    #[serde(default)]
    skew: u64,
}

/// 32 bytes as 64 hexadecimal digits, with or without `0x`.
#[derive(Clone, Copy, Debug)]
struct Digest([u8; 32]);

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(&text), &mut bytes)
            .map_err(|_| D::Error::custom(format!("{text:?}: 64 hexadecimal digits are expected")))?;
        Ok(Self(bytes))
    }
}

fn bytes(digest: Option<Digest>) -> Option<[u8; 32]> {
    digest.map(|Digest(bytes)| bytes)
}

/// A field that is there has a value.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demands(json: &str) -> Result<Acceptance, String> {
        serde_json::from_str::<Demands>(json).map(Acceptance::from).map_err(|e| e.to_string())
    }

    #[test]
    fn demands_are_read() {
        let digest = format!("0x{}", "ab".repeat(32));
        let json = format!(
            r#"{{"expect_model": "{digest}", "expect_context": "{digest}", "expect_policy": "{digest}",
                "expect_root": "{digest}", "expect_output": {{"kind": "raw", "integers": [1, -2]}},
                "freshness": {{"now": 9, "max_delay": 8, "skew": 7}}}}"#
        );
        let all = Some([0xab; 32]);
        let expected = Acceptance {
            expect_model: all,
            expect_context: all,
            expect_policy: all,
            expect_root: all,
            expect_output: Some(Output::Raw(vec![1, -2])),
            freshness: Some(Freshness { now: 9, max_delay: 8, skew: 7 }),
        };
        assert_eq!(demands(&json), Ok(expected));
        assert_eq!(demands("{}"), Ok(Acceptance::default()));
        for (json, output) in [
            (r#"{"kind": "argmax", "class": 7}"#, Output::Argmax(7)),
            (
                r#"{"kind": "threshold", "index": 1, "threshold": -3, "reached": true}"#,
                Output::Threshold { index: 1, threshold: -3, reached: true },
            ),
            (&format!(r#"{{"kind": "commit", "commitment": "{digest}"}}"#), Output::Commit([0xab; 32])),
        ] {
            let expected = Acceptance { expect_output: Some(output), ..Acceptance::default() };
            assert_eq!(demands(&format!(r#"{{"expect_output": {json}}}"#)), Ok(expected));
        }
    }

    #[test]
    fn no_condition_gets_lost() {
        for (json, word) in [
            (r#"{"expect_contxt": "00"}"#, "unknown field"),
            (r#"{"expect_context": null}"#, "invalid type: null"),
            (r#"{"expect_context": "00"}"#, "64 hexadecimal digits"),
            (r#"{"expect_output": null}"#, "null"),
            (r#"{"expect_output": {"kind": "argmax", "class": 7, "index": 1}}"#, "unknown field"),
            (r#"{"expect_output": {"kind": "argmax", "class": -1}}"#, "-1"),
            (r#"{"expect_output": {"kind": "most"}}"#, "unknown variant"),
            (r#"{"freshness": null}"#, "null"),
            (r#"{"freshness": {"now": 1}}"#, "missing field"),
            (r#"{"freshness": {"now": 1.5, "max_delay": 1}}"#, "1.5"),
            (r#"{"expect_vk": "00"}"#, "unknown field"),
            ("{} {}", "trailing"),
            ("", "EOF"),
            ("null", "null"),
        ] {
            let message = demands(json).unwrap_err();
            assert!(message.contains(word), "{json}: {message}");
        }
        for json in [r#"{"expect_vk": null}"#, r#"{"allow_dev": true}"#, r#"{"allow_dev_setup": null}"#] {
            serde_json::from_str::<Trust>(json).unwrap_err();
        }
    }
}
