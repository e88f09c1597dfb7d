//! The accept loop, and how it ends.
//!
//! - Over the connection limit a connection is closed at once; the others do not notice.
//! - Draining: readiness turns off, open connections end after their exchange, new ones are still
//!   served once each until those that were open at its beginning have ended. Then the listener closes, and
//!   the last ones end, or the grace is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::connection;
use super::state::App;

/// Serves until `shutdown` resolves, then drains for at most `grace`. Returns how many connections
/// were cut off.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) -> usize {
    let connections = Connections::new(&app);
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            stream = accept(&listener) => connections.open(&app, stream),
        }
    }
    app.begin_draining();
    connections.draining.send_replace(true);
    // Who comes now is not waited for when the listener closes: clients that come back as soon as they are
    // sent away would keep it open for ever.
    let late = connections.another_set();
    let drained = async {
        loop {
            tokio::select! {
                biased;
                () = connections.all_closed() => break,
                stream = accept(&listener) => late.open(&app, stream),
            }
        }
        drop(listener);
        late.all_closed().await;
    };
    drop(tokio::time::timeout(grace, drained).await);
    connections.count() + late.count()
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Out of file descriptors, or the peer is gone again: neither is a reason to stop.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

struct Connections {
    permits: Arc<Semaphore>,
    limit: usize,
    draining: watch::Sender<bool>,
}

impl Connections {
    fn new(app: &App) -> Self {
        let limit = app.settings.max_connections;
        Self { permits: Arc::new(Semaphore::new(limit)), limit, draining: watch::Sender::new(false) }
    }

    /// Room for as many again, under the same signal.
    fn another_set(&self) -> Self {
        let permits = Arc::new(Semaphore::new(self.limit));
        Self { permits, limit: self.limit, draining: self.draining.clone() }
    }

    fn open(&self, app: &Arc<App>, stream: TcpStream) {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            tracing::debug!(limit = self.limit, "a connection over the limit was closed");
            return;
        };
        // Answers are written whole: waiting to fill a segment would only delay them.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        tokio::spawn(run(Arc::clone(app), stream, self.draining.subscribe(), permit));
    }

    async fn all_closed(&self) {
        drop(self.permits.acquire_many(self.limit as u32).await);
    }

    fn count(&self) -> usize {
        self.limit - self.permits.available_permits()
    }
}

async fn run(
    app: Arc<App>,
    stream: TcpStream,
    draining: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    connection::serve(app, stream, draining).await;
}
