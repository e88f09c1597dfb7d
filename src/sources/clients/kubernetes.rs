//! A cluster, mirrored by watching its API server.
//!
//! - Each kind has a watch of its own: one that the cluster does not have, or does not show, costs only itself.
//! - What is read is the mirror. Whether the server can be reached is asked each time, for a mirror grows old in
//!   silence.
//! - A change that says nothing new of the graph, such as a pod's heartbeat, is none.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use kube::api::DynamicObject;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::discovery::ApiResource;
use kube::runtime::reflector::{Store, store::Writer};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt, reflector};
use kube::{Api, Config};
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::{Client, ClientError, Reading};
use crate::limits;
use crate::sources::Found;
use crate::sources::kubernetes::{KINDS, Kind, parse};

/// How the API server is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// From inside the cluster, as the service account of the pod.
    InCluster,
    /// By the current context of this kubeconfig file.
    Kubeconfig(PathBuf),
}

/// A cluster that is being watched.
pub struct Kubernetes {
    client: kube::Client,
    mirrors: Vec<Mirror>,
    changes: watch::Receiver<()>,
    last: Arc<Found>,
}

/// All objects of one kind.
struct Mirror {
    kind: &'static Kind,
    objects: Store<DynamicObject>,
    state: watch::Receiver<State>,
    task: AbortHandle,
}

/// How far a mirror has come.
#[derive(Clone, Debug, PartialEq)]
enum State {
    /// The first list is not there yet.
    Pending,
    /// It shows what the cluster has.
    Listed,
    /// The cluster does not have the kind.
    Absent,
    /// It cannot be read.
    Failed(String),
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Kubernetes {
    /// Begins to watch a cluster, on the runtime of the caller. An error means that the settings do not lead to one;
    /// whether it can be reached is found out later.
    pub async fn watch(access: &Access) -> Result<Self, ClientError> {
        let config = match access {
            Access::InCluster => Config::incluster().map_err(said)?,
            Access::Kubeconfig(path) => {
                let file = Kubeconfig::read_from(path).map_err(said)?;
                Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(said)?
            }
        };
        let client = kube::Client::try_from(config).map_err(said)?;
        let (tell, changes) = watch::channel(());
        let mirrors = KINDS.iter().map(|kind| Mirror::of(kind, client.clone(), tell.clone())).collect();
        Ok(Self { client, mirrors, changes, last: Arc::default() })
    }

    /// What the mirrors show, and which of them show nothing, with the reason.
    async fn look(&self) -> Result<(Found, Vec<String>), ClientError> {
        let (mut objects, mut failures) = (Vec::new(), Vec::new());
        for mirror in &self.mirrors {
            let state = mirror.state.borrow().clone();
            match state {
                State::Listed => {
                    objects.extend(mirror.objects.state().into_iter().map(|it| (mirror.kind, it)));
                }
                State::Absent => {}
                State::Failed(reason) => {
                    failures.push(format!("{} cannot be read: {reason}", mirror.kind.plural));
                }
                State::Pending => failures.push(format!("{} were not listed in time", mirror.kind.plural)),
            }
        }
        let values =
            move || objects.iter().filter_map(|(kind, object)| value(kind, object)).collect::<Vec<_>>();
        let found = spawn_blocking(move || parse(&values())).await.map_err(said)?;
        Ok((found, failures))
    }
}

impl Client for Kubernetes {
    async fn read(&mut self, _: Duration) -> Result<Reading, ClientError> {
        let reached = timeout(limits::KUBERNETES_TIMEOUT, self.client.apiserver_version()).await;
        reached.map_err(|_| ClientError("the API server does not answer".to_owned()))?.map_err(said)?;
        let listed = async {
            for mirror in &self.mirrors {
                // A watch that has ended will not list any more; what it knows is its last word.
                let _ = mirror.state.clone().wait_for(|state| *state != State::Pending).await;
            }
        };
        // Those that are not listed by then are told of as missing.
        let _ = timeout(limits::KUBERNETES_TIMEOUT, listed).await;
        let (found, failures) = self.look().await?;
        if failures.len() == self.mirrors.len() {
            return Err(ClientError(failures.join("; ")));
        }
        self.last = Arc::new(found.clone());
        let mut reading = Reading { found, is_partial: !failures.is_empty() };
        for failure in failures {
            reading.found.note(failure);
        }
        Ok(reading)
    }

