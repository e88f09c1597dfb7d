//! A cluster, mirrored by watching its API server.
//!
//! - Each kind has a mirror of its own: one that the cluster does not have, or does not show, costs only itself.
//! - What is read is the mirrors. Whether the server can be reached is asked each time, for a mirror grows old in
//!   silence.
//! - What a mirror once had still counts while it cannot be renewed: half a cluster would give services other names.

mod mirror;

use std::path::PathBuf;
use std::time::Duration;

use kube::Config;
use kube::client::AuthError;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::{Client, ClientError, Reading};
use crate::limits;
use crate::sources::Found;
use crate::sources::kubernetes::{KINDS, parse};
use mirror::{Mirror, State};

/// Without this kind no address means anything.
const INDISPENSABLE: &str = "services";

/// How the API server is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// From inside the cluster, as the service account of the pod.
    InCluster,
    /// By the current context of this kubeconfig file.
    Kubeconfig(PathBuf),
}

/// A cluster that is watched from the first time that it is read.
pub struct Kubernetes {
    access: Access,
    watched: Option<Watched>,
}

struct Watched {
    client: kube::Client,
    mirrors: Vec<Mirror>,
    changes: watch::Receiver<()>,
    /// What was found last.
    last: Found,
}

impl Kubernetes {
    /// Of the cluster that the settings lead to. An error means that they lead to none; whether it can be reached, and
    /// whether it lets us in, is found out later.
    pub fn of(access: Access) -> Result<Self, ClientError> {
        match &access {
            Access::InCluster => drop(Config::incluster().map_err(said)?),
            Access::Kubeconfig(path) => drop(Kubeconfig::read_from(path).map_err(said)?),
        }
        Ok(Self { access, watched: None })
    }
}

impl Client for Kubernetes {
    async fn read(&mut self, _: Duration) -> Result<Reading, ClientError> {
        if self.watched.is_none() {
            self.watched = Some(Watched::begin(&self.access).await?);
        }
        self.watched.as_mut().expect("it was just made").read().await
    }

    async fn changed(&mut self) {
        match &mut self.watched {
            Some(watched) => watched.changed().await,
            None => std::future::pending().await,
        }
    }
}

impl Watched {
    async fn begin(access: &Access) -> Result<Self, ClientError> {
        let config = match access {
            Access::InCluster => Config::incluster().map_err(said)?,
            Access::Kubeconfig(path) => {
                let file = Kubeconfig::read_from(path).map_err(said)?;
                Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(said)?
            }
        };
        // A kubeconfig can name a command that gets the credentials, and it takes its time.
        let client = spawn_blocking(move || kube::Client::try_from(config)).await.map_err(said)?;
        let client = client.map_err(|error| said_without_secrets(&error))?;
        let (tell, changes) = watch::channel(());
        let mirrors = KINDS.iter().map(|kind| Mirror::of(kind, client.clone(), tell.clone())).collect();
        Ok(Self { client, mirrors, changes, last: Found::default() })
    }

    async fn read(&mut self) -> Result<Reading, ClientError> {
        let reached = timeout(limits::KUBERNETES_TIMEOUT, self.client.apiserver_version()).await;
        let reached = reached.map_err(|_| ClientError::new("the API server does not answer"))?;
        reached.map_err(|error| said_without_secrets(&error))?;
        let listed = async {
            for mirror in &self.mirrors {
                mirror.is_decided().await;
            }
        };
        // Those that are not listed by then are told of as missing.
        let _ = timeout(limits::KUBERNETES_TIMEOUT, listed).await;
        let failures: Vec<(&str, String)> = self.mirrors.iter().filter_map(Mirror::failure).collect();
        let missing = self.mirrors.iter().find(|mirror| {
            mirror.kind.plural == INDISPENSABLE && !mirror.was_listed() && mirror.state() != State::Absent
        });
        if missing.is_some() {
            let all: Vec<&str> = failures.iter().map(|(_, failure)| failure.as_str()).collect();
            return Err(ClientError::new(all.join("; ")));
        }
        self.last = self.look().await?;
        let mut reading = Reading { found: self.last.clone(), is_partial: !failures.is_empty() };
        for (_, failure) in failures {
            reading.found.note(failure);
        }
        Ok(reading)
    }

    /// Waits until the mirrors show something that says something new of the graph.
    async fn changed(&mut self) {
        loop {
            if self.changes.changed().await.is_err() {
                // No mirror is left that could tell.
                return std::future::pending().await;
            }
            sleep(limits::KUBERNETES_QUIET).await;
            self.changes.mark_unchanged();
            if self.look().await.is_ok_and(|found| !found.reports_as(&self.last)) {
                return;
            }
        }
    }

    async fn look(&self) -> Result<Found, ClientError> {
        let objects: Vec<_> = self.mirrors.iter().flat_map(Mirror::objects).collect();
        let values = move || {
            objects.iter().filter_map(|(kind, object)| mirror::value(kind, object)).collect::<Vec<_>>()
        };
        // Of a large cluster that takes longer than a request may wait for its thread.
        spawn_blocking(move || parse(&values())).await.map_err(said)
    }
}

fn said(error: impl std::fmt::Display) -> ClientError {
    ClientError::new(error.to_string())
}

/// A command for credentials may have printed them.
fn said_without_secrets(error: &kube::Error) -> ClientError {
    match error {
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            ClientError::new(format!("the command for credentials ended with {}", out.status))
        }
        kube::Error::Auth(AuthError::AuthExecParse(_)) => {
            ClientError::new("what the command for credentials printed is not understood")
        }
        other => said(other),
    }
}
