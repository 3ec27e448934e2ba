//! Listening: the address, TLS, the signal to stop, and the end in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use engine::{Error, ErrorKind, text};

use super::App;
use crate::settings::TlsSettings;

/// How often it is written when tokens were used.
const FLUSH: Duration = Duration::from_secs(60);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    handle: Handle<SocketAddr>,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Begins to listen where the settings say.
    ///
    /// # Errors
    ///
    /// `Io` when the address cannot be had, `Invalid` for a certificate that cannot be used.
    pub async fn start(app: Arc<App>) -> Result<Self, Error> {
        let listen = app.settings.listen;
        let listener = std::net::TcpListener::bind(listen).map_err(|error| cannot_listen(listen, error))?;
        let address = listener.local_addr()?;
        let handle = Handle::new();
        let service = crate::routes::router(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>();
        let header_time = app.settings.limits.header_time;
        let timer = hyper_util::rt::TokioTimer::new;
        let running = match &app.settings.tls {
            None => {
                let mut server = axum_server::from_tcp(listener)?.handle(handle.clone());
                server.http_builder().http1().timer(timer()).header_read_timeout(header_time);
                server.http_builder().http2().timer(timer()).keep_alive_interval(header_time);
                tokio::spawn(server.serve(service))
            }
            Some(files) => {
                let config = certificate(files).await?;
                let mut server = axum_server::from_tcp_rustls(listener, config)?.handle(handle.clone());
                server.http_builder().http1().timer(timer()).header_read_timeout(header_time);
                server.http_builder().http2().timer(timer()).keep_alive_interval(header_time);
                tokio::spawn(server.serve(service))
            }
        };
        Ok(Self { app, handle, running, address })
    }

    /// Serves until `stop` is ready, then drains: it is no longer ready, goes on accepting for a moment so that load
    /// balancers see that, lets running requests finish, and writes when tokens were used.
    ///
    /// # Errors
    ///
    /// `Io` when listening fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let flushing = tokio::spawn(flush_regularly(Arc::clone(&self.app)));
        let mut running = self.running;
        let ended = tokio::select! {
            ended = &mut running => Some(ended),
            () = stop => None,
        };
        if ended.is_none() {
            self.app.drain();
            let (delay, timeout) = (self.app.settings.drain_delay, self.app.settings.drain_timeout);
            tracing::info!(?delay, ?timeout, "draining: not ready for new requests, running ones may finish");
            tokio::time::sleep(delay).await;
            self.handle.graceful_shutdown(Some(timeout));
        }
        let ended = match ended {
            Some(ended) => ended,
            None => running.await,
        };
        flushing.abort();
        self.app.gate.flush_use(self.app.now()).await?;
        tracing::info!("stopped");
        ended.map_err(|error| Error::bug("the server ended early").because(error))?.map_err(Error::from)
    }
}

async fn flush_regularly(app: Arc<App>) {
    loop {
        tokio::time::sleep(FLUSH).await;
        if let Err(error) = app.gate.flush_use(app.now()).await {
            tracing::warn!(error = %error.describe(engine::Lang::En), "when tokens were used could not be written");
        }
    }
}

async fn certificate(files: &TlsSettings) -> Result<RustlsConfig, Error> {
    // The first installation counts; one of the same kind is there when this runs twice in a process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    RustlsConfig::from_pem_file(&files.certificate, &files.key).await.map_err(|error| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        let message = text!(
            "the certificate {certificate} with the key {key} cannot be used",
            "le certificat {certificate} avec la clé {key} ne peut être utilisé"
        );
        Error::new(ErrorKind::Invalid, message).because(error)
    })
}

fn cannot_listen(listen: SocketAddr, error: std::io::Error) -> Error {
    let message = match error.kind() {
        std::io::ErrorKind::AddrInUse => text!(
            "{listen} is taken by another program; choose another port with --listen",
            "{listen} est pris par un autre programme ; choisissez un autre port avec --listen"
        ),
        std::io::ErrorKind::PermissionDenied => text!(
            "{listen} may not be listened on; choose a port above 1023, or give the program the right",
            "{listen} ne peut être écouté ; choisissez un port au-dessus de 1023, ou donnez-en le droit au programme"
        ),
        _ => text!("{listen} cannot be listened on", "{listen} ne peut être écouté"),
    };
    Error::new(ErrorKind::Io, message).because(error)
}

/// Ready at the first SIGTERM or SIGINT.
///
/// # Errors
///
/// `Io` when signals cannot be received.
pub async fn signal_to_stop() -> Result<(), Error> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
