//! Purposes, categories of data and legal bases by name.
//!
//! The bits are what is proven; the names are for people. Most are terms of the Data Privacy Vocabulary (DPV, W3C
//! community group), and a bit keeps its name for ever. `bit:N` names a bit that has none here.

/// A list of names for the bits of a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Purposes of a processing.
    Purposes,
    /// Categories of personal data.
    Categories,
}

const PURPOSES: &[&str] = &[
    "dpv:ServiceProvision",
    "dpv:ServiceOptimisation",
    "dpv:Personalisation",
    "dpv:CustomerManagement",
    "dpv:AccountManagement",
    "dpv:EnforceSecurity",
    "dpv:FulfilmentOfObligation",
    "dpv:EstablishContractualAgreement",
    "dpv:ResearchAndDevelopment",
    "dpv:NonCommercialPurpose",
    "dpv:CommercialPurpose",
    "dpv:PublicBenefit",
    "dpv:RecordManagement",
    "dpv:OrganisationGovernance",
    "dpv:Marketing",
    "dpv:VendorManagement",
];

const CATEGORIES: &[&str] = &[
    "avouch:EnergyConsumption",
    "avouch:EnvironmentalReading",
    "avouch:Image",
    "avouch:Audio",
    "avouch:Motion",
    "pd:Location",
    "pd:MedicalHealth",
    "pd:Biometric",
    "pd:Behavioral",
    "pd:Financial",
    "pd:Preference",
    "pd:Demographic",
    "pd:Identifying",
    "pd:DeviceBased",
];

/// Legal bases that a document may name; a consent in the registry is demanded under the first alone.
const LEGAL_BASES: &[&str] = &[
    "dpv:Consent",
    "dpv:Contract",
    "dpv:LegalObligation",
    "dpv:VitalInterest",
    "dpv:PublicInterest",
    "dpv:LegitimateInterest",
];

/// A bit of a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term(pub u32);

impl Terms {
    /// The names there are, bit 0 first.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Purposes => PURPOSES,
            Self::Categories => CATEGORIES,
        }
    }

    /// The bit of a name, or of `bit:N`.
    ///
    /// # Errors
    /// Names those that are known.
    pub fn bit(self, name: &str) -> Result<Term, String> {
        let numbered = || {
            let n = name.strip_prefix("bit:")?.parse().ok()?;
            (n < u32::BITS && self.names().len() <= n as usize && name == format!("bit:{n}")).then_some(n)
        };
        let bit = self.names().iter().position(|&n| n == name).map(|i| i as u32).or_else(numbered);
        bit.map(Term).ok_or_else(|| {
            let (free, known) = (self.names().len(), self.names().join(", "));
            format!("{name:?} is not known; known are {known}, and bit:{free} to bit:31 for your own")
        })
    }

    /// The mask of some names.
    ///
    /// # Errors
    /// A name that is not known, or given twice.
    pub fn mask(self, names: &[String]) -> Result<u32, String> {
        names.iter().try_fold(0, |mask, name| {
            let Term(bit) = self.bit(name)?;
            if mask >> bit & 1 == 1 { Err(format!("{name:?} is given twice")) } else { Ok(mask | 1 << bit) }
        })
    }

    /// The names of a mask's bits.
    pub fn of(self, mask: u32) -> Vec<String> {
        let name = |bit: u32| self.names().get(bit as usize).map_or_else(|| format!("bit:{bit}"), ToString::to_string);
        (0..u32::BITS).filter(|bit| mask >> bit & 1 == 1).map(name).collect()
    }
}

/// Whether a legal basis is consent.
///
/// # Errors
/// A basis that is not known: a misspelt one must not switch the consent off.
pub(super) fn is_consent(basis: &str) -> Result<bool, String> {
    match LEGAL_BASES.iter().position(|&b| b == basis) {
        Some(i) => Ok(i == 0),
        None => Err(format!("legal basis {basis:?} is not known; known are {}", LEGAL_BASES.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_has_one_name() {
        for terms in [Terms::Purposes, Terms::Categories] {
            for bit in 0..32 {
                let names = terms.of(1 << bit);
                assert_eq!(names.len(), 1);
                assert_eq!(terms.bit(&names[0]), Ok(Term(bit)));
            }
            for bad in ["bit:0", "bit:32", "bit:031", "bit:-1", "dpv:consent", ""] {
                assert!(terms.bit(bad).is_err(), "{bad}");
            }
            let all = terms.of(u32::MAX);
            assert_eq!(terms.mask(&all), Ok(u32::MAX));
            assert!(terms.mask(&[all[3].clone(), all[3].clone()]).is_err());
        }
    }

    #[test]
    fn a_misspelt_legal_basis_is_an_error() {
        assert_eq!(is_consent("dpv:Consent"), Ok(true));
        assert_eq!(is_consent("dpv:Contract"), Ok(false));
        assert!(is_consent("dpv:consent").is_err() && is_consent("").is_err());
    }
}
