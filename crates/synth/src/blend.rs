//! How a blend of voices is written: `af_heart*0.6+bm_george*0.4`.

use std::{fmt, str::FromStr};

use crate::error::{BlendFault, SynthError};

/// More parts only bring the mean closer to that of all voices.
const MAX_PARTS: usize = 8;
const MAX_NAME_BYTES: usize = 64;
const MAX_WEIGHT: f32 = 1000.0;

/// Names of voices with their share; the shares sum to one. A single name is a blend of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend {
    parts: Vec<(String, f32)>,
}

impl Blend {
    /// In the order they were written.
    pub fn parts(&self) -> &[(String, f32)] {
        &self.parts
    }
}

impl FromStr for Blend {
    type Err = SynthError;

    /// `name[*weight]` joined by `+`, spaces allowed; a name without weight weighs 1.
    fn from_str(written: &str) -> Result<Self, SynthError> {
        parse(written).map_err(SynthError::BlendInvalid)
    }
}

impl fmt::Display for Blend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, share)) in self.parts.iter().enumerate() {
            match (self.parts.len(), index) {
                (1, _) => write!(out, "{name}")?,
                (_, 0) => write!(out, "{name}*{share}")?,
                _ => write!(out, "+{name}*{share}")?,
            }
        }
        Ok(())
    }
}

fn parse(written: &str) -> Result<Blend, BlendFault> {
    if written.trim().is_empty() {
        return Err(BlendFault::Empty);
    }
    let mut parts: Vec<(String, f32)> = Vec::new();
    for part in written.split('+') {
        if parts.len() == MAX_PARTS {
            return Err(BlendFault::TooMany(MAX_PARTS));
        }
        let (name, weight) = match part.split_once('*') {
            Some((name, weight)) => (name.trim(), parse_weight(weight.trim())?),
            None => (part.trim(), 1.0),
        };
        if !is_name(name) {
            return Err(BlendFault::Name(name.chars().take(MAX_NAME_BYTES).collect()));
        }
        if parts.iter().any(|(known, _)| known == name) {
            return Err(BlendFault::Repeated(name.to_owned()));
        }
        parts.push((name.to_owned(), weight));
    }
    let total: f32 = parts.iter().map(|(_, weight)| weight).sum();
    for (_, weight) in &mut parts {
        *weight /= total;
    }
    Ok(Blend { parts })
}

fn parse_weight(written: &str) -> Result<f32, BlendFault> {
    let weight = written.parse().ok().filter(|&weight: &f32| weight > 0.0 && weight <= MAX_WEIGHT);
    // A share below the smallest normal number would vanish in the division.
    weight
        .filter(|weight| weight.is_normal())
        .ok_or_else(|| BlendFault::Weight(written.chars().take(MAX_NAME_BYTES).collect()))
}

/// Names become file names, so they are plain: ASCII letters, digits, `_` and `-`.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: &[(&str, f32)]) {
        let blend: Blend = written.parse().unwrap();
        let found: Vec<_> = blend.parts().iter().map(|(name, share)| (name.as_str(), *share)).collect();
        assert_eq!(found, expected, "{written}");
    }

    #[track_caller]
    fn check_fault(written: &str, expected: BlendFault) {
        match written.parse::<Blend>() {
            Err(SynthError::BlendInvalid(fault)) => assert_eq!(fault, expected, "{written}"),
            other => panic!("{written}: {other:?}"),
        }
    }

    #[test]
    fn shares_sum_to_one() {
        check("af_heart", &[("af_heart", 1.0)]);
        check("af_heart*7", &[("af_heart", 1.0)]);
        check("af_heart+bm_george", &[("af_heart", 0.5), ("bm_george", 0.5)]);
        check(" af_heart * 3 + bm_george*1 ", &[("af_heart", 0.75), ("bm_george", 0.25)]);
    }

    #[test]
    fn a_wrong_blend_names_its_fault() {
        check_fault("", BlendFault::Empty);
        check_fault("  ", BlendFault::Empty);
        check_fault("af_heart+", BlendFault::Name(String::new()));
        check_fault("../etc", BlendFault::Name("../etc".into()));
        check_fault("하트", BlendFault::Name("하트".into()));
        check_fault("a*0+b", BlendFault::Weight("0".into()));
        check_fault("a*-1", BlendFault::Weight("-1".into()));
        check_fault("a*inf", BlendFault::Weight("inf".into()));
        check_fault("a*NaN", BlendFault::Weight("NaN".into()));
        check_fault("a*1e-44", BlendFault::Weight("1e-44".into()));
        check_fault("a*1*2", BlendFault::Weight("1*2".into()));
        check_fault("a+b+a", BlendFault::Repeated("a".into()));
        check_fault("a+b+c+d+e+f+g+h+i", BlendFault::TooMany(8));
    }

    #[test]
    fn a_blend_is_written_as_it_is_read() {
        for written in ["af_heart", "af_heart*0.25+bm_george*0.75"] {
            assert_eq!(written.parse::<Blend>().unwrap().to_string(), written);
        }
    }
}