    async fn changed(&mut self) {
        loop {
            if self.changes.changed().await.is_err() {
                // No watch is left that could tell.
                return std::future::pending().await;
            }
            sleep(limits::KUBERNETES_QUIET).await;
            self.changes.mark_unchanged();
            if self.look().await.is_ok_and(|(found, _)| found != *self.last) {
                return;
            }
        }
    }
}

impl Mirror {
    fn of(kind: &'static Kind, client: kube::Client, changes: watch::Sender<()>) -> Self {
        let resource = resource(kind);
        let api: Api<DynamicObject> = Api::all_with(client, &resource);
        let writer = Writer::new(resource);
        let objects = writer.as_reader();
        let (tell, state) = watch::channel(State::Pending);
        let task = tokio::spawn(follow(api, writer, tell, changes)).abort_handle();
        Self { kind, objects, state, task }
    }
}

/// Keeps a mirror up to date, for ever.
async fn follow(
    api: Api<DynamicObject>,
    writer: Writer<DynamicObject>,
    state: watch::Sender<State>,
    changes: watch::Sender<()>,
) {
    let events = watcher(api, watcher::Config::default()).default_backoff().modify(forget_what_is_not_read);
    let mut events = std::pin::pin!(reflector(writer, events));
    while let Some(event) = events.next().await {
        let next = match event {
            Ok(Event::Init | Event::InitApply(_)) => continue,
            Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => State::Listed,
            Err(error) => match after(&error) {
                Some(next) => next,
                None => continue,
            },
        };
        state.send_replace(next);
        changes.send_replace(());
    }
}

/// What an error says of a mirror; `None` where the watch goes on by itself.
fn after(error: &watcher::Error) -> Option<State> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404 => {
            Some(State::Absent)
        }
        watcher::Error::InitialListFailed(cause) => Some(State::Failed(cause.to_string())),
        // Allowed to list, but not to watch: the mirror does not follow.
        watcher::Error::WatchStartFailed(cause @ kube::Error::Api(_)) => {
            Some(State::Failed(cause.to_string()))
        }
        watcher::Error::NoResourceVersion => Some(State::Failed(error.to_string())),
        watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchError(_)
        | watcher::Error::WatchFailed(_) => None,
    }
}

/// Half of an object may be who wrote which field.
fn forget_what_is_not_read(object: &mut DynamicObject) {
    object.metadata.managed_fields = None;
    if let Some(members) = object.data.as_object_mut() {
        members.remove("status");
        members.remove("binaryData");
    }
}

fn resource(kind: &Kind) -> ApiResource {
    let api_version = if kind.group.is_empty() {
        kind.version.to_owned()
    } else {
        format!("{}/{}", kind.group, kind.version)
    };
    ApiResource {
        group: kind.group.to_owned(),
        version: kind.version.to_owned(),
        api_version,
        kind: kind.kind.to_owned(),
        plural: kind.plural.to_owned(),
    }
}

/// An object as a manifest shows it: those of a list do not say what they are.
fn value(kind: &Kind, object: &DynamicObject) -> Option<serde_json::Value> {
    let mut value = serde_json::to_value(object).ok()?;
    let resource = resource(kind);
    value["apiVersion"] = resource.api_version.into();
    value["kind"] = resource.kind.into();
    Some(value)
}

fn said(error: impl std::fmt::Display) -> ClientError {
    ClientError(error.to_string())
}
