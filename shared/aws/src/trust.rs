//! Which certificate authorities a TLS connection to AWS trusts.

use std::str::FromStr;

use aws_smithy_http_client::tls;

/// Root certificates of Amazon Trust Services, PEM: Amazon Root CA 1 to 4 and Starfield Services
/// Root Certificate Authority - G2, which sign for every AWS service
/// (<https://www.amazontrust.com/repository/>).
const AMAZON_ROOTS: &str = include_str!("../data/amazon-roots.pem");

/// Which certificate authorities a TLS connection to AWS trusts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrustStore {
    /// Only Amazon's: a few certificates to parse at start, and nobody else can stand in for AWS.
    #[default]
    Amazon,
    /// Those of the system the function runs on.
    System,
}

/// No name of a trust store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("TRUST_STORE must be `{}`, not `{said}`", known.join("` or `"))]
pub struct Unknown {
    said: String,
    known: [&'static str; 2],
}

impl FromStr for TrustStore {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "amazon" => Ok(Self::Amazon),
            "system" => Ok(Self::System),
            _ => Err(Unknown { said: text.to_owned(), known: ["amazon", "system"] }),
        }
    }
}

impl From<TrustStore> for tls::TrustStore {
    fn from(store: TrustStore) -> Self {
        match store {
            TrustStore::Amazon => Self::empty().with_pem_certificate(AMAZON_ROOTS),
            TrustStore::System => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::{
        RootCertStore,
        pki_types::{CertificateDer, TrustAnchor, pem::PemObject},
    };

    use super::*;

    /// Mozilla's list, kept up to date by a crate, is the witness for the certificates kept here.
    #[test]
    fn the_roots_are_those_that_mozilla_has_of_amazon() {
        let mut kept = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(AMAZON_ROOTS.as_bytes()) {
            kept.add(certificate.unwrap()).unwrap();
        }
        let is_amazons = |root: &&TrustAnchor<'_>| {
            let has = |name: &[u8]| root.subject.windows(name.len()).any(|part| part == name);
            has(b"Amazon Root CA ") || has(b"Starfield Services Root Certificate Authority - G2")
        };
        let witnessed = webpki_roots::TLS_SERVER_ROOTS.iter().filter(is_amazons);
        let sorted = |mut roots: Vec<TrustAnchor<'static>>| {
            roots.sort_by(|a, b| a.subject.as_ref().cmp(b.subject.as_ref()));
            roots
        };
        let kept = sorted(kept.roots);
        assert_eq!(kept.len(), 5);
        assert_eq!(kept, sorted(witnessed.cloned().collect()));
    }

    #[test]
    fn a_store_has_a_name_and_no_other() {
        for (name, store) in [("amazon", TrustStore::Amazon), ("system", TrustStore::System)] {
            assert_eq!(name.parse(), Ok(store));
        }
        for name in ["", "Amazon", "webpki", "system "] {
            let message = name.parse::<TrustStore>().unwrap_err().to_string();
            assert_eq!(message, format!("TRUST_STORE must be `amazon` or `system`, not `{name}`"));
        }
    }
}
