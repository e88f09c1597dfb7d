//! When keys were last used, written down once a minute and at the end.
//!
//! A crash forgets the last minute of it, which nobody was promised.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::http::App;
use crate::keys::Store;
use crate::storage::Fs;

const INTERVAL: Duration = Duration::from_mins(1);

/// Writes it down for as long as the runtime lives.
pub(super) async fn write_down(app: Arc<App>, keys: Arc<Mutex<Store<Fs>>>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        write_down_now(&app, Arc::clone(&keys)).await;
    }
}

/// Writes it down, if there is news.
pub(super) async fn write_down_now(app: &Arc<App>, keys: Arc<Mutex<Store<Fs>>>) {
    let app = Arc::clone(app);
    let mut store = keys.lock_owned().await;
    let written = spawn_blocking(move || store.note_use(|id| app.last_used(id))).await;
    if let Ok(Err(error)) = written {
        tracing::warn!(%error, "when API keys were last used could not be written down");
    }
}
