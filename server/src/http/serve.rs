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

    /// What stops the server at once: connections are closed, whatever they wait for.
    pub fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let handle = self.handle.clone();
        move || handle.shutdown()
    }

    /// Serves until `stop` is ready, then drains: it is no longer ready, goes on accepting for a moment so that load
    /// balancers see that, lets running requests finish, and writes when tokens were used.
    ///
    /// # Errors
    ///
    /// `Io` when listening fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let flushing = tokio::spawn(flush_regularly(Arc::clone(&self.app)));
        let watching = tokio::spawn(watch_views(Arc::clone(&self.app)));
        let mut running = self.running;
        let ended = tokio::select! {
            ended = &mut running => Some(ended),
            () = stop => None,
        };
        if ended.is_none() {
            self.app.drain();
            let (delay, timeout) = (self.app.settings.drain_delay, self.app.settings.drain_timeout);
            tracing::info!(?delay, ?timeout, "draining: not ready for new requests, running ones may finish");
            tokio::select! {
                () = tokio::time::sleep(delay) => self.handle.graceful_shutdown(Some(timeout)),
                // Somebody asked a second time.
                () = wait_for_end(&running) => {}
            }
        }
        let ended = match ended {
            Some(ended) => ended,
            None => running.await,
        };
        flushing.abort();
        watching.abort();
        flush(&self.app).await;
        self.app.desk.recorder.flush().await;
        tracing::info!("stopped");
        ended.map_err(|error| Error::bug("the server ended early").because(error))?.map_err(Error::from)
    }
}

/// Ready when the server has ended.
async fn wait_for_end(running: &tokio::task::JoinHandle<std::io::Result<()>>) {
    while !running.is_finished() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn flush_regularly(app: Arc<App>) {
    loop {
        tokio::time::sleep(FLUSH).await;
        flush(&app).await;
    }
}

/// Looks at the files of views, so that the log tells of a bad one before anybody pulls it. SIGHUP makes it look at once.
async fn watch_views(app: Arc<App>) {
    let mut hang_up = HangUp::receive();
    loop {
        let looked = tokio::select! {
            () = tokio::time::sleep(app.settings.etl.refresh.max(Duration::from_millis(100))) => {
                app.desk.shelf.views(&app.engine).await.map(drop)
            }
            () = hang_up.next() => app.desk.shelf.reload(&app.engine).await.map(drop),
        };
        if let Err(error) = looked {
            tracing::warn!(error = %error.describe(engine::Lang::En), "views could not be looked at");
        }
    }
}

/// The signal to read configuration anew: SIGHUP.
struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUp {
    /// Begins to receive; from here on the signal no longer ends the process.
    fn receive() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    /// Ready at the next signal.
    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Writes when tokens were used. That it cannot, such as into a store that may only be read, is no reason to fail.
async fn flush(app: &App) {
    if let Err(error) = app.gate.flush_use(app.now()).await {
        tracing::warn!(error = %error.describe(engine::Lang::En), "when tokens were used could not be written");
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

/// The signals to stop: SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Begins to receive; from here on a signal no longer ends the process by itself.
    ///
    /// # Errors
    ///
    /// `Io` when signals cannot be received.
    pub fn receive() -> Result<Self, Error> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Ready at the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
