//! TLS 1.3 from certificate files, which are read again when they change (as certbot and other
//! clients of an authority change them), without a restart and without breaking a connection.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::TLS13,
};
use tokio_rustls::TlsAcceptor;

const LOOK_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, String),
    #[error("certificate and key do not fit together: {0}")]
    Mismatch(#[source] rustls::Error),
}

/// The two files and what was last read from them.
#[derive(Debug)]
pub struct Certificate {
    files: [PathBuf; 2],
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    pub fn load(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let files = [certificate.to_owned(), key.to_owned()];
        let current = RwLock::new(Arc::new(read(&files)?));
        Ok(Arc::new(Self { files, current }))
    }

    /// New connections get what the files say now. What cannot be used changes nothing.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(read(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    #[must_use]
    pub fn acceptor(self: &Arc<Self>) -> TlsAcceptor {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::new(Resolver(Arc::clone(self)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .expect("the provider knows TLS 1.3")
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Reads the files again whenever they change, for as long as it is polled.
    pub async fn watch(self: Arc<Self>) {
        self.watch_every(LOOK_EVERY).await;
    }

    pub async fn watch_every(self: Arc<Self>, every: Duration) {
        let mut seen = self.stamps();
        loop {
            tokio::time::sleep(every).await;
            let stamps = self.stamps();
            if stamps == seen {
                continue;
            }
            match self.reload() {
                Ok(()) => {
                    tracing::info!("the TLS certificate was read again");
                    seen = stamps;
                }
                // The other file may be written in a moment: looked at again the next time.
                Err(error) => tracing::warn!(%error, "the TLS certificate changed and cannot be used yet"),
            }
        }
    }

    fn stamps(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.files[0], &self.files[1]].map(|file| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

struct Resolver(Arc<Certificate>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read([certificate, key]: &[PathBuf; 2]) -> Result<CertifiedKey, TlsError> {
    let unreadable = |file: &Path| {
        let file = file.to_owned();
        move |error: rustls::pki_types::pem::Error| TlsError::Unreadable(file, error.to_string())
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .map_err(unreadable(certificate))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Mismatch)
}
