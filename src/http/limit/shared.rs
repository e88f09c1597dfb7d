//! Buckets in Redis, which several servers share.
//!
//! - One script looks and takes at once, on the clock of Redis, so that servers cannot race or disagree about time.
//! - A server never waits long: what Redis does not answer within [`limits::REDIS_TIMEOUT`] is decided here, and
//!   Redis is not asked again until a connection to it works. It is said once in the log when that begins and once
//!   when it ends.
//! - A bucket in Redis goes when it is full, which is what an unknown client has.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client as Redis, RedisError, Script};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::config::Secret;
use crate::limiter::{Client, Verdict, interval};
use crate::limits;
use crate::types::LimitClass;

/// Times in microseconds, which a Lua number holds exactly for some centuries. A bucket that says to be full later
/// than an empty one would be is from before the clock was set back.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local room = tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1]) or '0')
if full_at < now then full_at = now end
if full_at > now + room then full_at = now + room end
if full_at + interval > now + room then
  return {0, full_at - now}
end
full_at = full_at + interval
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return {1, full_at - now}
";

/// How Redis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum RedisState {
    /// Limits are shared.
    Shared,
    /// Each server has its own.
    Local,
}

/// The way to Redis.
pub(super) struct Shared {
    url: Secret,
    script: Script,
    connection: watch::Sender<Option<MultiplexedConnection>>,
    failed: Arc<Notify>,
}

impl Shared {
    pub(super) fn new(url: &Secret) -> Self {
        Self {
            url: url.clone(),
            script: Script::new(TAKE),
            connection: watch::Sender::new(None),
            failed: Arc::new(Notify::new()),
        }
    }

    pub(super) fn state(&self) -> RedisState {
        if self.connection.borrow().is_some() { RedisState::Shared } else { RedisState::Local }
    }

    /// Takes a token; `None` while Redis does not answer.
    pub(super) async fn take(&self, client: Client, class: LimitClass, rate: NonZeroU32) -> Option<Verdict> {
        let mut connection = self.connection.borrow().clone()?;
        let interval = (interval(rate) / 1_000).max(1);
        let mut call = self.script.key(bucket(client, class));
        call.arg(interval).arg(interval * u64::from(rate.get()));
        let answer = timeout(limits::REDIS_TIMEOUT, call.invoke_async::<(u8, u64)>(&mut connection)).await;
        if let Ok(Ok((allowed, until_full))) = answer {
            let refused = (allowed == 0).then_some(1);
            return Some(Verdict::new(rate, Duration::from_micros(until_full), refused));
        }
        // A request that comes meanwhile must not wait, too.
        if self.connection.send_replace(None).is_some() {
            self.failed.notify_one();
        }
        None
    }

    /// Connects, and connects again after every failure.
    pub(super) fn keep_up(&self) -> impl Future<Output = ()> + Send + use<> {
        let (url, script) = (self.url.clone(), self.script.clone());
        let (connection, failed) = (self.connection.clone(), Arc::clone(&self.failed));
        async move {
            let mut was_said = false;
            loop {
                match connect(&url, &script).await {
                    Ok(made) => {
                        tracing::info!("rate limits are shared through Redis");
                        connection.send_replace(Some(made));
                        failed.notified().await;
                        tracing::warn!("Redis failed; rate limits are this server's own until it is back");
                        was_said = true;
                    }
                    Err(error) if !was_said => {
                        // The text of the error may hold the URL, and that a password.
                        tracing::warn!(
                            kind = error,
                            "Redis does not answer; rate limits are this server's own"
                        );
                        was_said = true;
                    }
                    Err(_) => {}
                }
                tokio::time::sleep(limits::REDIS_RETRY).await;
            }
        }
    }
}

/// A connection on which the script has run.
async fn connect(url: &Secret, script: &Script) -> Result<MultiplexedConnection, String> {
    let kind = |error: RedisError| format!("{:?}", error.kind());
    let attempt = async {
        let mut connection = Redis::open(url.expose())?.get_multiplexed_async_connection().await?;
        script.prepare_invoke().load_async(&mut connection).await?;
        Ok(connection)
    };
    timeout(limits::REDIS_CONNECT_TIMEOUT, attempt)
        .await
        .map_err(|_| "it takes too long".to_owned())?
        .map_err(kind)
}

fn bucket(client: Client, class: LimitClass) -> String {
    let class = class.as_str();
    match client {
        Client::Key(id) => format!("watershed:limit:{class}:key:{id}"),
        Client::Address(address) => format!("watershed:limit:{class}:address:{address}"),
        Client::Others => format!("watershed:limit:{class}:others"),
    }
}
